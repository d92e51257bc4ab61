"""A few rows that stand for many: none an outlier, no two alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_matrix

if TYPE_CHECKING:
    from jaxtyping import Float

_NOTHING_NEW = 1e-6  # of a cosine distance: less than this is rounding


def cover(unit: Float[np.ndarray, "n dim"], *, count: int) -> tuple[int, ...]:
    """Indices of up to ``count`` rows such that every row has a chosen one near it.

    Greedy: the first is the most central; each further one brings the sum of all rows' distances
    to their nearest chosen row down the most. Of equally good rows the earlier wins. A row that
    brings it down no more, such as the copy of a chosen one, is not taken.

    Args:
        unit: Unit rows; all pairs are compared at once, so at most a few thousand.
        count: How many at most; may be 0.

    Returns:
        Indices in the order of choice.

    Source:
        The BUILD step of k-medoids, Kaufman & Rousseeuw 1990, Finding Groups in Data, ch. 2; at
        least 1 - 1/e of the best possible gain: Nemhauser, Wolsey & Fisher 1978.
    """
    check_matrix(unit, where="cover", name="unit")
    distance = 1 - unit.astype(np.float64) @ unit.astype(np.float64).T
    np.fill_diagonal(distance, 0)  # rounding must not decide between two equally good rows
    nearest = np.full(len(unit), 2.0)  # the largest distance that unit rows can have
    chosen: list[int] = []
    while len(chosen) < min(count, len(unit)):
        gain = np.maximum(nearest - distance, 0).sum(axis=1)
        best = int(gain.argmax())
        if chosen and gain[best] <= _NOTHING_NEW:
            break
        chosen.append(best)
        nearest = np.minimum(nearest, distance[best])
    return tuple(chosen)
