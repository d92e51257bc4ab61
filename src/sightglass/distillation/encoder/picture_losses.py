"""What each picture teaches by itself: features, logits, maps, names. Means over the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from sightglass.distillation.losses.feature_loss import feature_loss
from sightglass.distillation.losses.logit_loss import logit_loss
from sightglass.distillation.losses.soft_target_loss import soft_target_loss
from sightglass.distillation.losses.target import Target
from sightglass.errors import ShapeError

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int64
    from torch import Tensor

    from sightglass.distillation.encoder.loss_settings import Losses
    from sightglass.distillation.encoder.name_rows import NameRows
    from sightglass.distillation.losses.map_loss import MapNorm
    from sightglass.distillation.teachers.image_teachers import TeacherAnswer
    from sightglass.encoders.towers.contract import ImageAnswer

# Keys of lists of names.
ANCHORS, NAMED = "anchors", "named"


@dataclass(frozen=True, kw_only=True, eq=False)
class Taught:
    """What teachers and data say of some pictures.

    Attributes:
        image: The image teacher's answer; None where there is none.
        labels: Index into the class names of the picture's source; -1 where there is none.
        sources: Key of each picture's list of class names.
        named: The named teachers' distributions of the pictures that they know, and which pictures
            these are; None where nobody is asked.
    """

    image: TeacherAnswer | None
    labels: Int64[Tensor, " n"]
    sources: Sequence[str]
    named: tuple[Float[Tensor, "j c"], Bool[Tensor, " n"]] | None


def picture_losses(
    answer: ImageAnswer,
    taught: Taught,
    losses: Losses,
    *,
    norms: Sequence[MapNorm],
    names: NameRows,
    scale: Float[Tensor, ""] | float,
) -> dict[str, Float[Tensor, ""]]:
    """Each loss with its weight in it, by name; those of weight 0 are left out.

    Args:
        answer: The student's.
        taught: Of the same pictures.
        losses: Weights.
        norms: One ruler for each map but the last, then the last's.
        names: Text rows of class names.
        scale: Of cosines with names.
    """
    made: dict[str, Tensor] = {}
    teacher = taught.image
    if teacher is not None:
        made |= _image_losses(answer, teacher, losses, norms)
        if (losses.anchors or losses.anchors_cosine) and teacher.logits is not None:
            rows = names.rows(ANCHORS)
            shares = (teacher.logits / losses.anchors_temperature).softmax(1)
            if losses.anchors:
                logits = scale * answer.embeddings @ rows.T
                made["anchors"] = losses.anchors * soft_target_loss(Target.of(shares), logits)
            if losses.anchors_cosine:
                meant = functional.normalize(shares @ rows, dim=1)
                cosines = (answer.embeddings * meant).sum(1)
                made["anchors_cosine"] = losses.anchors_cosine * (1 - cosines).mean()
    if losses.labels:
        made["labels"] = losses.labels * _label_loss(answer, taught, names, scale)
    if losses.named and taught.named is not None:
        shares, known = taught.named
        # A mean over all pictures: those that nobody knows give 0. The loss is there even where
        # nobody knows any: processes that add up their losses must all have the same ones.
        made["named"] = answer.embeddings.new_zeros(())
        if len(shares):
            logits = scale * answer.embeddings[known] @ names.rows(NAMED).T
            part = len(shares) / len(known)
            made["named"] = losses.named * part * soft_target_loss(Target.of(shares), logits)
    return made


def _image_losses(
    answer: ImageAnswer, teacher: TeacherAnswer, losses: Losses, norms: Sequence[MapNorm]
) -> dict[str, Tensor]:
    made: dict[str, Tensor] = {}
    if losses.features and teacher.features is not None:
        made["features"] = losses.features * feature_loss(
            answer.features, teacher.features, kind=losses.features_kind
        )
    if losses.logits and teacher.logits is not None and answer.logits is not None:
        made["logits"] = losses.logits * logit_loss(
            answer.logits, teacher.logits, temperature=losses.logits_temperature
        )
    if losses.maps:
        # A stage learns the normal map, so that the first steps are not spent on growing to the
        # teacher's scale, channel by channel.
        errors = [
            _map_error(mine, theirs, norm)
            for mine, theirs, norm in zip(
                answer.maps[:-1], teacher.maps[:-1], norms[:-1], strict=True
            )
        ]
        made["maps"] = losses.maps * torch.stack(errors).sum()
    if losses.last_map:
        # What is pooled must have the feature's own scale, and no negative side.
        made["last_map"] = losses.last_map * norms[-1](answer.maps[-1], teacher.maps[-1])
    return made


def _map_error(
    mine: Float[Tensor, "n c h w"], theirs: Float[Tensor, "n c h w"], norm: MapNorm
) -> Float[Tensor, ""]:
    # Torch would repeat a map of one place over all of the other's.
    if mine.shape != theirs.shape:
        raise ShapeError(
            f"Maps: student and teacher need one shape, got {tuple(mine.shape)} and "
            f"{tuple(theirs.shape)}. Choose tensors of the teacher with the student's strides."
        )
    return (mine.float() - norm.normalise(theirs)).square().mean()


def _label_loss(
    answer: ImageAnswer, taught: Taught, names: NameRows, scale: Float[Tensor, ""] | float
) -> Float[Tensor, ""]:
    """Cross-entropy over the names of each picture's own source; pictures without label give 0."""
    total = answer.embeddings.new_zeros(())
    for key in dict.fromkeys(taught.sources):
        here = torch.tensor([one == key for one in taught.sources], device=taught.labels.device)
        chosen = here & (taught.labels >= 0)
        if key not in names or not chosen.any():
            continue
        logits = scale * answer.embeddings[chosen] @ names.rows(key).T
        total = total + functional.cross_entropy(logits, taught.labels[chosen], reduction="sum")
    return total / len(answer.embeddings)
