from __future__ import annotations

import math

import pytest
import torch

from adapters.small_students import small_student
from sightglass.distillation.encoder.loss_settings import Losses
from sightglass.distillation.encoder.pair_losses import pair_losses, soft_targets
from sightglass.distillation.teachers.pair_similarities import Similarities

# The worked examples of the specification.
S = [[0.32, 0.28, 0.20], [0.25, 0.30, 0.27], [0.10, 0.22, 0.26]]
VV = [[1, 0.5, 0.4], [0.5, 1, 0.6], [0.4, 0.6, 1]]
TT = [[1, 0.6, 0.3], [0.6, 1, 0.5], [0.3, 0.5, 1]]
FOUND = Similarities(*(torch.tensor(one, dtype=torch.float64) for one in (S, VV, TT)))


def losses_of(settings: dict[str, object], *, scales: float = 10.0) -> dict[str, float]:
    """With rows whose products are S: pictures are its rows, texts the axes."""
    student = small_student()
    for scale in (student.contrastive_scale, student.distillation_scale):
        torch.nn.init.constant_(scale.log_scale, math.log(scales))
    made = pair_losses(
        torch.tensor(S),
        torch.eye(3),
        student,
        Losses.model_validate(settings),
        teacher=lambda: FOUND,
    )
    return {name: value.item() for name, value in made.items()}


def test_the_contrastive_loss_is_the_sum_of_both_directions_times_its_weight() -> None:
    whole = losses_of({"contrastive": {}})
    assert whole == {"contrastive": pytest.approx(0.719737 + 0.756532, abs=2e-6)}
    half = losses_of({"contrastive": {"weight": 0.5}})
    assert half == {"contrastive": pytest.approx(0.7381345, abs=2e-6)}
    assert losses_of({"contrastive": {}}, scales=math.exp(3.9)) == {
        "contrastive": pytest.approx(0.628257, abs=2e-6)
    }


def test_half_and_half_is_the_published_total() -> None:
    made = losses_of({"contrastive": {"weight": 0.5}, "soft": {"kind": "kd", "scale": 20}})
    assert made["kd"] == pytest.approx(0.5 * 0.097202, abs=2e-6)
    assert sum(made.values()) == pytest.approx(0.786736, abs=2e-6)


def test_alpha_1_is_the_pair_alone_and_alpha_0_the_teacher_alone() -> None:
    only_pair = losses_of({"contrastive": {"weight": 1}, "soft": {"kind": "kd", "weight": 0}})
    assert list(only_pair) == ["contrastive"]
    only_soft = losses_of({"contrastive": {"weight": 0}, "soft": {"kind": "kd", "weight": 1}})
    assert list(only_soft) == ["kd"]


def test_a_teacher_that_is_the_student_teaches_nothing() -> None:
    made = losses_of({"soft": {"kind": "kd", "scale": 20}}, scales=20)
    assert made["kd"] == pytest.approx(0, abs=1e-6)


def test_the_two_scales_are_two() -> None:
    student = small_student()
    torch.nn.init.constant_(student.contrastive_scale.log_scale, math.log(10))
    torch.nn.init.constant_(student.distillation_scale.log_scale, math.log(20))
    settings = {"contrastive": {}, "soft": {"kind": "kd", "scale": 20}}
    made = pair_losses(
        torch.tensor(S),
        torch.eye(3),
        student,
        Losses.model_validate(settings),
        teacher=lambda: FOUND,
    )
    assert made["contrastive"].item() == pytest.approx(0.719737 + 0.756532, abs=2e-6)
    assert made["kd"].item() == pytest.approx(0, abs=1e-6)


def test_targets_are_those_of_the_specification() -> None:
    otter = Losses.model_validate({"soft": {"kind": "otter", "remove_diagonal": False}}).soft
    assert otter is not None
    to_text, _ = soft_targets(FOUND, otter)
    expected = [[0.998029, 0.001893, 0.000077], [0.001771, 0.996209, 0.002020]]
    torch.testing.assert_close(
        to_text.probabilities[:2].double(), torch.tensor(expected).double(), atol=2e-6, rtol=0
    )
    removed = Losses.model_validate({"soft": {"kind": "otter"}}).soft
    assert removed is not None
    to_text, _ = soft_targets(FOUND, removed)
    expected = [[0, 0.495348, 0.504652], [0.510964, 0, 0.489036], [0.482292, 0.517708, 0]]
    torch.testing.assert_close(
        to_text.probabilities.double(), torch.tensor(expected).double(), atol=2e-6, rtol=0
    )


def test_mistake_6_picture_picture_and_text_text_make_the_softmax_target_one_hot() -> None:
    as_published = Losses.model_validate({"soft": {"kind": "kd"}}).soft
    as_shipped = Losses.model_validate(
        {"soft": {"kind": "kd", "image_weight": 1, "text_weight": 1}}
    ).soft
    assert as_published is not None
    assert as_shipped is not None
    soft, _ = soft_targets(FOUND, as_published)
    hard, _ = soft_targets(FOUND, as_shipped)
    diagonal = soft.probabilities.diagonal().double()
    expected = torch.tensor([0.982008, 0.946499, 0.982014]).double()
    torch.testing.assert_close(diagonal, expected, atol=2e-6, rtol=0)
    assert float(hard.probabilities.diagonal().min()) == 1.0


@pytest.mark.parametrize("smoothing", [0, 0.1])
def test_a_pair_by_itself_has_nothing_to_be_compared_with(smoothing: float) -> None:
    settings = Losses.model_validate(
        {"contrastive": {"smoothing": smoothing}, "soft": {"kind": "otter"}}
    )
    made = pair_losses(torch.eye(1), torch.eye(1), small_student(), settings, teacher=lambda: FOUND)
    assert {name: value.item() for name, value in made.items()} == {"contrastive": 0.0}
