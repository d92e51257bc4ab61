"""Formulas again: plain Python, float64, loops. Never imports sightglass."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Sequence
from itertools import pairwise

Matrix = Sequence[Sequence[float]]


def best_classes(scores: Sequence[float], k: int) -> list[int]:
    """The k best classes; of equal scores the lower index first."""
    return sorted(range(len(scores)), key=lambda c: (-scores[c], c))[:k]


def flat_hit_at_k(scores: Matrix, label_sets: Sequence[Collection[int]], k: int) -> float:
    hits = 0
    for row, labels in zip(scores, label_sets, strict=True):
        hits += any(c in labels for c in best_classes(row, k))
    return hits / len(scores)


def expected_calibration_error(probabilities: Matrix, labels: Sequence[int], bins: int) -> float:
    total = 0.0
    edges = [b * (1 / bins) for b in range(bins)] + [math.inf]
    for low, high in pairwise(edges):
        inside = [i for i, row in enumerate(probabilities) if low < max(row) <= high]
        if not inside:
            continue
        confidence = math.fsum(max(probabilities[i]) for i in inside) / len(inside)
        right = [best_classes(probabilities[i], 1)[0] == labels[i] for i in inside]
        total += len(inside) / len(labels) * abs(sum(right) / len(inside) - confidence)
    return total


def unit_mean(rows: Matrix) -> list[float]:
    """The mean of unit rows, scaled back to length 1."""
    mean = [math.fsum(column) / len(rows) for column in zip(*rows, strict=True)]
    length = math.sqrt(math.fsum(value * value for value in mean))
    return [value / length for value in mean]


def greedy_word_pieces(text: str, pieces: Sequence[str]) -> list[int]:
    """Token ids by the rule in the bundled model's notes, written out plainly."""
    number = {piece: index for index, piece in enumerate(pieces)}
    plain = "".join(
        c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c)
    )
    ids = []
    for word in re.findall(r"[a-z0-9]+|[^a-z0-9\s]", plain.replace("_", " ")):
        found, start = [], 0
        while start < len(word):
            stop = len(word)
            while stop > start and ("##" if start else "") + word[start:stop] not in number:
                stop -= 1
            if stop == start:
                found = [number["[UNK]"]]
                break
            found.append(number[("##" if start else "") + word[start:stop]])
            start = stop
        ids += found
    return ids


def text_image_logits(images: Matrix, classes: Matrix, logit_scale: float) -> list[list[float]]:
    """Scaled dot products of unit rows, each pair by itself."""
    return [
        [
            logit_scale * math.fsum(x * y for x, y in zip(image, of_class, strict=True))
            for of_class in classes
        ]
        for image in images
    ]


def softmax(logits: Sequence[float]) -> list[float]:
    """``exp(logit_c) / sum_k exp(logit_k)``, each as one over a sum of ratios."""
    ratios = [[math.exp(min(other - own, 700.0)) for other in logits] for own in logits]
    return [1 / math.fsum(row) for row in ratios]


def background_score(logits: Sequence[float], background: float) -> float:
    """One over one plus a tenth of the odds of the best class against the background."""
    return 1 / (1 + math.exp(min(max(logits) - background, 700.0)) / 10)
