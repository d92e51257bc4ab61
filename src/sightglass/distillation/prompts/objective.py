"""What one step of prompt training makes smaller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from sightglass.distillation.losses.class_selection import select_classes
from sightglass.distillation.losses.kdpl_loss import kdpl_loss
from sightglass.distillation.prompts.promptsrc_regulariser import promptsrc_regulariser
from sightglass.encoders.prompted.host import PromptHost
from sightglass.encoders.prompted.promptsrc import PromptSRC
from sightglass.errors import InputError, ModelError, ShapeError

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

    from sightglass.distillation.prompts.teachers import Teacher
    from sightglass.distillation.training_pictures import PictureBatch
    from sightglass.encoders.prompted.class_tokens import ClassTokens
    from sightglass.encoders.prompted.host import Answer
    from sightglass.encoders.prompted.student import Student


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Classes:
    """The classes that a run can choose from, as the student's tokens.

    Attributes:
        tokens: Of every class, or of the whole vocabulary.
        fixed_rows: Unit rows of all of them where the host does not learn texts, else None.
        frozen_rows: What PromptSRC's texts are held near to, else None.
    """

    tokens: ClassTokens
    fixed_rows: Float[Tensor, "c dim"] | None = None
    frozen_rows: Float[Tensor, "c dim"] | None = None

    def select(self, indices: Int[Tensor, " k"]) -> Classes:
        """Some of them, in the order of ``indices``."""
        return Classes(
            tokens=self.tokens.select(indices),
            fixed_rows=None if self.fixed_rows is None else self.fixed_rows[indices],
            frozen_rows=None if self.frozen_rows is None else self.frozen_rows[indices],
        )


_DIVERGED = "Training diverged: choose a lower --lr."

Objective = Callable[["PictureBatch"], "Float[Tensor, '']"]


def kdpl_objective(
    host: PromptHost,
    student: Student,
    classes: Classes,
    teacher: Teacher,
    *,
    top_k: int | None = None,
) -> Objective:
    """The symmetric divergence from the teacher, over all classes or over those of each batch.

    No label is read here or anywhere before.

    Args:
        host: What is trained.
        student: Its frozen towers.
        classes: Of the data set, or a whole vocabulary.
        teacher: Its columns are ``classes``.
        top_k: How many classes a batch keeps, those that the teacher finds likeliest on average
            over the batch; None for all.

    Raises:
        ShapeError: If the teacher knows another number of classes.

    Source:
        Mistretta et al. 2024, arXiv:2407.03056.
    """
    if teacher.n_classes != len(classes.tokens):
        raise ShapeError(
            f"kdpl_objective: teacher and student need the same classes, got {teacher.n_classes} "
            f"and {len(classes.tokens)}."
        )
    towers = student.towers

    def loss(batch: PictureBatch) -> Float[Tensor, ""]:
        pixels, active = student.pixels(batch.crops), classes
        told = torch.from_numpy(teacher.logits(batch, logit_scale=towers.logit_scale))
        told = told.to(towers.device)
        if top_k is not None:
            kept = select_classes(told, top_k)
            # One selection for both sides: a column must mean the same class for either.
            told, active = told[:, kept], classes.select(kept)
        _check_finite(told, f"{teacher.name}: the teacher's logits", "Choose another teacher.")
        answer = host(towers, pixels, active.tokens, texts=active.fixed_rows)
        _check_finite(answer.logits, "Training: the student's logits", _DIVERGED)
        divergence = kdpl_loss(told, answer.logits)
        return divergence + _held_back(host, student, pixels, answer, active)

    return loss


def supervised_objective(
    host: PromptHost, student: Student, classes: Classes, labels: Sequence[int]
) -> Objective:
    """The host's own loss, the baseline: cross-entropy with true labels.

    Args:
        host: What is trained.
        student: Its frozen towers.
        classes: Of the data set.
        labels: Index of the class of each of the run's pictures.

    Raises:
        InputError: If a label is the index of no class.
        ShapeError: If there is no label; of the loss, if a picture has none.
    """
    where = "supervised_objective"
    if not len(labels):
        raise ShapeError(f"{where}: one label per picture is needed, got none.")
    # A negative label would not fail: to torch -100 is a picture that does not count.
    outside = [label for label in labels if not 0 <= label < len(classes.tokens)]
    if outside:
        raise InputError(
            f"{where}: a label must be the index of one of the {len(classes.tokens)} classes, got "
            f"{outside[0]}."
        )
    truth = torch.tensor(labels)

    def loss(batch: PictureBatch) -> Float[Tensor, ""]:
        if batch.indices.max() >= len(truth):
            raise ShapeError(
                f"{where}: every picture needs a label, got {len(truth)} labels and a picture with "
                f"the index {batch.indices.max()}."
            )
        pixels = student.pixels(batch.crops)
        answer = host(student.towers, pixels, classes.tokens, texts=classes.fixed_rows)
        true = truth[torch.from_numpy(batch.indices)].to(pixels.device)
        entropy = functional.cross_entropy(answer.logits, true)
        return entropy + _held_back(host, student, pixels, answer, classes)

    return loss


def _check_finite(logits: Float[Tensor, "n c"], what: str, advice: str) -> None:
    if not bool(logits.isfinite().all()):
        raise ModelError(f"{what} must be finite numbers, got others. {advice}")


def _held_back(
    host: PromptHost,
    student: Student,
    pixels: Float[Tensor, "n 3 height width"],
    answer: Answer,
    classes: Classes,
) -> Float[Tensor, ""] | float:
    """PromptSRC's regulariser; 0 for the other hosts."""
    if not isinstance(host, PromptSRC) or classes.frozen_rows is None:
        return 0.0
    with torch.no_grad():
        images = functional.normalize(student.towers.image_rows(pixels), dim=-1)
        logits = student.towers.logit_scale * images @ classes.frozen_rows.T
    return promptsrc_regulariser(
        student_texts=answer.texts,
        frozen_texts=classes.frozen_rows,
        student_images=answer.images,
        frozen_images=images,
        student_logits=answer.logits,
        frozen_logits=logits,
    )
