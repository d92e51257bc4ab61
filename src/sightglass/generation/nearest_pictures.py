"""Which pictures lie nearest to each picture, by their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_matrix
from sightglass.encoders.embeddings import unit_rows

if TYPE_CHECKING:
    from jaxtyping import Float, Int

_BLOCK = 256  # rows compared with all others at a time: 40 MB for 40,000 pictures


def centred(rows: Float[np.ndarray, "n dim"]) -> Float[np.ndarray, "n dim"]:
    """Unit rows of what sets each picture apart from the mean of all of them.

    Features that are never negative all lie in one narrow cone; what they share says nothing.
    """
    check_matrix(rows, where="centred", name="rows")
    if not len(rows):
        return rows.astype(np.float32)
    apart: Float[np.ndarray, "n dim"] = np.subtract(
        rows, rows.mean(axis=0, dtype=np.float64), dtype=np.float32
    )
    for start in range(0, len(apart), _BLOCK):
        apart[start : start + _BLOCK] = unit_rows(apart[start : start + _BLOCK])
    return apart


def nearest_pictures(unit: Float[np.ndarray, "n dim"], *, count: int) -> Int[np.ndarray, "n k"]:
    """Indices of the ``count`` other rows most similar to each, the nearest first.

    Args:
        unit: Unit rows.
        count: At least 1; fewer are returned where there are fewer others.

    Returns:
        int64, ``(n, min(count, n - 1))``. Memory grows with the number of rows, not its square.
    """
    n = len(unit)
    k = max(0, min(count, n - 1))
    found = np.empty((n, k), np.int64)
    if k == 0:
        return found
    for start in range(0, n, _BLOCK):
        similarity = unit[start : start + _BLOCK] @ unit.T
        own = np.arange(len(similarity))
        similarity[own, start + own] = -np.inf
        some = np.sort(np.argpartition(-similarity, k - 1, axis=1)[:, :k], axis=1)
        order = np.argsort(-np.take_along_axis(similarity, some, axis=1), axis=1, kind="stable")
        found[start : start + _BLOCK] = np.take_along_axis(some, order, axis=1)
    return found
