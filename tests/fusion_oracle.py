"""Fusion and open-set scores again, from the paper's formulas: plain Python, loops, no numpy.

Never imports sightglass. A head is one alignment; ``judged`` says which classes it can judge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

Row = Sequence[float]
Matrix = Sequence[Row]
IMPOSSIBLE = -math.inf


def dot(first: Row, second: Row) -> float:
    return math.fsum(x * y for x, y in zip(first, second, strict=True))


def reference_logits(
    images: Matrix,
    references: Matrix,
    labels: Sequence[int],
    *,
    n_classes: int,
    scale: float,
    pooling: str,
) -> list[list[float]]:
    """Every image with every reference by itself, then pooled per class."""
    table = []
    for image in images:
        row = []
        for c in range(n_classes):
            found = [
                dot(image, reference)
                for reference, label in zip(references, labels, strict=True)
                if label == c
            ]
            if pooling == "half_sum":
                row.append(scale * 0.5 * math.fsum(found))
            else:
                row.append(scale * math.fsum(found) / len(found) if found else IMPOSSIBLE)
        table.append(row)
    return table


def distribution(logits: Row, judged: Sequence[bool]) -> list[float]:
    inside = [z for z, own in zip(logits, judged, strict=True) if own and z != IMPOSSIBLE]
    if not inside:
        return [0.0] * len(logits)
    top = max(inside)
    powers = [
        math.exp(z - top) if own and z != IMPOSSIBLE else 0.0
        for z, own in zip(logits, judged, strict=True)
    ]
    return [power / math.fsum(powers) for power in powers]


def entropy(p: Row, mode: str) -> float:
    if mode == "released_code":
        return -math.fsum(x * math.log(x + 1e-6) for x in p)
    return max(0.0, -math.fsum(x * math.log(x) for x in p if x > 0))


def weight(p: Row, weighting: str, constant: float, mode: str) -> float:
    if not any(p):
        return 0.0
    if weighting == "max":
        return max(p)
    if weighting == "inverse_entropy":
        return 1 / (entropy(p, mode) + 1e-6)
    if weighting == "exp_neg_entropy":
        return math.exp(-entropy(p, mode))
    return constant


class FusedRow(NamedTuple):
    probabilities: list[float]
    scores: list[float]
    weights: list[float]
    distributions: list[list[float]]


def fused_row(
    heads: Matrix,
    judged: Sequence[Sequence[bool]],
    weighting: str,
    constants: Row,
    mode: str,
) -> FusedRow:
    """One image: ``heads`` holds one row of logits per alignment."""
    n_classes = len(heads[0])
    p = [distribution(row, own) for row, own in zip(heads, judged, strict=True)]
    w = [weight(row, weighting, k, mode) for row, k in zip(p, constants, strict=True)]
    if weighting == "stacked":
        pooled = stacked_row(heads, judged, constants)
        return FusedRow(pooled, pooled, w, p)
    s = [math.fsum(w[h] * p[h][c] for h in range(len(p))) for c in range(n_classes)]
    total = math.fsum(w)
    return FusedRow([x / total if total else 0.0 for x in s], s, w, p)


def stacked_row(heads: Matrix, judged: Sequence[Sequence[bool]], coefficients: Row) -> list[float]:
    n_classes = len(heads[0])
    totals = [0.0] * n_classes
    anyone = [False] * n_classes
    heard = False
    for row, own, coefficient in zip(heads, judged, coefficients, strict=True):
        inside = [row[c] for c in range(n_classes) if own[c] and row[c] != IMPOSSIBLE]
        if not inside:
            continue
        heard = heard or coefficient > 0
        highest = max(inside)
        powers = [math.exp(one - highest) for one in inside]
        mean = highest + math.log(math.fsum(powers) / len(powers))
        for c in range(n_classes):
            if own[c]:
                anyone[c] = True
                if coefficient > 0:
                    totals[c] += coefficient * (row[c] - mean)
    return distribution(totals, [heard and some for some in anyone])


def open_set_score(s: Row, known: Sequence[bool], score: str) -> float:
    """By the definitions, each as one less something; no row of zeros, no tied row."""
    if score == "oracle_minmax":
        low, high = min(s), max(s)
        s = [(x - low) / (high - low) for x in s]
    inside = [x for x, own in zip(s, known, strict=True) if own]
    if score in ("oracle_minmax", "oracle_sum"):
        return 1 - math.fsum(inside) / math.fsum(s)
    if score == "oracle_max":
        return 1 - max(inside) / math.fsum(s)
    p = [x / math.fsum(inside) for x in inside]
    if score in ("known_only_max", "mcm"):
        return 1 - max(p)
    return entropy(p, "paper_formula") / math.log(len(p))
