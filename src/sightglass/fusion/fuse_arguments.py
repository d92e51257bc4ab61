"""What ``fuse`` is given, checked once and brought into one form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_matrix
from sightglass.errors import InputError, ShapeError

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Float64


def checked_logits(
    logits: Sequence[Float[np.ndarray, "n_images n_classes"]],
) -> list[Float64[np.ndarray, "n_images n_classes"]]:
    """One float64 matrix per alignment, all of one shape with at least one class."""
    # One memory layout, whatever comes in: sums over classes are then taken in one order.
    matrices = [np.ascontiguousarray(each, np.float64) for each in logits]
    if not matrices:
        raise ShapeError("fuse: logits of at least one alignment are needed, got none.")
    for index, matrix in enumerate(matrices):
        check_matrix(matrix, where="fuse", name=f"logits of alignment {index}")
        if matrix.shape != matrices[0].shape or matrix.shape[1] == 0:
            raise ShapeError(
                f"fuse: all alignments need logits of one shape with at least one class, got "
                f"{matrix.shape} from alignment {index} and {matrices[0].shape} from alignment 0."
            )
    return matrices


def checked_judged(
    judged: Sequence[Bool[np.ndarray, " n_classes"] | None] | None,
    matrices: Sequence[Float64[np.ndarray, "n_images n_classes"]],
) -> list[Bool[np.ndarray, " n_classes"]]:
    """One mask over the classes per alignment; every logit under it is below +inf."""
    n_classes = matrices[0].shape[1]
    given = [None] * len(matrices) if judged is None else list(judged)
    if len(given) != len(matrices):
        raise ShapeError(
            f"fuse: judged needs one entry per alignment, got {len(given)} for {len(matrices)}."
        )
    masks = [np.ones(n_classes, bool) if each is None else np.asarray(each) for each in given]
    for index, (mask, matrix) in enumerate(zip(masks, matrices, strict=True)):
        if mask.shape != (n_classes,) or mask.dtype != bool:
            raise ShapeError(
                f"fuse: judged needs True or False for each of {n_classes} classes, got "
                f"{mask.dtype} {mask.shape} for alignment {index}."
            )
        # NaN compares as False with everything.
        wrong = np.argwhere(mask & ~(matrix < np.inf))
        if len(wrong):
            row, column = wrong[0]
            raise InputError(
                f"fuse: the logits of judged classes must be numbers below +inf, got "
                f"{matrix[row, column]} in alignment {index}, row {row}, class {column}. "
                f"A class that it cannot judge must be False in judged."
            )
    return masks


def checked_weights(
    fixed_weights: Sequence[float] | None, n_alignments: int, *, needed: bool
) -> Float64[np.ndarray, " n_alignments"]:
    """One weight per alignment; 1 throughout where none are given and none are needed."""
    if fixed_weights is None:
        if needed:
            raise InputError(
                "fuse: weighting 'stacked' needs fixed_weights, the coefficient of each alignment, "
                "got None."
            )
        return np.ones(n_alignments)
    weights = np.asarray(fixed_weights, np.float64)
    if weights.shape != (n_alignments,):
        raise ShapeError(
            f"fuse: fixed_weights needs one number per alignment, got shape {weights.shape} for "
            f"{n_alignments} alignments."
        )
    if not (weights >= 0).all() or not 0 < weights.sum() < np.inf:
        raise InputError(
            f"fuse: fixed_weights must be finite, 0 or more and not all 0, got {weights.tolist()}."
        )
    return weights
