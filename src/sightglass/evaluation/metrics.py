"""How good the answers are. Fractions in [0, 1], float64, no files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_matrix
from sightglass.errors import InputError, ShapeError

if TYPE_CHECKING:
    from jaxtyping import Float, Int


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
    indices = np.asarray(labels)
    if indices.ndim != 1:
        raise ShapeError(f"top_k_score: labels need shape (n_images,), got {indices.shape}.")
    return _hit_rate(scores, indices[:, None], k=k, where="top_k_score")


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
    return _hit_rate(scores, padded, k=k, where="flat_hit_at_k_score")


def expected_calibration_error(
    probabilities: Float[np.ndarray, "n_images n_classes"],
    labels: Int[np.ndarray, " n_images"],
    *,
    bins: int = 15,
) -> float:
    """How far confidence and accuracy are apart: 0 is honest, 1 is always surely wrong.

    Confidence is an image's largest probability. Images are put into ``bins`` intervals of equal
    width, each without its lower and with its upper end; the gaps between mean confidence and
    accuracy are averaged with the number of images as weight.

    Args:
        probabilities: Rows that sum to 1. Of equal probabilities the lower class index is the
            answer.
        labels: Class index of each image.
        bins: At least 1.

    Raises:
        ShapeError: If there is not one label per image.
        InputError: If rows are no probabilities, a label is out of range, or there is no image.

    Source:
        Guo et al. 2017, arXiv:1706.04599, equation 3.
    """
    where = "expected_calibration_error"
    wide = np.asarray(probabilities, dtype=np.float64)
    indices = np.asarray(labels)
    if indices.ndim != 1:
        raise ShapeError(f"{where}: labels need shape (n_images,), got {indices.shape}.")
    _check_pairs(wide, indices[:, None], where=where)
    if bins < 1:
        raise InputError(f"{where}: bins must be at least 1, got {bins}.")
    # float32 rows of many thousand classes sum to 1 within about 1e-4.
    if (wide < 0).any() or not np.allclose(wide.sum(axis=1), 1.0, atol=1e-3):
        raise InputError(
            f"{where}: every row must be probabilities, not negative and of sum 1, got sums from "
            f"{wide.sum(axis=1).min():g} to {wide.sum(axis=1).max():g}. Take the softmax first."
        )
    confidences = wide.max(axis=1)
    correct = wide.argmax(axis=1) == indices
    inner_edges = np.linspace(0.0, 1.0, bins + 1)[1:-1]
    bin_of = np.searchsorted(inner_edges, confidences, side="left")
    # |B| * |accuracy - confidence| is the absolute sum of differences, so no bin is divided by 0.
    gaps = np.bincount(bin_of, weights=correct - confidences, minlength=bins)
    return float(np.abs(gaps).sum() / len(wide))


def _hit_rate(scores: np.ndarray, label_sets: np.ndarray, *, k: int, where: str) -> float:
    """The one implementation of top-k: a class's rank is the number of classes before it."""
    scores = np.asarray(scores)
    _check_pairs(scores, label_sets, where=where)
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
    return float(hits.mean())


def _padded(label_sets: Sequence[Collection[int]]) -> np.ndarray:
    """Collections of different length as one matrix, filled up with -1."""
    width = max((len(labels) for labels in label_sets), default=0)
    rows = [[*labels, *[-1] * (width - len(labels))] for labels in label_sets]
    return np.array(rows, dtype=np.int64).reshape(len(rows), width)


def _check_pairs(scores: np.ndarray, label_sets: np.ndarray, *, where: str) -> None:
    """Raise unless every row of scores has class indices that exist."""
    check_matrix(scores, where=where, name="scores")
    if len(scores) != len(label_sets):
        raise ShapeError(
            f"{where}: one label per row of scores is needed, got {len(label_sets)} for "
            f"{len(scores)} rows."
        )
    if scores.size == 0:
        raise InputError(f"{where}: at least one image and one class are needed, got none.")
    if not np.issubdtype(label_sets.dtype, np.integer):
        raise InputError(f"{where}: labels must be integers, got {label_sets.dtype}.")
    if np.isnan(scores).any():
        raise InputError(f"{where}: scores must be numbers, got NaN. Check where they come from.")
    n_classes = scores.shape[1]
    if not ((label_sets >= -1) & (label_sets < n_classes)).all():
        raise InputError(
            f"{where}: labels must be below {n_classes} (the classes) and not negative, got "
            f"{label_sets.min()} to {label_sets.max()}."
        )
    unlabelled = ~(label_sets >= 0).any(axis=1)
    if unlabelled.any():
        raise InputError(
            f"{where}: every image needs a label, got none for row {int(unlabelled.argmax())}. "
            "Leave such images out."
        )
