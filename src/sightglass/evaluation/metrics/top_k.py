"""Whether the right class is among the k best."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.errors import InputError, ShapeError
from sightglass.evaluation.metrics.pairs import check_pairs, label_column

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int


def top_k_score(
    scores: Float[np.ndarray, "n_images n_classes"],
    labels: Int[np.ndarray, " n_images"],
    *,
    k: int,
) -> float:
    """Fraction of images whose class is among the k best scored ones.

    Args:
        scores: Higher is better; any scale. Of equal scores the lower class index comes first.
        labels: Class index of each image.
        k: At least 1, at most the number of classes.

    Raises:
        ShapeError: If there is not one label per image.
        InputError: If ``k`` or a label is out of range, a score is NaN, or there is no image.
    """
    column = label_column(labels, where="top_k_score")
    return float(_hits(scores, column, k=k, where="top_k_score").mean())


def top_k_hits(
    scores: Float[np.ndarray, "n_images n_classes"],
    labels: Int[np.ndarray, " n_images"],
    *,
    k: int,
) -> Bool[np.ndarray, " n_images"]:
    """For each image whether its class is among the k best: what ``top_k_score`` is the mean of.

    Args and errors are those of ``top_k_score``.
    """
    return _hits(scores, label_column(labels, where="top_k_hits"), k=k, where="top_k_hits")


def flat_hit_at_k_score(
    scores: Float[np.ndarray, "n_images n_classes"],
    label_sets: Int[np.ndarray, "n_images n_labels"] | Sequence[Collection[int]],
    *,
    k: int,
) -> float:
    """Fraction of images that have any of their classes among the k best scored ones.

    The mean is over images, not classes. With one label per image it is ``top_k_score``.

    Args:
        scores: Higher is better; any scale. Of equal scores the lower class index comes first.
        label_sets: Class indices of each image: a matrix padded with -1, or one collection per
            image. Each image needs at least one.
        k: At least 1, at most the number of classes.

    Raises:
        ShapeError: If there is not one label set per image.
        InputError: If ``k`` or a label is out of range, a set is empty, a score is NaN, or there
            is no image.

    Source:
        Wu et al. 2022 (OTTER), arXiv:2112.09445: flat hit @ k.
    """
    padded = label_sets if isinstance(label_sets, np.ndarray) else _padded(label_sets)
    if padded.ndim != 2:
        raise ShapeError(
            f"flat_hit_at_k_score: label_sets need shape (n_images, n_labels), got {padded.shape}."
        )
    return float(_hits(scores, padded, k=k, where="flat_hit_at_k_score").mean())


def _hits(scores: np.ndarray, label_sets: np.ndarray, *, k: int, where: str) -> np.ndarray:
    """The one implementation of top-k: a class's rank is the number of classes before it."""
    scores = np.asarray(scores)
    check_pairs(scores, label_sets, where=where)
    n_classes = scores.shape[1]
    if not 1 <= k <= n_classes:
        raise InputError(f"{where}: k must be between 1 and {n_classes} (the classes), got {k}.")
    hits = np.zeros(len(scores), dtype=bool)
    class_index = np.arange(n_classes)
    for labels in label_sets.T:
        present = labels >= 0
        own = np.take_along_axis(scores, np.where(present, labels, 0)[:, None], axis=1)
        before = (scores > own) | ((scores == own) & (class_index < labels[:, None]))
        hits |= present & (before.sum(axis=1) < k)
    return hits


def _padded(label_sets: Sequence[Collection[int]]) -> np.ndarray:
    """Collections of different length as one matrix, filled up with -1."""
    width = max((len(labels) for labels in label_sets), default=0)
    rows = [[*labels, *[-1] * (width - len(labels))] for labels in label_sets]
    return np.array(rows, dtype=np.int64).reshape(len(rows), width)
