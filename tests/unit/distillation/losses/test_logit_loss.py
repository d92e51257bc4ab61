from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

import kdpl_oracle
from sightglass.distillation.losses.logit_loss import logit_loss
from sightglass.errors import InputError, ShapeError

# The rows of the prompts' worked example, whose divergence the specification gives to six digits.
TEACHER = [[2.0, 1.0, 0.0], [0.0, 0.0, 3.0]]
STUDENT = [[1.0, 1.0, 0.0], [0.5, 0.0, 1.0]]
FORWARD = 0.250612


def double(rows: list[list[float]]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 6)))
    spread = draw(st.sampled_from([0.1, 3.0, 60.0]))
    student, teacher = (torch.from_numpy(rng.standard_normal(shape) * spread) for _ in range(2))
    return student, teacher


def test_the_divergence_is_that_of_the_specification_from_teacher_to_student() -> None:
    assert float(logit_loss(double(STUDENT), double(TEACHER))) == pytest.approx(FORWARD, abs=1e-6)


@given(pairs(), st.sampled_from([0.5, 1.0, 2.0, 7.0]))
def test_the_value_agrees_with_plain_loops_and_with_torchs_own(
    pair: tuple[torch.Tensor, torch.Tensor], temperature: float
) -> None:
    student, teacher = pair
    rows = zip((teacher / temperature).tolist(), (student / temperature).tolist(), strict=True)
    divergences = [kdpl_oracle.divergence(t, s) for t, s in rows]
    expected = temperature**2 * math.fsum(divergences) / len(divergences)
    found = float(logit_loss(student, teacher, temperature=temperature))
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-10)
    own = functional.kl_div(
        (student / temperature).log_softmax(1),
        (teacher / temperature).softmax(1),
        reduction="batchmean",
    )
    assert found == pytest.approx(temperature**2 * float(own), rel=1e-9, abs=1e-10)


def test_at_a_high_temperature_the_gradient_keeps_its_size() -> None:
    # In the limit the loss is half the mean squared difference of centred logits over the classes.
    learned = double(STUDENT).requires_grad_()
    logit_loss(learned, double(TEACHER), temperature=1e4).backward()
    centred = double(STUDENT) - double(TEACHER)
    centred = centred - centred.mean(dim=1, keepdim=True)
    np.testing.assert_allclose(learned.grad, centred / (2 * 3), rtol=1e-3)


def test_equal_logits_give_0_and_no_gradient_and_none_reaches_the_teacher() -> None:
    learned, teacher = double(TEACHER).requires_grad_(), double(TEACHER).requires_grad_()
    loss = logit_loss(learned, teacher, temperature=2.0)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(learned.grad, 0, atol=1e-15)
    assert teacher.grad is None


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError) as caught:
        logit_loss(torch.zeros(2, 3), torch.zeros(2, 4))
    assert str(caught.value) == (
        "logit_loss: teacher_logits and logits need one shape, got (2, 4) and (2, 3)."
    )
    for temperature in (0.0, -1.0, math.nan):
        with pytest.raises(InputError, match="logit_loss: temperature must be a finite number ab"):
            logit_loss(torch.zeros(1, 2), torch.zeros(1, 2), temperature=temperature)
    with pytest.raises(InputError, match="logit_loss: logits must be finite throughout, got nan"):
        logit_loss(torch.full((1, 2), torch.nan), torch.zeros(1, 2))
