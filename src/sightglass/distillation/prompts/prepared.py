"""From names of models, classes and files to a run that is ready to begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightglass.checks import require_extra
from sightglass.distillation.prompts.settings import PromptSettings
from sightglass.distillation.prompts.vocabulary import read_vocabulary
from sightglass.encoders.prompted.prompt_file import FILE_NAME
from sightglass.encoders.registry import load_dual_encoder
from sightglass.errors import InputError
from sightglass.given import classes_of
from sightglass.inputs.images import DEFAULT_MAX_PIXELS
from sightglass.inputs.labels import LabelSet
from sightglass.inputs.templates import check_templates
from sightglass.store import DEFAULT_STORE, open_store

if TYPE_CHECKING:
    from sightglass.distillation.prompts.prompt_run import PromptRun
    from sightglass.distillation.prompts.teachers import Teacher
    from sightglass.distillation.training_pictures import TrainingPictures

# Names of a vocabulary that a step keeps. Source: Mistretta et al. 2024, arXiv:2407.03056.
TOP_K = 1_000
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
    request: PromptRequest, settings: PromptSettings, paths: Sequence[str], *, teach: bool = True
) -> PromptRun:
    """Load, look at and check everything that the run needs; train nothing.

    Args:
        request: Models, classes, files.
        settings: Numbers; without ``top_k`` a vocabulary has the published one.
        paths: Files that may be pictures.
        teach: False for a plan: the teacher, which may take long, is not made ready.

    Raises:
        InputError: If parts of the request do not go together, or no picture can be used.
        ModelError: If a model is not here, damaged, or no CLIP where one is needed.
        MissingExtraError: If torch is not installed.
    """
    for module in ("torch", "transformers", "safetensors"):
        require_extra(module, extra="train", purpose="Distilling prompts")
    from sightglass.distillation.prompts.prompt_run import PromptRun, labels_of_folders
    from sightglass.distillation.training_pictures import usable_pictures
    from sightglass.encoders.prompted.student import check_student, load_student

    check_request(request, settings)
    check_student(request.student, [settings.host])
    told: dict[str, Any] = {"teacher": request.teacher}
    if request.vocabulary is not None:
        words = read_vocabulary(request.vocabulary)
        labels = LabelSet.of(words.names, reserved=())
        settings = _with_top_k(settings, len(words))
        told["vocabulary"] = {
            "source": words.source,
            "licence": words.licence,
            "sha256": words.sha256,
            "names": len(words),
            "repeated": words.repeated,
        }
    else:
        assert request.classes is not None
        labels, _ = classes_of(request.classes)
    pictures, left_out = usable_pictures(paths, max_pixels=request.max_pixels)
    student = load_student(request.student, precision=settings.precision)
    truth = None
    if settings.loss == "cross_entropy":
        truth = labels_of_folders(pictures.paths, labels)
    teacher = _teacher(request, labels, pictures, told) if teach else None
    return PromptRun(
        student=student,
        settings=settings,
        pictures=pictures,
        names=labels.names,
        left_out=tuple(left_out),
        teacher=teacher,
        told=told,
        labels=truth,
        class_agnostic=request.vocabulary is not None,
    )


def _with_top_k(settings: PromptSettings, n_words: int) -> PromptSettings:
    """The published number of names for each step, or all of a smaller vocabulary."""
    if settings.top_k is None:
        return replace(settings, top_k=min(TOP_K, n_words))
    if settings.top_k > n_words:
        raise InputError(
            f"distill prompts: each step keeps top_k names of the vocabulary, "
            f"{settings.top_k:,} are more than its {n_words:,}. Choose fewer with --top-k."
        )
    return settings


def check_request(request: PromptRequest, settings: PromptSettings) -> None:
    """Refuse parts that do not go together; nothing is loaded.

    Raises:
        InputError: If classes, vocabulary, loss, teacher and references do not fit each other.
    """
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
    if request.vocabulary is None and settings.top_k is not None:
        raise InputError(
            f"{where}: --top-k chooses from a vocabulary, known classes all take part, got "
            f"{settings.top_k}. Leave it out, or give --vocabulary in place of --classes."
        )
    if request.teacher_template is not None:
        check_templates((request.teacher_template,))
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
    request: PromptRequest, labels: LabelSet, pictures: TrainingPictures, told: dict[str, Any]
) -> Teacher | None:
    """The teacher; ``told`` gets what run.json says of it."""
    from sightglass.distillation.prompts.prompt_teachers import (
        TEACHER_TEMPLATE,
        clip_teacher,
        fused_teacher,
    )
    from sightglass.opinion_evidence import fusion_record
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
        fused = fused_teacher(classifier, pictures.paths)
        assert classifier.opinions is not None
        told |= {
            "references": str(request.references),
            "vision_model": request.vision_model,
            "fusion": fusion_record(classifier.opinions),
        }
        return fused
    encoder = load_dual_encoder(request.teacher)
    template = request.teacher_template or TEACHER_TEMPLATE
    told |= {"template": template, "fingerprint": encoder.fingerprint}
    told["precision"] = encoder.card.precision
    return clip_teacher(encoder, labels.names, template=template, store=open_store(request.store))
