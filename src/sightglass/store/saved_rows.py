"""Rows as they are written, checksums included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.encoders.embeddings import Embeddings
from sightglass.store.pictures import StoredPicture
from sightglass.store.row_checks import row_crc, size_crc, thumbnail_crc

if TYPE_CHECKING:
    from jaxtyping import Float

SavedRow = tuple[object, ...]


def picture_rows(pictures: Sequence[StoredPicture]) -> list[SavedRow]:
    """One row each for ``pictures``."""
    return [
        (
            one.content,
            one.width,
            one.height,
            size_crc(one.content, one.width, one.height),
            thumbnail_crc(one.content, one.thumbnail),
            one.thumbnail,
        )
        for one in pictures
    ]


def embedding_rows(keys: Sequence[bytes], embeddings: Embeddings) -> list[SavedRow]:
    """One row each for ``embeddings`` or ``texts``; ``keys`` say of what, in order."""
    fingerprint = embeddings.fingerprint
    rows: list[SavedRow] = []
    for key, row, norm in zip(keys, embeddings.rows, embeddings.norms.tolist(), strict=True):
        blob = _blob(row)
        crc = row_crc(fingerprint.encode(), key, blob, norm)
        rows.append((fingerprint, key, blob, norm, crc))
    return rows


def _blob(row: Float[np.ndarray, " dim"]) -> bytes:
    return np.ascontiguousarray(row, dtype="<f4").tobytes()


def text_key(text: str) -> bytes:
    """How ``texts`` names a text: as bytes, lone surrogates too."""
    return text.encode("utf-8", "surrogatepass")
