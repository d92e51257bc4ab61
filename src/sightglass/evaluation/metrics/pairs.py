"""What every metric asks first: one label per row, and labels that are classes."""

from __future__ import annotations

import numpy as np

from sightglass.checks import check_matrix
from sightglass.errors import InputError, ShapeError


def label_column(labels: np.ndarray, *, where: str) -> np.ndarray:
    """Labels of shape (n_images,) as the matrix of one column that ``check_pairs`` takes.

    Raises:
        ShapeError: If they have another number of axes.
    """
    indices = np.asarray(labels)
    if indices.ndim != 1:
        raise ShapeError(f"{where}: labels need shape (n_images,), got {indices.shape}.")
    return indices[:, None]


def check_pairs(scores: np.ndarray, label_sets: np.ndarray, *, where: str) -> None:
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
