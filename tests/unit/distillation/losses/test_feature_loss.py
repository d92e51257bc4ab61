from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from sightglass.distillation.losses.feature_loss import feature_loss
from sightglass.errors import InputError, ShapeError, UnknownNameError

KINDS = ("mean_squared_error", "cosine")


def double(rows: list[list[float]]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


@st.composite
def features(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 6)))
    student, teacher = (torch.from_numpy(rng.standard_normal(shape)) for _ in range(2))
    return student, teacher


def test_both_kinds_by_hand() -> None:
    student, teacher = double([[3.0, 4.0], [1.0, 0.0]]), double([[3.0, 0.0], [0.0, 2.0]])
    # Differences 0, 4, 1, -2: 21 / 4. Cosines 3/5 and 0.
    assert float(feature_loss(student, teacher)) == pytest.approx(21 / 4, rel=1e-12)
    found = float(feature_loss(student, teacher, kind="cosine"))
    assert found == pytest.approx((2 / 5 + 1) / 2, rel=1e-12)


@given(features())
def test_both_kinds_agree_with_torchs_own(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    expected = {
        "mean_squared_error": functional.mse_loss(*pair),
        "cosine": (1 - functional.cosine_similarity(*pair)).mean(),
    }
    for kind in KINDS:
        found = float(feature_loss(*pair, kind=kind))
        assert found == pytest.approx(float(expected[kind]), rel=1e-9, abs=1e-12)


@given(features(), st.floats(0.1, 10))
def test_the_length_of_a_feature_counts_for_the_squared_error_alone(
    pair: tuple[torch.Tensor, torch.Tensor], factor: float
) -> None:
    student, _ = pair
    assert feature_loss(student, factor * student, kind="cosine").item() == pytest.approx(
        0, abs=1e-12
    )
    expected = (factor - 1) ** 2 * float(student.square().mean())
    assert feature_loss(student, factor * student).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_that_of_central_differences_and_reaches_the_student_alone(
    kind: str,
) -> None:
    student, teacher = double([[3.0, 4.0], [1.0, -1.0]]), double([[3.0, 0.5], [0.2, 2.0]])
    learned, frozen = student.clone().requires_grad_(), teacher.clone().requires_grad_()
    feature_loss(learned, frozen, kind=kind).backward()
    assert frozen.grad is None
    step = 1e-6
    for place in np.ndindex(2, 2):
        values = []
        for sign in (1, -1):
            moved = student.clone()
            moved[place] += sign * step
            values.append(float(feature_loss(moved, teacher, kind=kind)))
        slope = (values[0] - values[1]) / (2 * step)
        assert float(learned.grad[place]) == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_features_of_zeros_give_finite_values_and_gradients(kind: str) -> None:
    learned = torch.zeros(2, 3).requires_grad_()
    loss = feature_loss(learned, torch.tensor([[1.0, 0, 0], [0, 0, 0]]), kind=kind)
    loss.backward()
    assert loss.item() == pytest.approx({"mean_squared_error": 1 / 6, "cosine": 1.0}[kind])
    assert learned.grad.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_is_widened_and_inference_mode_can_be_learned_from(kind: str) -> None:
    with torch.inference_mode():
        teacher = torch.ones(2, 3) * 2
    learned = torch.eye(2, 3, dtype=torch.bfloat16).requires_grad_()
    loss = feature_loss(learned, teacher, kind=kind)
    loss.backward()
    assert loss.dtype == torch.float32
    # One entry of a row is 1 and two are 0: squares 1, 4, 4; a cosine of 1 / sqrt(3).
    expected = {"mean_squared_error": 3.0, "cosine": 1 - 1 / math.sqrt(3)}
    assert loss.item() == pytest.approx(expected[kind], rel=1e-6)


def test_features_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError) as caught:
        feature_loss(torch.zeros(2, 3), torch.zeros(2, 4))
    assert str(caught.value) == (
        "feature_loss: teacher_features and features need one shape, got (2, 4) and (2, 3)."
    )
    with pytest.raises(InputError, match="feature_loss: features must be finite throughout"):
        feature_loss(torch.full((1, 1), torch.nan), torch.zeros(1, 1))
    with pytest.raises(UnknownNameError, match="Unknown feature loss 'cosin'"):
        feature_loss(torch.zeros(1, 1), torch.zeros(1, 1), kind="cosin")
