"""The losses and targets of contrastive distillation again, from their formulas.

Plain Python, loops, no arrays. Never imports sightglass, torch or numpy.
"""

from __future__ import annotations

import math

from kdpl_oracle import Matrix, Row, log_softmax, softmax


def transposed(matrix: Matrix) -> list[list[float]]:
    return [list(column) for column in zip(*matrix, strict=True)]


def times(matrix: Matrix, factor: float) -> list[list[float]]:
    return [[factor * entry for entry in row] for row in matrix]


def summed(*matrices: Matrix) -> list[list[float]]:
    return [
        [math.fsum(entries) for entries in zip(*rows, strict=True)]
        for rows in zip(*matrices, strict=True)
    ]


def divergence(target: Row, logits: Row) -> float:
    """KL(target || softmax(logits)) in nats; 0 ln 0 is 0."""
    total = 0.0
    for t, log_q in zip(target, log_softmax(logits), strict=True):
        if t > 0:
            total += t * (math.log(t) - log_q)
    return total


def entropy(target: Row) -> float:
    return -math.fsum(t * math.log(t) for t in target if t > 0)


def soft_target_loss(target: Matrix, logits: Matrix) -> float:
    rows = [divergence(t, z) for t, z in zip(target, logits, strict=True)]
    return math.fsum(rows) / len(rows)


def hard_target(n: int, smoothing: float = 0.0) -> list[list[float]]:
    return [[1 - smoothing if i == j else smoothing / (n - 1) for j in range(n)] for i in range(n)]


def one_direction(similarities: Matrix, scale: float, smoothing: float = 0.0) -> float:
    """Cross-entropy of picture to caption, a mean over the rows."""
    total = 0.0
    for i, row in enumerate(similarities):
        logs = log_softmax([scale * entry for entry in row])
        for j, log_q in enumerate(logs):
            share = 1 - smoothing if i == j else smoothing / (len(row) - 1)
            total -= share * log_q
    return total / len(similarities)


def info_nce_loss(similarities: Matrix, scale: float, smoothing: float = 0.0) -> float:
    return one_direction(similarities, scale, smoothing) + one_direction(
        transposed(similarities), scale, smoothing
    )


def teacher_target(similarities: Matrix, scale: float) -> list[list[float]]:
    return [softmax([scale * entry for entry in row]) for row in similarities]


def naive_sinkhorn(
    similarities: Matrix, *, regularisation: float, iterations: int, without_diagonal: bool
) -> list[list[float]]:
    """The plan as published: exponentials, sum 1, rows and columns to 1/N by turns, then rows.

    The diagonal is removed as the released code does it: 100 less in each of two of the terms.
    """
    n = len(similarities)
    plan = [
        [
            math.exp((entry - (200.0 if without_diagonal and i == j else 0.0)) / regularisation)
            for j, entry in enumerate(row)
        ]
        for i, row in enumerate(similarities)
    ]
    total = math.fsum(entry for row in plan for entry in row)
    plan = times(plan, 1 / total)
    for _ in range(iterations):
        for i in range(n):
            row_sum = math.fsum(plan[i])
            plan[i] = [entry / row_sum / n for entry in plan[i]]
        for j in range(n):
            column_sum = math.fsum(plan[i][j] for i in range(n))
            for i in range(n):
                plan[i][j] = plan[i][j] / column_sum / n
    return [[entry / math.fsum(row) for entry in row] for row in plan]
