"""Pairs of classes that are near each other, from their rows alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_matrix, check_same_width
from sightglass.errors import ShapeError

if TYPE_CHECKING:
    from jaxtyping import Float

NEIGHBOURS = 3
DEVIATIONS = 2.0


def stands_out_above(rows: Float[np.ndarray, "n dim"]) -> float:
    """The cosine that few pairs of ``rows`` exceed: mean plus two standard deviations of all.

    Args:
        rows: Unit rows, at least two.

    Raises:
        ShapeError: If there are fewer rows.
    """
    check_matrix(rows, where="stands_out_above", name="rows")
    if len(rows) < 2:
        raise ShapeError(f"stands_out_above: at least two rows are needed, got {len(rows)}.")
    wide = rows.astype(np.float64)
    cosines = (wide @ wide.T)[np.triu_indices(len(rows), k=1)]
    return float(cosines.mean() + DEVIATIONS * cosines.std())


def look_alike_pairs(
    class_rows: Float[np.ndarray, "n_classes dim"], *, yardstick: Float[np.ndarray, "n dim"]
) -> list[tuple[int, int]]:
    """Classes that are among each other's three nearest, by a cosine that stands out.

    A cosine stands out if it is above ``stands_out_above(yardstick)``. Both numbers were fixed
    beforehand; nothing is fitted.

    Args:
        class_rows: One unit row per class: of its names, or the mean of its references.
        yardstick: Unit rows of the same space that the classes are measured by: of everyday
            words, so that it does not depend on the list whether two of its classes are near; or
            the class rows themselves, where there is nothing else. By those, a pair of two or
            three classes never stands out, and one of four hardly ever.

    Returns:
        Pairs of class indices, the lower first, in order.

    Raises:
        ShapeError: If the widths differ, or there are fewer than two rows to measure by.

    Source:
        Mutual k-nearest-neighbour graph: Brito et al. 1997, Statistics & Probability Letters
        35:33-42. The threshold is ours.
    """
    check_same_width(
        class_rows, yardstick, where="look_alike_pairs", names=("class_rows", "yardstick")
    )
    threshold = stands_out_above(yardstick)
    wide = class_rows.astype(np.float64)
    cosines = wide @ wide.T
    np.fill_diagonal(cosines, -np.inf)
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :NEIGHBOURS]
    near = np.zeros(cosines.shape, dtype=bool)
    np.put_along_axis(near, nearest, True, axis=1)
    first, second = np.nonzero(np.triu(near & near.T & (cosines > threshold), k=1))
    return [(int(a), int(b)) for a, b in zip(first, second, strict=True)]
