"""Unit rows that know which encoder made them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sightglass.errors import InputError, ModelError, ShapeError

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
        norms: float32, how long the rows were as the network gave them; ones where they were made
            unit length elsewhere. Only the ``released_code`` mode looks at them.
    """

    rows: Float[np.ndarray, "n dim"]
    fingerprint: str
    norms: Float[np.ndarray, " n"] = field(default_factory=lambda: np.empty(0, np.float32))

    @classmethod
    def of(cls, raw: Float[np.ndarray, "n dim"], *, fingerprint: str) -> Embeddings:
        """Unit rows, and their lengths, of what a network gave.

        Raises:
            ModelError: If a row holds what is no number: every cosine with it would be none.
        """
        wide = np.asarray(raw, dtype=np.float64)
        norms = np.sqrt((wide * wide).sum(axis=1)).astype(np.float32)
        if count := np.count_nonzero(~np.isfinite(norms)):
            raise ModelError(
                f"Embeddings: a network must give finite numbers, {count:,} of {len(norms):,} rows "
                f"hold others. Its files are damaged, or not what they seem; choose another."
            )
        return cls(rows=unit_rows(raw), fingerprint=fingerprint, norms=norms)

    @property
    def raw(self) -> Float[np.ndarray, "n dim"]:
        """The rows as the network gave them, up to rounding."""
        rows: Float[np.ndarray, "n dim"] = self.rows * self.norms[:, None]
        return rows

    def __post_init__(self) -> None:
        """Check the axes once, where the value is made."""
        if not len(self.norms):
            object.__setattr__(self, "norms", np.ones(len(self.rows), np.float32))
        if self.rows.ndim != 2:
            raise ShapeError(f"Embeddings: rows need shape (n, dim), got {self.rows.shape}.")


class MadeByAnEncoder(Protocol):
    """Anything that says which encoder made it."""

    @property
    def fingerprint(self) -> str:
        """The encoder's."""


def require_one_encoder(first: MadeByAnEncoder, second: MadeByAnEncoder, *, where: str) -> None:
    """Raise InputError unless both were made by the same encoder, weights and precision alike."""
    if first.fingerprint != second.fingerprint:
        raise InputError(
            f"{where}: both embeddings must come from one encoder, got fingerprints "
            f"{first.fingerprint[:8]} and {second.fingerprint[:8]}. Encode them again with one."
        )
