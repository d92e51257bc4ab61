"""Some of many, evenly spread: sets are often sorted by class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Int


def evenly_spread(n: int, limit: int | None) -> Int[np.ndarray, " n_chosen"]:
    """Indices of at most ``limit`` of ``n`` things, ascending; None takes all."""
    if limit is None or limit >= n:
        return np.arange(n)
    return np.arange(limit) * n // limit
