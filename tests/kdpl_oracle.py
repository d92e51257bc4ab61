"""The losses of prompt distillation again, from their formulas: plain Python, loops, no arrays.

Never imports sightglass, torch or numpy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Row = Sequence[float]
Matrix = Sequence[Row]


def log_softmax(logits: Row) -> list[float]:
    top = max(logits)
    log_sum = top + math.log(math.fsum(math.exp(z - top) for z in logits))
    return [z - log_sum for z in logits]


def softmax(logits: Row) -> list[float]:
    return [math.exp(one) for one in log_softmax(logits)]


def divergence(first: Row, second: Row) -> float:
    """KL(softmax(first) || softmax(second)) in nats."""
    logs_1, logs_2 = log_softmax(first), log_softmax(second)
    return math.fsum(math.exp(a) * (a - b) for a, b in zip(logs_1, logs_2, strict=True))


def kdpl_loss(teacher: Matrix, student: Matrix) -> float:
    total = 0.0
    for t, s in zip(teacher, student, strict=True):
        total += 0.5 * divergence(t, s) + 0.5 * divergence(s, t)
    return total / len(teacher)


def kdpl_gradient(teacher: Matrix, student: Matrix) -> list[list[float]]:
    """By the student's logits: (1/2B) [(p_S - p_T) + p_S (ln(p_S/p_T) - KL(p_S||p_T))]."""
    rows = []
    for t, s in zip(teacher, student, strict=True):
        logs_t, logs_s, reverse = log_softmax(t), log_softmax(s), divergence(s, t)
        row = []
        for log_t, log_s in zip(logs_t, logs_s, strict=True):
            p_t, p_s = math.exp(log_t), math.exp(log_s)
            row.append(((p_s - p_t) + p_s * (log_s - log_t - reverse)) / (2 * len(teacher)))
        rows.append(row)
    return rows


def mean_probabilities(logits: Matrix) -> list[float]:
    rows = [softmax(row) for row in logits]
    return [math.fsum(row[c] for row in rows) / len(rows) for c in range(len(rows[0]))]


def selected(teacher: Matrix, k: int) -> list[int]:
    mean = mean_probabilities(teacher)
    return sorted(sorted(range(len(mean)), key=lambda c: (-mean[c], c))[:k])


def mean_distance(first: Matrix, second: Matrix) -> float:
    distances = [
        abs(x - y)
        for one, other in zip(first, second, strict=True)
        for x, y in zip(one, other, strict=True)
    ]
    return math.fsum(distances) / len(distances)


def promptsrc_regulariser(
    *,
    student_texts: Matrix,
    frozen_texts: Matrix,
    student_images: Matrix,
    frozen_images: Matrix,
    student_logits: Matrix,
    frozen_logits: Matrix,
    text_weight: float = 25.0,
    image_weight: float = 10.0,
) -> float:
    drift = math.fsum(
        divergence(frozen, student)
        for frozen, student in zip(frozen_logits, student_logits, strict=True)
    )
    return (
        text_weight * mean_distance(student_texts, frozen_texts)
        + image_weight * mean_distance(student_images, frozen_images)
        + drift / (len(student_logits) * len(student_logits[0]))
    )
