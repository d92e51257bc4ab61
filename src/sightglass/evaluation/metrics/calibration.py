"""Whether an image of confidence 0.8 is right eight times in ten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.errors import InputError
from sightglass.evaluation.metrics.pairs import check_pairs, label_column

if TYPE_CHECKING:
    from jaxtyping import Float, Int


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
    bin_of, gaps = calibration_gaps(probabilities, labels, bins=bins)
    return error_of_gaps(bin_of, gaps)


def calibration_gaps(
    probabilities: Float[np.ndarray, "n_images n_classes"],
    labels: Int[np.ndarray, " n_images"],
    *,
    bins: int = 15,
) -> tuple[Int[np.ndarray, " n_images"], Float[np.ndarray, " n_images"]]:
    """What each image adds to the calibration error, so that images can be drawn again.

    Args and errors are those of ``expected_calibration_error``.

    Returns:
        The bin of each image's confidence, and 1 or 0 for right or wrong less the confidence.
    """
    where = "expected_calibration_error"
    wide = np.asarray(probabilities, dtype=np.float64)
    column = label_column(labels, where=where)
    check_pairs(wide, column, where=where)
    if bins < 1:
        raise InputError(f"{where}: bins must be at least 1, got {bins}.")
    # float32 rows of many thousand classes sum to 1 within about 1e-4.
    if (wide < 0).any() or not np.allclose(wide.sum(axis=1), 1.0, atol=1e-3):
        raise InputError(
            f"{where}: every row must be probabilities, not negative and of sum 1, got sums from "
            f"{wide.sum(axis=1).min():g} to {wide.sum(axis=1).max():g}. Take the softmax first."
        )
    confidences = wide.max(axis=1)
    correct = wide.argmax(axis=1) == column[:, 0]
    inner_edges = np.linspace(0.0, 1.0, bins + 1)[1:-1]
    return np.searchsorted(inner_edges, confidences, side="left"), correct - confidences


def error_of_gaps(
    bin_of: Int[np.ndarray, " n_images"], gaps: Float[np.ndarray, " n_images"]
) -> float:
    """The calibration error of images whose bins and gaps are known."""
    # |B| * |accuracy - confidence| is the absolute sum of differences, so no bin is divided by 0.
    return float(np.abs(np.bincount(bin_of, weights=gaps)).sum() / len(gaps))
