"""Three steps of training with each loss end in the parameters of a plain restatement."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from plain_contrastive import PlainStudent
from sightglass.distillation import info_nce_loss, soft_target_loss
from sightglass.distillation.losses.ema import EmaTeacher
from sightglass.distillation.losses.otter_targets import otter_targets
from sightglass.distillation.losses.self_targets import teacher_targets
from sightglass.encoders.towers.learned_scale import LearnedScale

METHODS = ("info_nce", "smoothed", "self", "otter")
PAIRS, PIXELS, WORDS, DIM, LR = 6, 5, 7, 4, 0.01


class Student(torch.nn.Module):
    """Two linear towers and two scales."""

    def __init__(self, image: np.ndarray, text: np.ndarray) -> None:
        super().__init__()
        self.image = torch.nn.Parameter(torch.from_numpy(image.copy()))
        self.text = torch.nn.Parameter(torch.from_numpy(text.copy()))
        self.contrastive_scale = LearnedScale().double()
        self.distillation_scale = LearnedScale().double()

    def forward(
        self, pictures: torch.Tensor, captions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return normalize(pictures @ self.image, dim=1), normalize(captions @ self.text, dim=1)


def loss_of(
    method: str, student: Student, teacher: EmaTeacher[Student], batch: list[torch.Tensor]
) -> torch.Tensor:
    images, texts = student(*batch)
    cosines = images @ texts.T
    smoothing = 0.1 if method == "smoothed" else 0.0
    own = info_nce_loss(cosines, logit_scale=student.contrastive_scale(), smoothing=smoothing)
    if method in ("info_nce", "smoothed"):
        return own
    v, t = teacher.module(*batch)
    targets = (
        teacher_targets(v @ t.T) if method == "self" else otter_targets(v @ t.T, v @ v.T, t @ t.T)
    )
    scale = student.distillation_scale()
    taught = soft_target_loss(targets[0], scale * cosines)
    return 0.5 * own + 0.5 * (taught + soft_target_loss(targets[1], scale * cosines.T))


@pytest.mark.parametrize("method", METHODS)
def test_three_steps_end_in_the_parameters_of_the_plain_restatement(method: str) -> None:
    rng = np.random.default_rng(METHODS.index(method))
    image, text = rng.standard_normal((PIXELS, DIM)), rng.standard_normal((WORDS, DIM))
    plain = PlainStudent(image=image.copy(), text=text.copy(), method=method, lr=LR)
    student = Student(image, text)
    teacher = EmaTeacher(student)
    optimiser = torch.optim.SGD(student.parameters(), lr=LR, momentum=0.9)
    for step in (1, 2, 3):
        batch = [rng.standard_normal((PAIRS, width)) for width in (PIXELS, WORDS)]
        teacher.update(student, step)
        loss = loss_of(method, student, teacher, [torch.from_numpy(each) for each in batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        assert loss.item() == pytest.approx(plain.step(*batch), rel=1e-6)
    np.testing.assert_allclose(student.image.detach(), plain.image, atol=1e-5)
    np.testing.assert_allclose(student.text.detach(), plain.text, atol=1e-5)
    scales = (student.contrastive_scale, student.distillation_scale)
    np.testing.assert_allclose([scale.log_scale.item() for scale in scales], plain.logs, atol=1e-5)
    # The steps were not idle: everything that the loss reaches has moved.
    assert np.abs(plain.image - image).max() > 1e-2
    moved = np.abs(plain.logs - 3.9) > 1e-3
    assert moved.tolist() == [True, method in ("self", "otter")]
    if method in ("self", "otter"):
        np.testing.assert_allclose(teacher.module.image, plain.teacher[0], atol=1e-5)
        np.testing.assert_allclose(teacher.module.text, plain.teacher[1], atol=1e-5)
