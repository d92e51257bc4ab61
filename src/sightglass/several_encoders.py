"""Pictures for several encoders at once: read once, embedded in each one's space."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import usable_processors
from sightglass.embedding import embed_pictures
from sightglass.inputs.remote import is_url
from sightglass.read_ahead import ahead
from sightglass.reading import ReadPicture, read_picture

if TYPE_CHECKING:
    from jaxtyping import Float

    from sightglass.encoders.contract import ImageEncoder
    from sightglass.encoders.embeddings import Embeddings
    from sightglass.reading import Source
    from sightglass.store import Store

# Batches that are read while one is encoded: enough that neither side waits, little enough that
# memory stays at a few dozen prepared pictures.
BATCHES_AHEAD = 3
# A file on another machine is mostly waited for. With 50 ms an answer: 11 pictures/s with 2
# threads, 175 with 32, 240 with 64, where a store that answers slowly would see a flood.
THREADS_FOR_URLS = 32


def read_for(
    encoders: Sequence[ImageEncoder],
    sources: Iterable[Source],
    *,
    store: Store,
    max_pixels: int,
    batch_size: int,
) -> Generator[ReadPicture]:
    """The pictures in order, read ahead of their use; close it when done."""
    first, *others = encoders
    read = partial(
        read_picture, store=store, encoder=first, beside=tuple(others), max_pixels=max_pixels
    )
    window = BATCHES_AHEAD * batch_size
    # Sorted sources are files, URLs, files at most: few turns, and each waits for the last of one.
    for far, alike in groupby(sources, key=_is_far):
        threads = max(THREADS_FOR_URLS, usable_processors()) if far else usable_processors()
        yield from ahead(read, alike, threads=threads, window=window)


def _is_far(source: Source) -> bool:
    return isinstance(source, str) and is_url(source)


def embed_for(
    encoders: Sequence[ImageEncoder], batch: Sequence[ReadPicture], *, store: Store
) -> list[Embeddings]:
    """For each encoder, one row per usable picture of the batch."""
    usable = [picture for picture in batch if picture.usable]
    return [
        embed_pictures(
            [picture if space == 0 else picture.beside[space - 1] for picture in usable],
            encoder=encoder,
            store=store,
        )
        for space, encoder in enumerate(encoders)
    ]


def distinct_rows(
    encoders: Sequence[ImageEncoder],
    pictures: Iterable[Sequence[ReadPicture]],
    *,
    store: Store,
    seen: Callable[[Sequence[ReadPicture]], None],
) -> tuple[list[Float[np.ndarray, "n dim"]], tuple[bytes, ...]]:
    """Rows of the usable pictures, copies once, and the sha256 of their bytes.

    Args:
        encoders: One matrix each.
        pictures: In batches.
        store: Remembers what is new.
        seen: Called with every batch, for the tally.
    """
    parts: list[list[Float[np.ndarray, "n dim"]]] = [
        [np.empty((0, encoder.card.dim), np.float32)] for encoder in encoders
    ]
    contents: dict[bytes, None] = {}
    for batch in pictures:
        seen(batch)
        new: dict[bytes, ReadPicture] = {}
        for picture in batch:
            if picture.usable and picture.content is not None and picture.content not in contents:
                new.setdefault(picture.content, picture)
        for part, embeddings in zip(
            parts, embed_for(encoders, tuple(new.values()), store=store), strict=True
        ):
            part.append(embeddings.rows)
        contents.update(dict.fromkeys(new))
    return [np.concatenate(part) for part in parts], tuple(contents)
