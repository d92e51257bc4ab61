"""From pictures to the loss of a step, beside plain arithmetic: what the trainer makes smaller."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from adapters.checkpoints import CLIP_MEAN, CLIP_STD, SIDE
from adapters.paired_students import NAMES, Pair, plain_tensors
from plain_clip import embed, image_features, softmax, text_features, unit
from plain_prompts import loss, promptsrc
from plain_prompts.answer import PlainAnswer
from sightglass.distillation.prompts.general_templates import GENERAL_TEMPLATES
from sightglass.distillation.prompts.known_classes import classes_for
from sightglass.distillation.prompts.objective import kdpl_objective, supervised_objective
from sightglass.distillation.training_pictures import PictureBatch
from sightglass.encoders.prompted.hosts import HOST_NAMES

pytestmark = pytest.mark.usefixtures("one_thread")

each_host = pytest.mark.parametrize("name", HOST_NAMES)
LABELS = [4, 0, 2, 2, 1, 3, 0, 1]


@dataclass(frozen=True)
class FixedTeacher:
    """One row of random logits per picture, divided by 20 until it is told the student's scale."""

    name: str = "fixed"
    n_classes: int = len(NAMES)

    def logits(self, batch: PictureBatch, *, logit_scale: float) -> np.ndarray:
        rows = np.random.default_rng(3).normal(0, 3 / 20, (len(LABELS), self.n_classes))
        return np.asarray(logit_scale * rows[batch.indices], np.float32)


@pytest.fixture(scope="module")
def batch() -> PictureBatch:
    rng = np.random.default_rng(1)
    crops = tuple(rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8) for _ in range(3))
    return PictureBatch(indices=np.array([5, 0, 6]), crops=crops)


def plain_pixels(batch: PictureBatch) -> Tensor:
    crops = (np.stack(batch.crops) / 255 - CLIP_MEAN) / CLIP_STD
    return torch.from_numpy(crops).permute(0, 3, 1, 2)


def plain_regulariser(
    pair: Pair, name: str, answer: PlainAnswer, pixels: Tensor, names: list[str]
) -> Tensor | float:
    if name != "promptsrc":
        return 0
    rows = []
    for template in GENERAL_TEMPLATES:
        ids, ends = pair.sentences(names, template)
        rows.append(text_features(pair.clip, embed(pair.clip, ids), ends))
    texts = unit(sum(rows) / 60)
    images = unit(image_features(pair.clip, pixels))
    frozen = PlainAnswer(pair.clip.logit_scale * images @ texts.T, images, texts)
    return promptsrc.regulariser(answer=answer, frozen=frozen)


@each_host
@pytest.mark.parametrize("top_k", [None, 2, 3, 5])
def test_the_loss_towards_a_teacher_is_the_plain_one(
    pair: Pair, batch: PictureBatch, name: str, top_k: int | None
) -> None:
    host = pair.host(name)
    classes, teacher = classes_for(host, pair.student, NAMES), FixedTeacher()
    ours = kdpl_objective(host, pair.student, classes, teacher, top_k=top_k)(batch)

    told = torch.from_numpy(teacher.logits(batch, logit_scale=20)).double()
    means = softmax(told).mean(dim=0).tolist()
    kept = sorted(range(5), key=lambda column: -means[column])[: top_k or 5]
    names = [NAMES[column] for column in kept]
    pixels = plain_pixels(batch)
    answer = pair.ask_plainly(name, plain_tensors(host), pixels, names)
    expected = loss.kdpl(told[:, kept], answer.logits)
    expected = expected + plain_regulariser(pair, name, answer, pixels, names)
    assert ours.item() == pytest.approx(expected.item(), abs=1e-5)


@each_host
def test_the_loss_with_labels_is_the_plain_one(pair: Pair, batch: PictureBatch, name: str) -> None:
    host = pair.host(name)
    classes = classes_for(host, pair.student, NAMES)
    ours = supervised_objective(host, pair.student, classes, LABELS)(batch)

    pixels, names = plain_pixels(batch), list(NAMES)
    answer = pair.ask_plainly(name, plain_tensors(host), pixels, names)
    # Pictures 5, 0 and 6 of the run.
    expected = loss.cross_entropy(answer.logits, torch.tensor([3, 4, 0]))
    expected = expected + plain_regulariser(pair, name, answer, pixels, names)
    assert ours.item() == pytest.approx(expected.item(), abs=1e-5)
