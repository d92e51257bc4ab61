from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sightglass.encoders.towers.learned_scale import LearnedScale
from sightglass.errors import InputError


def test_the_scale_begins_at_exp_3_9() -> None:
    assert LearnedScale()().item() == pytest.approx(49.402449, abs=1e-5)


@given(st.floats(-10, 10))
def test_the_scale_is_the_exponential_between_1_and_100(log: float) -> None:
    found = LearnedScale(log).double()().item()
    assert found == pytest.approx(min(100.0, max(1.0, math.exp(log))), rel=1e-5)


@pytest.mark.parametrize(("log", "slope"), [(3.9, 49.402449), (0.5, 1.648721), (5.0, 0), (-1.0, 0)])
def test_the_gradient_is_the_scale_inside_the_range_and_0_outside(log: float, slope: float) -> None:
    scale = LearnedScale(log)
    scale().backward()
    assert scale.log_scale.grad.item() == pytest.approx(slope, rel=1e-6)


def test_mistake_1_a_scale_without_exponential_or_clip_would_be_another() -> None:
    # 5 without an exponential would be 5, and without the clip 148.4.
    assert LearnedScale(5.0)().item() == 100
    assert LearnedScale(-5.0)().item() == 1


def test_mistake_14_the_parameter_is_never_written_to() -> None:
    scale = LearnedScale(4.6)
    optimiser = torch.optim.SGD(scale.parameters(), lr=2e-3, momentum=0.9)
    # By hand: the loss falls by 1 per unit of scale, so the gradient is -exp(log) up to ln 100.
    log, momentum, clamped, clamped_momentum = 4.6, 0.0, 4.6, 0.0
    for _ in range(3):
        momentum = 0.9 * momentum - (math.exp(log) if log <= math.log(100) else 0.0)
        log -= 2e-3 * momentum
        clamped_momentum = 0.9 * clamped_momentum - math.exp(clamped)
        clamped = min(math.log(100), clamped - 2e-3 * clamped_momentum)
        optimiser.zero_grad()
        (-scale()).backward()
        optimiser.step()
        assert scale().item() <= 100
    assert scale.log_scale.item() == pytest.approx(log, rel=1e-6)
    # One that is clamped in place is elsewhere by now.
    assert abs(log - clamped) > 0.1


def test_mistake_14_the_parameter_has_no_axis_and_so_is_told_from_weights_that_decay() -> None:
    assert [parameter.ndim for parameter in LearnedScale().parameters()] == [0]


def test_two_scales_of_a_student_share_nothing() -> None:
    student = torch.nn.ModuleDict({"contrastive": LearnedScale(), "distillation": LearnedScale()})
    student["contrastive"]().backward()
    assert len(list(student.parameters())) == 2
    assert student["distillation"].log_scale.grad is None


@pytest.mark.parametrize("log", [math.nan, math.inf])
def test_a_beginning_that_is_no_number_is_refused(log: float) -> None:
    with pytest.raises(InputError) as caught:
        LearnedScale(log)
    assert str(caught.value) == f"LearnedScale: initial_log must be a finite number, got {log}."
