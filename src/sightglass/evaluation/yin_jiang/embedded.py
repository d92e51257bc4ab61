"""Embedded: labelled pictures as rows in both image spaces, computed once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import usable_processors
from sightglass.embedding import embed_pictures
from sightglass.encoders.contract import DualEncoder, ImageEncoder
from sightglass.encoders.wording import require_fixed_texts
from sightglass.errors import EvaluationError
from sightglass.evaluation.labelled_pictures import LabelledPictures
from sightglass.read_ahead import ahead, batches
from sightglass.reading import read_picture
from sightglass.store import Store

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from sightglass.reading import Source

_BATCHES_AHEAD = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Encoders:
    """What a run encodes with.

    Attributes:
        dual: Pictures and texts in one space.
        vision: Pictures only, in a space of its own; None leaves that alignment out.
        store: Remembers all rows.
        names: As they were asked for, joined by ``+``.
        batch_size: Pictures per pass of a network: changes speed and memory, never results.
    """

    dual: DualEncoder
    vision: ImageEncoder | None
    store: Store
    names: str
    batch_size: int = 32

    def __post_init__(self) -> None:
        """Refuse an encoder that has no fixed row for a class."""
        require_fixed_texts(self.dual, where="Suite")


@dataclass(frozen=True, kw_only=True, eq=False)
class Embedded:
    """Rows of the pictures that could be opened.

    Attributes:
        image: Unit rows in the space of the text-image model.
        vision: Unit rows of the same pictures in the vision-only space, or None.
        labels: Class index of each. Looked at by metrics only.
        content: sha256 of each picture's bytes.
        image_norms: How long the rows of ``image`` were as the network gave them; None where
            nobody knows.
        vision_norms: The same of ``vision``.
        failed: How many pictures could not be opened.
        seconds: What reading and encoding took.
    """

    image: Float[np.ndarray, "n dim"]
    vision: Float[np.ndarray, "n dim_vision"] | None
    labels: Int[np.ndarray, " n"]
    content: tuple[bytes, ...] = field(repr=False)
    image_norms: Float[np.ndarray, " n"] | None = None
    vision_norms: Float[np.ndarray, " n"] | None = None
    failed: int = 0
    seconds: float = 0.0

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.labels)

    def at(self, rows: Int[np.ndarray, " n_chosen"]) -> Embedded:
        """Only these pictures, in this order."""
        return replace(
            self,
            image=self.image[rows],
            vision=None if self.vision is None else self.vision[rows],
            labels=self.labels[rows],
            content=tuple(self.content[row] for row in rows),
            image_norms=None if self.image_norms is None else self.image_norms[rows],
            vision_norms=None if self.vision_norms is None else self.vision_norms[rows],
        )

    def labelled(self, labels: Int[np.ndarray, " n"]) -> Embedded:
        """The same pictures with other class indices."""
        return replace(self, labels=labels)

    def beside(self, other: Embedded, *, first_label: int) -> Embedded:
        """These pictures, then the other's, whose labels begin at ``first_label``."""
        return replace(
            self,
            image=np.concatenate([self.image, other.image]),
            vision=None
            if self.vision is None or other.vision is None
            else np.concatenate([self.vision, other.vision]),
            labels=np.concatenate([self.labels, other.labels + first_label]),
            content=self.content + other.content,
            image_norms=None,
            vision_norms=None,
            failed=self.failed + other.failed,
            seconds=self.seconds + other.seconds,
        )


def evenly(n: int, most: int | None) -> Int[np.ndarray, " n_chosen"]:
    """Indices of at most ``most`` of ``n``, evenly spaced: sets are often sorted by class."""
    if most is None or most >= n:
        return np.arange(n)
    return np.arange(most) * n // most


def embed_labelled(
    data: LabelledPictures, encoders: Encoders, *, limit: int | None = None
) -> Embedded:
    """All pictures of a data set, or ``limit`` of them evenly spread, by way of the store.

    Each picture is read once for both encoders. Memory: two rows for each picture, pixels of a
    few batches.

    Raises:
        EvaluationError: If no picture could be opened.
    """
    start = time.perf_counter()
    size = encoders.batch_size
    chosen = evenly(len(data), limit)
    wanted = set(chosen.tolist())
    sources: Iterable[Source] = (
        (f"picture {index}", content)
        for index, content in enumerate(data.read())
        if index in wanted
    )
    beside = [] if encoders.vision is None else [encoders.vision]
    read = partial(read_picture, store=encoders.store, encoder=encoders.dual, beside=beside)
    pictures = ahead(read, sources, threads=usable_processors(), window=_BATCHES_AHEAD * size)
    rows: list[list[np.ndarray]] = [[], []]
    norms: list[list[np.ndarray]] = [[], []]
    usable: list[bool] = []
    content: list[bytes] = []
    try:
        for batch in batches(pictures, size):
            usable += [picture.usable for picture in batch]
            opened = [picture for picture in batch if picture.usable]
            content += [picture.content or b"" for picture in opened]
            image = embed_pictures(opened, encoder=encoders.dual, store=encoders.store)
            rows[0].append(image.rows)
            norms[0].append(image.norms)
            if encoders.vision is not None:
                again = [picture.beside[0] for picture in opened]
                vision = embed_pictures(again, encoder=encoders.vision, store=encoders.store)
                rows[1].append(vision.rows)
                norms[1].append(vision.norms)
    finally:
        pictures.close()
    if not any(usable):
        raise EvaluationError("Suite: no picture of the data set could be opened.")
    return Embedded(
        image=np.concatenate(rows[0]),
        vision=np.concatenate(rows[1]) if rows[1] else None,
        image_norms=np.concatenate(norms[0]),
        vision_norms=np.concatenate(norms[1]) if norms[1] else None,
        labels=data.labels[chosen][np.array(usable)],
        content=tuple(content),
        failed=len(usable) - sum(usable),
        seconds=time.perf_counter() - start,
    )
