"""What each row of similarities should come to: lists of lists of numbers, without gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence

Rows = list[list[float]]


def softmax(row: Sequence[float]) -> list[float]:
    powers = [math.exp(value - max(row)) for value in row]
    return [power / sum(powers) for power in powers]


def hard(n: int, smoothing: float = 0.0) -> Rows:
    """``1 - e`` at the pair, ``e / (n - 1)`` at every other."""
    return [
        [1 - smoothing if row == column else smoothing / (n - 1) for column in range(n)]
        for row in range(n)
    ]


def kd(vt: Rows, *, scale: float = 100.0) -> tuple[Rows, Rows]:
    """Softmax of the teacher's similarities, picture to text and text to picture."""
    return _softmaxes(vt, scale), _softmaxes(transposed(vt), scale)


def otter(vt: Rows, vv: Rows, tt: Rows, *, regularisation: float = 0.15) -> tuple[Rows, Rows]:
    """Both plans; 100 is taken off the diagonals of vv and tt."""
    n = len(vt)

    def gains(across: Rows) -> Rows:
        return [
            [vv[i][j] + tt[i][j] + across[i][j] - (200.0 if i == j else 0.0) for j in range(n)]
            for i in range(n)
        ]

    return _plan(gains(vt), regularisation), _plan(gains(transposed(vt)), regularisation)


def transposed(rows: Rows) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)]


def _softmaxes(rows: Rows, scale: float) -> Rows:
    return [softmax([scale * value for value in row]) for row in rows]


def _plan(gains: Rows, regularisation: float) -> Rows:
    """Five times rows, then columns to 1/n; at last rows to 1."""
    n = len(gains)
    plan = [[math.exp(gain / regularisation) for gain in row] for row in gains]
    total = sum(sum(row) for row in plan)
    plan = [[value / total for value in row] for row in plan]
    for _ in range(5):
        plan = [[value / sum(row) / n for value in row] for row in plan]
        sums = [sum(column) for column in transposed(plan)]
        plan = [[value / sums[j] / n for j, value in enumerate(row)] for row in plan]
    return [[value / sum(row) for value in row] for row in plan]
