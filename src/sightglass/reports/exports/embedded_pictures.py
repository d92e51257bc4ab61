"""The rows of pictures themselves: read, kept and accounted for as classify does it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sightglass import __version__
from sightglass.inputs.outcome import Outcome
from sightglass.read_ahead import batches
from sightglass.reports.first_seen import FirstSeen
from sightglass.several_encoders import embed_for, read_for

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from sightglass.encoders.contract import ImageEncoder
    from sightglass.encoders.embeddings import Embeddings
    from sightglass.reading import ReadPicture, Source
    from sightglass.reports.work import Work
    from sightglass.store import Store

FORMAT = "sightglass-embeddings-1"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmbeddedPicture:
    """One per file found.

    Attributes:
        outcome: The path and what happened to the file.
        sha256: Of the file's bytes, 64 hex digits; None where they could not be used, and so for
            the attributes below.
        width: Of the upright picture, in pixels.
        height: As ``width``.
        row: float32, unit length.
        norm: How long the network's row was.
    """

    outcome: Outcome
    sha256: str | None = None
    width: int | None = None
    height: int | None = None
    row: Float[np.ndarray, " dim"] | None = None
    norm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NamedRows:
    """Rows of class names, to compare pictures' rows with.

    Attributes:
        names: Display names.
        synonyms: All names of each class.
        embeddings: One unit row per class.
    """

    names: tuple[str, ...]
    synonyms: tuple[tuple[str, ...], ...]
    embeddings: Embeddings


def embedded_pictures(
    sources: Iterable[Source],
    *,
    encoder: ImageEncoder,
    store: Store,
    max_pixels: int,
    batch_size: int,
    work: Work,
) -> Iterator[EmbeddedPicture]:
    """One value per source, in order; memory does not grow with their number.

    Args:
        sources: Paths and URLs as ``find_pictures`` gives them, or names with what is in memory.
        encoder: Makes the rows. A rounding one's rows are rounded, as those are that classify
            compares first.
        store: Rows that it knows are not made again.
        max_pixels: Larger pictures are ``too_large``.
        batch_size: Pictures per pass of the network.
        work: Filled in on the way.
    """
    pictures = read_for(
        (encoder,), sources, store=store, max_pixels=max_pixels, batch_size=batch_size
    )
    first_seen = FirstSeen()
    try:
        for batch in work.timed_each("read", batches(pictures, batch_size)):
            with work.timed("encode"):
                (embeddings,) = embed_for((encoder,), batch, store=store)
            embedded = _embedded(batch, embeddings, first_seen)
            work.looked_at(batch)
            work.counts.update(one.outcome.status for one in embedded)
            yield from embedded
    finally:
        pictures.close()


def about(encoder: ImageEncoder) -> dict[str, Any]:
    """What must travel with rows so that nobody mixes those of different encoders."""
    card = encoder.card
    return {
        "format": FORMAT,
        "sightglass": __version__,
        "rows": "float32, unit length",
        "encoder": {
            "name": card.name,
            "fingerprint": encoder.fingerprint,
            "dim": card.dim,
            "logit_scale": card.logit_scale,
            "logit_bias": card.logit_bias,
            "precision": card.precision,
            "source": card.source,
            "licence": card.licence,
        },
    }


def _embedded(
    batch: Sequence[ReadPicture], embeddings: Embeddings, first_seen: FirstSeen
) -> list[EmbeddedPicture]:
    remaining = iter(zip(embeddings.rows, embeddings.norms.tolist(), strict=True))
    embedded = []
    for picture in batch:
        size = picture.fresh.stored if picture.fresh is not None else picture.known
        if size is None or picture.content is None:
            embedded.append(EmbeddedPicture(outcome=picture.outcome))
            continue
        outcome = picture.outcome
        first = first_seen.setdefault(picture.content, outcome.path)
        if first != outcome.path:
            outcome = replace(outcome, status="duplicate", detail=f"same bytes as {first}")
        row, norm = next(remaining)
        embedded.append(
            EmbeddedPicture(
                outcome=outcome,
                sha256=picture.content.hex(),
                width=size.width,
                height=size.height,
                row=row,
                norm=norm,
            )
        )
    return embedded


def listed(picture: EmbeddedPicture) -> Mapping[str, Any]:
    """All of it but the row; names as they are."""
    return {
        "path": picture.outcome.path,
        "outcome": picture.outcome.status,
        "detail": picture.outcome.detail,
        "sha256": picture.sha256,
        "width": picture.width,
        "height": picture.height,
        "norm": picture.norm,
    }
