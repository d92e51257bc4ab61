"""The distance between a teacher's and a student's distributions over one set of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_matrix
from sightglass.distillation.losses.finite_matrices import matching_matrices
from sightglass.errors import InputError, ShapeError

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float, Float32

# How far from 1 the sum of a distribution's entries may be, for float32 and many classes.
_SUM_TOLERANCE = 1e-3
# Entries that are in float64 at a time, about: 2 MB.
_BLOCK = 2**18


def kdpl_loss(
    teacher_logits: Float[torch.Tensor, "n c"], student_logits: Float[torch.Tensor, "n c"]
) -> Float[torch.Tensor, ""]:
    """``KL(p_T || p_S) / 2 + KL(p_S || p_T) / 2``, in nats, averaged over the pictures.

    ``p_T`` and ``p_S`` are the softmax of the rows; the sum over classes is not divided by their
    number. No label is involved. Never below 0; 0 where the logits of every row are equal up to a
    constant; the same with teacher and student exchanged. The teacher's logits are detached.

    Args:
        teacher_logits: At the student's scale, which both share; finite.
        student_logits: Of the same pictures and classes in the same order; finite.

    Returns:
        A scalar in the wider of the two types, at least float32. Its gradient by the student's
        logits is ``[(p_S - p_T) + p_S (ln(p_S / p_T) - KL(p_S || p_T))] / (2 n)``.

    Raises:
        InputError: If a logit is NaN or infinite, or something is no tensor.
        ShapeError: If the shapes differ, are not of two axes, or have no row or no column.
        MissingExtraError: If torch is not installed.

    Source:
        KDPL, Mistretta et al. 2024, arXiv:2407.03056, with both weights at 0.5.

    Example:
        >>> import torch
        >>> teacher = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.0, 3.0]])
        >>> student = torch.tensor([[1.0, 1.0, 0.0], [0.5, 0.0, 1.0]])
        >>> round(float(kdpl_loss(teacher, student)), 4)
        0.295
    """
    teacher, student = matching_matrices(
        teacher_logits,
        student_logits,
        where="kdpl_loss",
        names=("teacher_logits", "student_logits"),
    )
    log_teacher = teacher.log_softmax(dim=1)
    log_student = student.log_softmax(dim=1)
    # The two divergences in one sum: their terms p_T (ln p_T - ln p_S) and p_S (ln p_S - ln p_T)
    # nearly cancel where the two are close; as a product no term can round to below 0.
    both = (log_teacher.exp() - log_student.exp()) * (log_teacher - log_student)
    return 0.5 * both.sum() / len(both)


def floored_logits(
    probabilities: Float[np.ndarray, "n c"], *, floor: float = 1e-6
) -> Float32[np.ndarray, "n c"]:
    """Logits of a teacher that has probabilities only, and whose probabilities may be 0.

    ``ln((1 - c floor) p + floor)``: with probability ``c floor`` the teacher guesses. The rows of
    the softmax still sum to 1, no entry is below ``floor``, none moves by more than ``c floor``,
    and the order of classes stays. Raising the small entries and dividing by the new sum would put
    them below the floor again, and would make all of them equal.

    Args:
        probabilities: Rows that sum to 1, to 1e-3; no entry below 0.
        floor: The least probability, above 0 and below 1 / c.

    Returns:
        Natural logarithms, which are logits at scale 1: they are not multiplied by a logit scale.

    Raises:
        InputError: If ``floor`` is out of range, or a row is no distribution. A picture that no
            alignment judged has a row of zeros: it has nothing to teach.
        ShapeError: If ``probabilities`` does not have two axes, or no class.

    Example:
        >>> import numpy as np
        >>> logits = floored_logits(np.array([[1.0, 0.0]]), floor=0.01)
        >>> np.exp(logits.astype(np.float64)).round(4).tolist()
        [[0.99, 0.01]]
    """
    where = "floored_logits"
    check_matrix(probabilities, where=where, name="probabilities")
    n_classes = probabilities.shape[1]
    if n_classes == 0:
        raise ShapeError(f"{where}: probabilities of at least one class are needed, got none.")
    # NaN compares as False with everything.
    if not 0 < floor * n_classes < 1:
        raise InputError(
            f"{where}: floor must be above 0 and below 1 / {n_classes} for {n_classes} classes, "
            f"got {floor}."
        )
    blocks = _blocks(len(probabilities), n_classes)
    _check_distributions(probabilities, blocks, where)
    logits: Float32[np.ndarray, "n c"] = np.empty(probabilities.shape, np.float32)
    for at in blocks:
        wide = probabilities[at].astype(np.float64)
        wide /= wide.sum(axis=1, keepdims=True)
        logits[at] = np.log((1 - n_classes * floor) * wide + floor)
    return logits


def _blocks(rows: int, width: int) -> list[slice]:
    """Even pieces of a table, none of a single row unless that is all.

    Where columns are contiguous, a row by itself would be summed up in another order.
    """
    count = max(1, rows // max(2, _BLOCK // width))
    return [slice(at * rows // count, (at + 1) * rows // count) for at in range(count)]


def _check_distributions(
    probabilities: Float[np.ndarray, "n c"], blocks: list[slice], where: str
) -> None:
    empty: list[int] = []
    wrong: list[tuple[int, float, float]] = []  # the first of each block: row, least entry, sum
    for at in blocks:
        wide = probabilities[at].astype(np.float64)
        sums = wide.sum(axis=1)
        empty += (at.start + np.flatnonzero(~wide.any(axis=1))).tolist()
        fits = (wide >= 0).all(axis=1) & (np.abs(sums - 1) < _SUM_TOLERANCE)
        wrong += [(at.start + row, wide[row].min(), sums[row]) for row in np.flatnonzero(~fits)[:1]]
    if empty:
        raise InputError(
            f"{where}: every picture needs probabilities, got only zeros in {len(empty)} of "
            f"{len(probabilities)} rows, the first in row {empty[0]}. No alignment judged those "
            f"pictures: leave them out."
        )
    if wrong:
        row, least, total = wrong[0]
        raise InputError(
            f"{where}: every row must be probabilities with sum 1, got {least} as the least entry "
            f"and {total} as the sum in row {row}."
        )
