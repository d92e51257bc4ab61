"""How far a student's classes of a picture are from a frozen teacher's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightglass.checks import check_positive
from sightglass.distillation.losses.finite_matrices import matching_matrices
from sightglass.distillation.losses.soft_target_loss import soft_target_loss
from sightglass.distillation.losses.target import Target

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float


def logit_loss(
    logits: Float[torch.Tensor, "n k"],
    teacher_logits: Float[torch.Tensor, "n k"],
    *,
    temperature: float = 1.0,
) -> Float[torch.Tensor, ""]:
    """``T^2 KL(softmax(teacher / T) || softmax(student / T))``, in nats, a mean over the pictures.

    The factor keeps the gradient's size about the same at every temperature.

    Args:
        logits: The student's over the teacher's classes; finite.
        teacher_logits: Of the same pictures and classes in the same order; finite. Detached.
        temperature: T, divides both; above 0. Higher, and the unlikely classes say more.

    Returns:
        A scalar in the wider of the two types, at least float32.

    Raises:
        InputError: If a logit is NaN or infinite, the temperature is not above 0, or something is
            no tensor.
        ShapeError: If the shapes differ, are not of two axes, or have no row or no column.
        MissingExtraError: If torch is not installed.

    Source:
        Hinton et al. 2015, arXiv:1503.02531.
    """
    where = "logit_loss"
    teacher, student = matching_matrices(
        teacher_logits, logits, where=where, names=("teacher_logits", "logits")
    )
    check_positive(temperature, where=where, name="temperature")
    target = Target.of((teacher / temperature).softmax(dim=1), weight=temperature**2)
    return soft_target_loss(target, student / temperature)
