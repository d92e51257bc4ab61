"""A shuffled order of rows that lie in groups, in which few groups are needed at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.distillation.pairs.chance import order_rng

if TYPE_CHECKING:
    from jaxtyping import Int64


def windowed_order(
    rows: Sequence[int], costs: Sequence[int], *, budget: int, seed: int, epoch: int
) -> Int64[np.ndarray, " n"]:
    """The numbers 0 to ``sum(rows) - 1`` shuffled: groups first, then rows within a window.

    A window is as many of the shuffled groups, one after the other, as the budget allows, at
    least one. All rows of a window come before those of the next: who reads in this order and
    keeps a window's groups reads each group once. Where the budget holds all groups this is a
    plain shuffle.

    Args:
        rows: Rows of each group; they are numbered group by group.
        costs: What keeping each group costs, say in bytes.
        budget: What a window may cost, unless a single group costs more.
        seed: At least 0.
        epoch: Counted from 0; by ``seed`` and ``epoch`` alone the order is decided.
    """
    rng = order_rng(seed, epoch)
    starts = np.concatenate([[0], np.cumsum(rows)]).astype(np.int64)
    windows: list[list[np.ndarray]] = []
    spent = 0
    for group in rng.permutation(len(rows)).tolist():
        if not windows or spent + costs[group] > budget:
            windows.append([])
            spent = 0
        windows[-1].append(np.arange(starts[group], starts[group + 1]))
        spent += costs[group]
    return np.concatenate([rng.permutation(np.concatenate(window)) for window in windows])
