"""Whether any of an image's classes is among the k best; every top-k number comes from here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.errors import InputError, ShapeError
from sightglass.evaluation.metrics.pairs import check_pairs

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

    LabelSets = (
        Int[np.ndarray, "n_images n_labels"]
        | Bool[np.ndarray, "n_images n_classes"]
        | Sequence[Collection[int]]
    )


def flat_hit_at_k_score(
    scores: Float[np.ndarray, "n_images n_classes"], label_sets: LabelSets, *, k: int
) -> float:
    """Fraction of images that have any of their classes among the k best scored ones.

    The mean is over images, not classes. With one label per image it is ``top_k_score``.

    Args:
        scores: Higher is better; any scale. Of equal scores the lower class index comes first.
        label_sets: Class indices of each image: a matrix padded with -1, or one collection per
            image; or true and false for each image and class. Each image needs at least one: for
            an image without there is no right answer, and to count it as a miss would measure the
            labels. Leave such images out.
        k: At least 1, at most the number of classes.

    Raises:
        ShapeError: If there is not one label set per image.
        InputError: If ``k`` or a label is out of range, a set is empty, a score is NaN, or there
            is no image.

    Source:
        Wu et al. 2022 (OTTER), arXiv:2112.09445: flat hit @ k.
    """
    where = "flat_hit_at_k_score"
    return float((best_ranks(scores, label_sets, where=where) < checked_k(k, scores, where)).mean())


def best_ranks(
    scores: Float[np.ndarray, "n_images n_classes"],
    label_sets: LabelSets,
    *,
    where: str = "best_ranks",
) -> Int[np.ndarray, " n_images"]:
    """For each image how many classes come before the best of its own: 0 if none does.

    It is a hit at every k above its rank, so that one pass over the scores serves every k.

    Args:
        scores: As for ``flat_hit_at_k_score``.
        label_sets: As there.
        where: Which function to name in an error.

    Raises:
        ShapeError: As there.
        InputError: As there.
    """
    wide = np.asarray(scores)
    labels = _as_matrix(label_sets, wide.shape, where=where)
    check_pairs(wide, labels, where=where)
    # A place that is filled up says the image's highest label once more, which changes no set.
    own = np.where(labels >= 0, labels, labels.max(axis=1, keepdims=True)).astype(np.int64)
    of_own = np.take_along_axis(wide, own, axis=1)
    best = of_own.max(axis=1, keepdims=True)
    n_classes = wide.shape[1]
    first = np.where(of_own == best, own, n_classes).min(axis=1, keepdims=True)
    before = (wide > best) | ((wide == best) & (np.arange(n_classes) < first))
    ranks: Int[np.ndarray, " n_images"] = before.sum(axis=1)
    return ranks


def checked_k(k: int, scores: Float[np.ndarray, "n_images n_classes"], where: str) -> int:
    """``k`` itself.

    Raises:
        InputError: If no ranking of these classes has that many.
    """
    n_classes = np.asarray(scores).shape[1]
    if not 1 <= k <= n_classes:
        raise InputError(f"{where}: k must be between 1 and {n_classes} (the classes), got {k}.")
    return k


def _as_matrix(label_sets: LabelSets, shape: tuple[int, ...], *, where: str) -> np.ndarray:
    """Class indices, one row per image, filled up with -1."""
    if not isinstance(label_sets, np.ndarray):
        return _padded(label_sets)
    if label_sets.dtype == np.bool_:
        if label_sets.shape != shape:
            raise ShapeError(
                f"{where}: true and false are needed for each image and class, shape {shape}, got "
                f"{label_sets.shape}."
            )
        return _padded([np.flatnonzero(row).tolist() for row in label_sets])
    if label_sets.ndim != 2:
        raise ShapeError(
            f"{where}: label_sets need shape (n_images, n_labels), got {label_sets.shape}."
        )
    return label_sets


def _padded(label_sets: Sequence[Collection[int]]) -> np.ndarray:
    """Collections of different length as one matrix, filled up with -1."""
    width = max((len(labels) for labels in label_sets), default=0)
    rows = [[*labels, *[-1] * (width - len(labels))] for labels in label_sets]
    return np.array(rows, dtype=np.int64).reshape(len(rows), width)
