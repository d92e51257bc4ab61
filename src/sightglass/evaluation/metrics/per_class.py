"""Which classes are told and which are taken for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.errors import InputError, ShapeError

if TYPE_CHECKING:
    from jaxtyping import Float, Int


def confusion_matrix(
    answers: Int[np.ndarray, " n_images"], labels: Int[np.ndarray, " n_images"], *, n_classes: int
) -> Int[np.ndarray, "n_classes n_classes"]:
    """How often each class was answered for each true class.

    Args:
        answers: Class index answered for each image.
        labels: Class index of each image.
        n_classes: All classes, those without an image included.

    Returns:
        int64 counts; the row is the true class, the column the answer.

    Raises:
        ShapeError: If there is not one answer per label.
        InputError: If an index is out of range or no integer, or there is no image.
    """
    where = "confusion_matrix"
    told, true = np.asarray(answers), np.asarray(labels)
    if told.ndim != 1 or told.shape != true.shape:
        raise ShapeError(
            f"{where}: one answer per label is needed, shape (n_images,), got {told.shape} and "
            f"{true.shape}."
        )
    if not len(true):
        raise InputError(f"{where}: at least one image is needed, got none.")
    for name, indices in (("answers", told), ("labels", true)):
        if not np.issubdtype(indices.dtype, np.integer):
            raise InputError(f"{where}: {name} must be integers, got {indices.dtype}.")
        if indices.min() < 0 or indices.max() >= n_classes:
            raise InputError(
                f"{where}: {name} must be below {n_classes} (the classes) and not negative, got "
                f"{indices.min()} to {indices.max()}."
            )
    cells = true.astype(np.int64) * n_classes + told.astype(np.int64)
    return np.bincount(cells, minlength=n_classes * n_classes).reshape(n_classes, n_classes)


def per_class_accuracy(
    answers: Int[np.ndarray, " n_images"], labels: Int[np.ndarray, " n_images"], *, n_classes: int
) -> Float[np.ndarray, " n_classes"]:
    """Share of each class's images that were answered with it; NaN for a class without images.

    Args and errors are those of ``confusion_matrix``.
    """
    return accuracies_of(confusion_matrix(answers, labels, n_classes=n_classes))


def accuracies_of(
    confusion: Int[np.ndarray, "n_classes n_classes"],
) -> Float[np.ndarray, " n_classes"]:
    """``per_class_accuracy`` from a confusion matrix that is already there."""
    totals = confusion.sum(axis=1)
    shares: Float[np.ndarray, " n_classes"] = np.full(len(totals), np.nan)
    np.divide(confusion.diagonal(), totals, out=shares, where=totals > 0)
    return shares
