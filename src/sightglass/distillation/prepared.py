"""From names of models, classes and files to a run that is ready to begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sightglass.checks import require_extra
from sightglass.distillation.settings import PromptSettings
from sightglass.distillation.vocabulary import read_vocabulary
from sightglass.encoders.prompted.prompt_file import FILE_NAME
from sightglass.encoders.registry import load_dual_encoder
from sightglass.errors import InputError
from sightglass.given import classes_of
from sightglass.inputs.images import DEFAULT_MAX_PIXELS
from sightglass.inputs.labels import LabelSet
from sightglass.store import DEFAULT_STORE, open_store

if TYPE_CHECKING:
    from sightglass.distillation.prompt_run import PromptRun
    from sightglass.distillation.teachers import Teacher
    from sightglass.distillation.training_pictures import TrainingPictures

# What a run writes into its folder, known here so that nothing of it is taken for a picture.
LOG = "log.csv"
RUN = "run.json"
CHECKPOINT = "checkpoint.safetensors"
OWN_FILES = (FILE_NAME, LOG, RUN, CHECKPOINT)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRequest:
    """What a person asks for, in words.

    Attributes:
        student: ``hf:ORG/NAME`` or ``hf:FOLDER``, a CLIP checkpoint.
        teacher: An encoder with a text side; None for cross-entropy.
        classes: As ``classify`` takes them; None where a vocabulary stands in for them.
        vocabulary: ``"nouns"`` or a file, for the class-agnostic form; else None.
        teacher_template: The sentence that the teacher knows a class by.
        references: Folder of reference pictures: the teacher is then the fusion of names and
            references.
        vision_model: The fusion's encoder for the vision-only opinion; None for none.
        weighting: Of the fusion.
        store: File for what is computed of texts and pictures; ``"default"`` or None as elsewhere.
        max_pixels: Pictures that would decode to more are left out.
    """

    student: str
    teacher: str | None
    classes: str | Sequence[str] | LabelSet | None
    vocabulary: str | None = None
    teacher_template: str | None = None
    references: Path | None = None
    vision_model: str | None = "mini:vision"
    weighting: str = "inverse_entropy"
    store: str | Path | None = DEFAULT_STORE
    max_pixels: int = DEFAULT_MAX_PIXELS


def prepare_run(
    request: PromptRequest, settings: PromptSettings, paths: Sequence[str]
) -> PromptRun:
    """Load, look at and check everything that the run needs; train nothing.

    Args:
        request: Models, classes, files.
        settings: Numbers; ``top_k`` together with a vocabulary.
        paths: Files that may be pictures.

    Raises:
        InputError: If parts of the request do not go together, or no picture can be used.
        ModelError: If a model is not here, damaged, or no CLIP where one is needed.
        MissingExtraError: If torch is not installed.
    """
    for module in ("torch", "transformers", "safetensors"):
        require_extra(module, extra="train", purpose="Distilling prompts")
    from sightglass.distillation.prompt_run import PromptRun, labels_of_folders
    from sightglass.distillation.training_pictures import usable_pictures
    from sightglass.encoders.prompted.student import check_student, load_student

    _check(request, settings)
    check_student(request.student, [settings.host])
    agnostic = request.vocabulary is not None
    if request.vocabulary is not None:
        labels = LabelSet.of(read_vocabulary(request.vocabulary).names, reserved=())
    else:
        assert request.classes is not None
        labels, _ = classes_of(request.classes)
    pictures, left_out = usable_pictures(paths, max_pixels=request.max_pixels)
    student = load_student(request.student, precision=settings.precision)
    truth = None
    if settings.loss == "cross_entropy":
        truth = labels_of_folders(pictures.paths, labels)
    return PromptRun(
        student=student,
        settings=settings,
        pictures=pictures,
        names=labels.names,
        left_out=tuple(left_out),
        teacher=_teacher(request, labels, pictures),
        labels=truth,
        class_agnostic=agnostic,
    )


def _check(request: PromptRequest, settings: PromptSettings) -> None:
    where = "distill prompts"
    if (request.classes is None) == (request.vocabulary is None):
        given = "neither" if request.classes is None else "both"
        raise InputError(
            f"{where}: either the classes or a vocabulary is needed, got {given}. Give --classes "
            f"where you know the names, --vocabulary where you do not."
        )
    if settings.loss == "cross_entropy" and (request.teacher or request.references):
        raise InputError(
            f"{where}: cross-entropy learns from labels and needs no teacher, got one. Leave out "
            f"--teacher and --references, or choose --loss kdpl."
        )
    if settings.loss == "kdpl" and request.teacher is None:
        raise InputError(
            f"{where}: the loss 'kdpl' needs a teacher, got none. Name one with --teacher, such as "
            f"hf:ORG/NAME."
        )
    if request.vocabulary is not None and settings.loss == "cross_entropy":
        raise InputError(
            f"{where}: labels belong to classes that are known; a vocabulary goes with the loss "
            f"'kdpl'. Give --classes."
        )
    if request.vocabulary is not None and request.references is not None:
        raise InputError(
            f"{where}: references belong to classes that are known; a vocabulary has none. Give "
            f"--classes, or leave out --references."
        )
    if request.references is not None and request.teacher_template is not None:
        raise InputError(
            f"{where}: the fusion words its classes as classify does; --teacher-template goes with "
            f"a teacher without --references. Leave out one of them."
        )


def _teacher(
    request: PromptRequest, labels: LabelSet, pictures: TrainingPictures
) -> Teacher | None:
    from sightglass.distillation.prompt_teachers import (
        TEACHER_TEMPLATE,
        clip_teacher,
        fused_teacher,
    )
    from sightglass.pipeline import ZeroShotClassifier

    if request.teacher is None:
        return None
    if request.references is not None:
        classifier = ZeroShotClassifier(
            labels,
            model=request.teacher,
            references=request.references,
            vision_model=request.vision_model,
            weighting=request.weighting,
            store=request.store,
            max_pixels=request.max_pixels,
        )
        return fused_teacher(classifier, pictures.paths)
    return clip_teacher(
        load_dual_encoder(request.teacher),
        labels.names,
        template=request.teacher_template or TEACHER_TEMPLATE,
        store=open_store(request.store),
    )
