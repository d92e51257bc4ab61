"""Embeddings by way of the store: what is known is looked up, what is new is encoded and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sightglass.encoders.contract import ImageEncoder, TextEncoder
from sightglass.encoders.embeddings import Embeddings
from sightglass.reading import ReadPicture
from sightglass.store import Store

if TYPE_CHECKING:
    from jaxtyping import Float

# A large vocabulary takes a large model hours: what is done must be kept when a run is cut off.
TEXTS_AT_A_TIME = 512


def embed_pictures(
    pictures: Sequence[ReadPicture], *, encoder: ImageEncoder, store: Store
) -> Embeddings:
    """One row for each picture that could be used, in order.

    All that is new in this batch is saved in one transaction: after a crash the store holds the
    whole batch or nothing of it.
    """
    fresh = [picture.fresh for picture in pictures if picture.fresh is not None]
    encoded = encoder.encode_images([one.pixels for one in fresh]) if fresh else None
    stamped = [
        (picture.outcome.path, picture.stamp.size, picture.stamp.mtime_ns, picture.content)
        for picture in pictures
        if picture.stamp is not None and picture.stamp.settled and picture.content is not None
    ]
    if encoded is None:
        empty = np.empty((0, encoder.card.dim), np.float32)
        encoded = Embeddings(rows=empty, fingerprint=encoder.fingerprint)
    if stamped or fresh:
        store.save_batch([one.stored for one in fresh], encoded, stamped)
    new_rows = zip(encoded.rows, encoded.norms, strict=True)
    found = [
        next(new_rows) if picture.known is None else (picture.known.row, picture.known.norm)
        for picture in pictures
        if picture.usable
    ]
    return Embeddings(
        rows=np.array([row for row, _ in found], np.float32).reshape(-1, encoder.card.dim),
        norms=np.array([norm for _, norm in found], np.float32),
        fingerprint=encoder.fingerprint,
    )


def embed_by_reference(
    pictures: Sequence[ReadPicture],
    *,
    reference: ImageEncoder,
    store: Store,
    read_again: Callable[[ReadPicture], ReadPicture],
) -> list[Float[np.ndarray, " dim"] | None]:
    """The reference's row of each picture, by way of the store.

    Args:
        pictures: Known or fresh for an encoder that prepares pictures just as ``reference`` does.
        reference: Does not round.
        store: Keeps the reference's rows too, under its own fingerprint.
        read_again: Reads a picture, whose pixels are not at hand any more, for ``reference``.

    Returns:
        In the order of ``pictures``; None where the file has gone or changed meanwhile.
    """
    ready = []
    for picture in pictures:
        known = picture.content and store.known(picture.content, fingerprint=reference.fingerprint)
        if known:
            ready.append(replace(picture, stamp=None, known=known, fresh=None))
        elif picture.fresh is not None:
            ready.append(replace(picture, stamp=None))
        else:
            ready.append(read_again(picture))
    same = [new.content == old.content for new, old in zip(ready, pictures, strict=True)]
    usable = [picture for picture, kept in zip(ready, same, strict=True) if kept]
    rows = iter(embed_pictures(usable, encoder=reference, store=store).rows)
    return [next(rows) if kept else None for kept in same]


def embed_texts(texts: Sequence[str], *, encoder: TextEncoder, store: Store) -> Embeddings:
    """Unit rows of ``texts``, in order."""
    known = store.texts(texts, fingerprint=encoder.fingerprint)
    missing = [text for text in dict.fromkeys(texts) if text not in known]
    for at in range(0, len(missing), TEXTS_AT_A_TIME):
        part = missing[at : at + TEXTS_AT_A_TIME]
        new = encoder.encode_texts(part)
        store.save_texts(part, new)
        known.update(zip(part, zip(new.rows, new.norms.tolist(), strict=True), strict=True))
    found = [known[text] for text in texts]
    return Embeddings(
        rows=np.array([row for row, _ in found], np.float32).reshape(-1, encoder.card.dim),
        norms=np.array([norm for _, norm in found], np.float32),
        fingerprint=encoder.fingerprint,
    )
