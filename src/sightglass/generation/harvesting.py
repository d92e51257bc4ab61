"""Harvesting: from pictures that text-image alignment has answered to a choice per class."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import usable_processors
from sightglass.embedding import embed_pictures
from sightglass.generation.harvest_rule import Harvest, choose_references
from sightglass.inputs.images import DEFAULT_MAX_PIXELS
from sightglass.read_ahead import ahead, batches
from sightglass.reading import ReadPicture, read_picture

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    from sightglass.encoders.contract import ImageEncoder
    from sightglass.store import Store

_BATCHES_AHEAD = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnsweredPicture:
    """A picture file and what text-image alignment said of it.

    Attributes:
        path: As found.
        content: sha256 of the file's bytes.
        probabilities: Of every class.
        unknown_score: In [0, 1]; higher means more likely none of the classes.
    """

    path: str
    content: bytes
    probabilities: Float[np.ndarray, " n_classes"]
    unknown_score: float


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenPictures:
    """Pictures of different content, each with the vision-only encoder's row.

    Attributes:
        pictures: In the order in which they came.
        vision_rows: float32 unit rows, one for each.
        named: Whether a class's name fits the picture as well as any everyday word.
        lost: Paths of pictures that had changed or gone when the second encoder came to them.
    """

    pictures: tuple[AnsweredPicture, ...]
    vision_rows: Float[np.ndarray, "n dim"]
    named: Bool[np.ndarray, " n"]
    lost: tuple[str, ...]


def see_pictures(
    answered: Iterable[AnsweredPicture],
    *,
    encoder: ImageEncoder,
    named: Callable[[Float[np.ndarray, "n dim"]], Bool[np.ndarray, " n"]],
    vision: ImageEncoder,
    store: Store,
    batch_size: int,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> SeenPictures:
    """Show each picture to the vision-only encoder as it comes, and compare it with words.

    Memory: the row and a few numbers of each picture; pixels of a few batches.

    Args:
        answered: Taken one by one. Of pictures with the same bytes only the first counts.
        encoder: Answered; the store remembers its rows.
        named: From its rows to whether a class's name fits as well as any everyday word.
        vision: Makes the vision-only rows.
        store: Remembers all rows of pictures.
        batch_size: Pictures per pass of the network.
        max_pixels: As for reading.
    """
    read = partial(_read, vision=vision, encoder=encoder, store=store, max_pixels=max_pixels)
    window = _BATCHES_AHEAD * batch_size
    reading = ahead(read, _different(answered), threads=usable_processors(), window=window)
    pictures: list[AnsweredPicture] = []
    rows = [np.empty((0, vision.card.dim), np.float32)]
    fits = [np.empty(0, bool)]
    lost: list[str] = []
    try:
        for batch in batches(reading, batch_size):
            usable = [(one, seen) for one, seen in batch if seen.content == one.content]
            lost += [one.path for one, seen in batch if seen.content != one.content]
            pictures += [one for one, _ in usable]
            seen_now = [seen for _, seen in usable]
            rows.append(embed_pictures(seen_now, encoder=vision, store=store).rows)
            again = [seen.beside[0] for seen in seen_now]
            images = embed_pictures(again, encoder=encoder, store=store).rows
            fits.append(named(images))
    finally:
        reading.close()
    return SeenPictures(
        pictures=tuple(pictures),
        vision_rows=np.concatenate(rows),
        named=np.concatenate(fits),
        lost=tuple(lost),
    )


def choose_from(
    seen: SeenPictures, *, n_classes: int, per_class: int, unknown_threshold: float
) -> Harvest:
    """``choose_references`` on these pictures; its indices count in ``seen.pictures``."""
    probabilities = np.empty((len(seen.pictures), n_classes), np.float32)
    for row, picture in zip(probabilities, seen.pictures, strict=True):
        row[:] = picture.probabilities
    return choose_references(
        probabilities,
        np.array([picture.unknown_score for picture in seen.pictures], np.float32),
        seen.vision_rows,
        per_class=per_class,
        unknown_threshold=unknown_threshold,
        named=seen.named,
        content=[picture.content for picture in seen.pictures],
    )


def _different(answered: Iterable[AnsweredPicture]) -> Iterable[AnsweredPicture]:
    known: set[bytes] = set()
    for one in answered:
        if one.content not in known:
            known.add(one.content)
            yield one


def _read(
    one: AnsweredPicture,
    *,
    vision: ImageEncoder,
    encoder: ImageEncoder,
    store: Store,
    max_pixels: int,
) -> tuple[AnsweredPicture, ReadPicture]:
    picture = read_picture(
        one.path, store=store, encoder=vision, beside=[encoder], max_pixels=max_pixels
    )
    return one, picture
