"""References as rows: read like any picture, by way of the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sightglass.errors import InputError
from sightglass.inputs.references import ReferencePicture, ReferenceSet
from sightglass.read_ahead import batches
from sightglass.several_encoders import embed_for, read_for

if TYPE_CHECKING:
    from jaxtyping import Bool, Int

    from sightglass.encoders.contract import ImageEncoder
    from sightglass.encoders.embeddings import Embeddings
    from sightglass.inputs.outcome import Outcome
    from sightglass.store import Store

_BATCH = 32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceRows:
    """What the encoders make of the references that can be used.

    Attributes:
        pictures: The references, in order.
        embeddings: One value per encoder, with one row per picture.
        labels: Class index of each picture.
        contents: sha256 of each picture's bytes.
        by_construction: False for harvested pictures: an alignment chose them, so that they cannot
            testify for it.
        unusable: What became of the others.
    """

    pictures: tuple[ReferencePicture, ...]
    embeddings: tuple[Embeddings, ...]
    labels: Int[np.ndarray, " n_references"]
    contents: tuple[bytes, ...]
    by_construction: Bool[np.ndarray, " n_references"]
    unusable: tuple[Outcome, ...]

    def places_of(self, contents: Sequence[bytes]) -> dict[int, int]:
        """Which of the pictures with these contents are references: index to place."""
        own = {content: place for place, content in enumerate(self.contents)}
        return {index: own[content] for index, content in enumerate(contents) if content in own}


def embed_references(
    references: ReferenceSet, encoders: Sequence[ImageEncoder], *, store: Store, max_pixels: int
) -> ReferenceRows:
    """Read and embed every reference; the same bytes count once within a class.

    Raises:
        InputError: If none can be used, or one picture stands for two classes.
    """
    sources = [picture.source for picture in references.pictures]
    pictures = read_for(encoders, sources, store=store, max_pixels=max_pixels, batch_size=_BATCH)
    kept: list[ReferencePicture] = []
    contents: list[bytes] = []
    unusable: list[Outcome] = []
    rows: list[list[Embeddings]] = [[] for _ in encoders]
    owner: dict[bytes, int] = {}
    waiting = iter(references.pictures)
    try:
        for batch in batches(pictures, _BATCH):
            usable = []
            for picture in batch:
                reference = next(waiting)
                if picture.content is None or not picture.usable:
                    unusable.append(picture.outcome)
                    continue
                if picture.content in owner:
                    _check_one_class(reference, kept[owner[picture.content]])
                    continue
                owner[picture.content] = len(kept)
                kept.append(reference)
                contents.append(picture.content)
                usable.append(picture)
            for parts, embeddings in zip(
                rows, embed_for(encoders, usable, store=store), strict=True
            ):
                parts.append(embeddings)
    finally:
        pictures.close()
    if not kept:
        raise InputError(
            f"References: pictures that can be opened are needed, none of {len(unusable)} can; the "
            f"first is {unusable[0].path} ({unusable[0].status}: {unusable[0].detail})."
        )
    return ReferenceRows(
        pictures=tuple(kept),
        embeddings=tuple(_joined(parts) for parts in rows),
        labels=np.array([picture.class_index for picture in kept], np.int64),
        contents=tuple(contents),
        by_construction=np.array(
            [not (p.provenance and p.provenance.origin == "harvested") for p in kept], bool
        ),
        unusable=tuple(unusable),
    )


def _joined(parts: Sequence[Embeddings]) -> Embeddings:
    from sightglass.encoders.embeddings import Embeddings

    return Embeddings(
        rows=np.concatenate([part.rows for part in parts]),
        norms=np.concatenate([part.norms for part in parts]),
        fingerprint=parts[0].fingerprint,
    )


def _check_one_class(second: ReferencePicture, first: ReferencePicture) -> None:
    if second.class_index != first.class_index:
        raise InputError(
            f"References: a picture can stand for one class only, {second.name} and {first.name} "
            f"are the same picture in two classes. Remove one of them."
        )
