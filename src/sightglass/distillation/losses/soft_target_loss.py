"""The one divergence that every loss over a batch goes through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.distillation.losses.square_matrices import given_matrix
from sightglass.distillation.losses.target import Target
from sightglass.errors import InputError, ShapeError

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float


def soft_target_loss(
    target: Target | Sequence[Target] | Float[torch.Tensor, "n m"] | Float[np.ndarray, "n m"],
    logits: Float[torch.Tensor, "n m"],
    *,
    cross_entropy: bool = False,
) -> Float[torch.Tensor, ""]:
    """``sum_t weight_t KL(target_t || softmax(logits))``, in nats, averaged over the rows.

    The sum over columns is not divided by their number, and there is no factor for a temperature.
    Hard targets, smoothed ones, a teacher's and a transport plan differ only in the target. Never
    below 0, but for rounding; 0 where the softmax of every row is its target.

    Args:
        target: Distributions of the same rows and columns as ``logits``, on any device; a bare
            matrix is one of weight 1. Detached.
        logits: The student's, at its own scale; finite.
        cross_entropy: Add the target's entropy, so that the value is the cross-entropy. The
            gradient is the same.

    Returns:
        A scalar in the widest of the types, at least float32. Its gradient by the logits is
        ``sum_t weight_t (softmax(logits) - target_t) / n``.

    Raises:
        InputError: If a row of a target is no distribution, a logit is NaN or infinite, or there
            is no target.
        ShapeError: If the shapes differ, are not of two axes, or have no row or no column.
        MissingExtraError: If torch is not installed.

    Source:
        Wu et al. 2022, arXiv:2112.09445, and Cheng et al. 2021, arXiv:2104.08945.

    Example:
        >>> import torch
        >>> target = torch.tensor([[0.5, 0.5], [1.0, 0.0]])
        >>> round(float(soft_target_loss(target, torch.zeros(2, 2))), 4)
        0.3466
    """
    where = "soft_target_loss"
    student = given_matrix(logits, where=where, name="logits")
    targets = _targets(target)
    import torch
    from torch.nn import functional

    for one in targets:
        student = student.to(torch.promote_types(student.dtype, one.probabilities.dtype))
    log_student = student.log_softmax(dim=1)
    total = student.new_zeros(())
    for one in targets:
        if one.probabilities.shape != student.shape:
            raise ShapeError(
                f"{where}: target and logits need one shape, got {tuple(one.probabilities.shape)} "
                f"and {tuple(student.shape)}."
            )
        rows = one.probabilities.to(log_student)
        if rows.is_inference():  # torch computes no gradient from what inference mode made
            rows = rows.clone()
        loss = functional.kl_div(log_student, rows, reduction="batchmean")
        if cross_entropy:
            loss = loss - torch.special.xlogy(rows, rows).sum() / len(rows)
        total = total + one.weight * loss
    return total


def _targets(target: object) -> Sequence[Target]:
    import torch

    if isinstance(target, Target):
        return [target]
    if isinstance(target, (torch.Tensor, np.ndarray)):
        return [Target.of(target)]
    if not (isinstance(target, Sequence) and target) or not all(
        isinstance(one, Target) for one in target
    ):
        raise InputError(
            f"soft_target_loss: target needs to be a Target, at least one of them, or a matrix, "
            f"got {target!r:.60}. Target.of makes one of a matrix and a weight."
        )
    return target
