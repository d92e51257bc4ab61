"""What pairs teach by being compared with all others of the batch: hard and soft targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightglass.distillation.encoder.loss_settings import Otter
from sightglass.distillation.losses.info_nce import info_nce_loss
from sightglass.distillation.losses.otter_targets import otter_targets
from sightglass.distillation.losses.self_targets import teacher_targets
from sightglass.distillation.losses.soft_target_loss import soft_target_loss
from sightglass.distillation.teachers.pair_similarities import Similarities

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxtyping import Float
    from torch import Tensor

    from sightglass.distillation.encoder.loss_settings import Losses, SelfTaught
    from sightglass.distillation.losses.target import Target
    from sightglass.encoders.towers.student import DualStudent


def pair_losses(
    images: Float[Tensor, "n dim"],
    texts: Float[Tensor, "n dim"],
    student: DualStudent,
    losses: Losses,
    *,
    teacher: Callable[[], Similarities],
) -> dict[str, Float[Tensor, ""]]:
    """Each loss with its weight in it, by name.

    Args:
        images: The student's unit rows of the global batch's pictures that have a caption.
        texts: Of their captions, in the same order.
        student: For its two scales.
        losses: Which, and their weights.
        teacher: Called where soft targets are asked for.

    Source:
        Cheng et al. 2021, arXiv:2104.08945; Wu et al. 2022, arXiv:2112.09445.
    """
    made: dict[str, Tensor] = {}
    similarities = images @ texts.T
    if losses.contrastive is not None and losses.contrastive.weight:
        made["contrastive"] = losses.contrastive.weight * info_nce_loss(
            similarities,
            logit_scale=student.contrastive_scale(),
            # A pair by itself has no others to share with.
            smoothing=losses.contrastive.smoothing if len(images) > 1 else 0.0,
        )
    soft = losses.soft
    # A pair by itself has no other to be like: nothing can be transported.
    if soft is not None and soft.weight and len(images) > 1:
        to_text, to_image = soft_targets(teacher(), soft)
        scale = student.distillation_scale()
        made[soft.kind] = soft.weight * (
            soft_target_loss(to_text, scale * similarities)
            + soft_target_loss(to_image, scale * similarities.T)
        )
    return made


def soft_targets(found: Similarities, soft: SelfTaught | Otter) -> tuple[Target, Target]:
    """The targets picture to text and text to picture that a teacher's cosines give."""
    if isinstance(soft, Otter):
        return otter_targets(
            found.image_text,
            found.image_image,
            found.text_text,
            image_weight=soft.image_weight,
            text_weight=soft.text_weight,
            regularisation=soft.regularisation,
            iterations=soft.iterations,
            remove_diagonal=soft.remove_diagonal,
        )
    return teacher_targets(
        found.image_text,
        scale=soft.scale,
        image_image=soft.image_weight * found.image_image if soft.image_weight else None,
        text_text=soft.text_weight * found.text_text if soft.text_weight else None,
        remove_diagonal=soft.remove_diagonal,
    )
