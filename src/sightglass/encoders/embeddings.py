"""Unit rows that know which encoder made them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sightglass.errors import InputError, ShapeError

if TYPE_CHECKING:
    from jaxtyping import Float


def unit_rows(rows: Float[np.ndarray, "n dim"]) -> Float[np.ndarray, "n dim"]:
    """Rows scaled to length 1, float32. A row of zeros stays a row of zeros.

    The norm is taken in float64, so that the result does not depend on how a processor sums.
    """
    wide = np.asarray(rows, dtype=np.float64)
    norms = np.sqrt((wide * wide).sum(axis=1, keepdims=True))
    return (wide / np.where(norms > 0, norms, 1.0)).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Embeddings:
    """Rows of one encoder.

    Attributes:
        rows: float32, unit length, ``(n, dim)``.
        fingerprint: The encoder's fingerprint; rows of different fingerprints never mix.
    """

    rows: Float[np.ndarray, "n dim"]
    fingerprint: str

    def __post_init__(self) -> None:
        """Check the axes once, where the value is made."""
        if self.rows.ndim != 2:
            raise ShapeError(f"Embeddings: rows need shape (n, dim), got {self.rows.shape}.")


def require_one_encoder(first: Embeddings, second: Embeddings, *, where: str) -> None:
    """Raise InputError unless both were made by the same encoder, weights and precision alike."""
    if first.fingerprint != second.fingerprint:
        raise InputError(
            f"{where}: both embeddings must come from one encoder, got fingerprints "
            f"{first.fingerprint[:8]} and {second.fingerprint[:8]}. Encode them again with one."
        )
