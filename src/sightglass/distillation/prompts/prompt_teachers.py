"""The teacher of a run, from what a person names: an encoder, or an encoder with references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.distillation.prompts.teachers import ClipTeacher, FusedTeacher
from sightglass.embedding import embed_texts
from sightglass.encoders.contract import DualEncoder
from sightglass.encoders.wording import BARE, require_fixed_texts
from sightglass.errors import InputError
from sightglass.inputs.labels import clean_name
from sightglass.inputs.templates import check_templates
from sightglass.reports.work import Work
from sightglass.store import Store

if TYPE_CHECKING:
    from sightglass.pipeline import ZeroShotClassifier

# Source: Mistretta et al. 2024, arXiv:2407.03056, for data sets without wording of their own and
# for the class-agnostic form.
TEACHER_TEMPLATE = "a photo of a {}."


def clip_teacher(
    encoder: DualEncoder, names: Sequence[str], *, template: str, store: Store
) -> ClipTeacher:
    """A teacher that knows these classes by one sentence each.

    Args:
        encoder: Frozen.
        names: In the order of the student's.
        template: A sentence with one ``{}``.
        store: Keeps the rows of the texts: 20,000 words are encoded once, not once per run.

    Raises:
        InputError: If the template is none, or the encoder's texts depend on the picture.
    """
    require_fixed_texts(encoder, where="distill prompts: the teacher")
    # A prompted student that teaches has a wording of its own.
    (wording,) = BARE if encoder.card.own_context else check_templates((template,))
    # Not str.format: a name may contain braces. Two classes may have one name, as in ImageNet.
    texts = [wording.replace("{}", clean_name(name)) for name in names]
    return ClipTeacher(
        name=encoder.card.name,
        encoder=encoder,
        classes=embed_texts(texts, encoder=encoder, store=store),
    )


def fused_teacher(classifier: ZeroShotClassifier, paths: Sequence[str]) -> FusedTeacher:
    """The distribution that ``classifier`` gives each picture: names and references, fused.

    Args:
        classifier: With references; its classes are the student's.
        paths: The run's pictures, each usable and none twice.

    Raises:
        InputError: If a picture cannot be used any more.
    """
    work = Work()
    classifier.calibrate(list(paths), work)
    rows = []
    for prediction in classifier.stream(list(paths), work):
        if prediction.decision is None:
            raise InputError(
                f"{prediction.path}: every training picture needs a distribution, this one got "
                f"none ({prediction.outcome.detail}). Run again without it."
            )
        rows.append(prediction.decision.probabilities)
    name = f"fusion of {classifier.encoder.card.name}"
    if classifier.vision is not None:
        name += f" and {classifier.vision.card.name}"
    return FusedTeacher(np.stack(rows), name=f"{name} with references ({classifier.weighting})")
