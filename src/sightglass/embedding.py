"""Embeddings by way of the store: what is known is looked up, what is new is encoded and kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.encoders.contract import ImageEncoder, TextEncoder
from sightglass.encoders.embeddings import Embeddings
from sightglass.reading import ReadPicture
from sightglass.store import Store

if TYPE_CHECKING:
    from jaxtyping import Float


def embed_pictures(
    pictures: Sequence[ReadPicture], *, encoder: ImageEncoder, store: Store
) -> Embeddings:
    """One row for each picture that could be used, in order.

    All that is new in this batch is saved in one transaction: after a crash the store holds the
    whole batch or nothing of it.
    """
    fresh = [picture.fresh for picture in pictures if picture.fresh is not None]
    encoded = (
        encoder.encode_images([one.pixels for one in fresh]).rows if fresh else np.empty((0, 0))
    )
    stamped = [
        (picture.outcome.path, picture.stamp.size, picture.stamp.mtime_ns, picture.content)
        for picture in pictures
        if picture.stamp is not None and picture.content is not None
    ]
    if stamped or fresh:
        store.save_batch(
            [one.stored for one in fresh], encoded, stamped, fingerprint=encoder.fingerprint
        )
    new_rows = iter(encoded)
    rows = [
        next(new_rows) if picture.known is None else picture.known.row
        for picture in pictures
        if picture.fresh is not None or picture.known is not None
    ]
    stacked = np.array(rows, np.float32).reshape(len(rows), encoder.card.dim)
    return Embeddings(rows=stacked, fingerprint=encoder.fingerprint)


def embed_texts(
    texts: Sequence[str], *, encoder: TextEncoder, store: Store
) -> Float[np.ndarray, "n_texts dim"]:
    """Unit rows of ``texts``, in order."""
    known = store.texts(texts, fingerprint=encoder.fingerprint)
    missing = [text for text in dict.fromkeys(texts) if text not in known]
    if missing:
        rows = encoder.encode_texts(missing).rows
        store.save_texts(missing, rows, fingerprint=encoder.fingerprint)
        known.update(zip(missing, rows, strict=True))
    return np.stack([known[text] for text in texts])
