from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

import contrastive_oracle as oracle
import kdpl_oracle
from sightglass.distillation import soft_target_loss
from sightglass.distillation.losses.target import Target
from sightglass.errors import InputError, ShapeError

# A target with a 0 and unequal rows, and logits that are not near it.
TARGET = [[0.7, 0.2, 0.1], [0.0, 0.25, 0.75]]
LOGITS = [[1.0, -2.0, 0.5], [0.3, 2.0, 1.0]]


def double(rows: Any) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """A target, from flat to one-hot, and logits; sometimes more columns than rows."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 8)))
    sharpness = draw(st.sampled_from([0.0, 1.0, 20.0, 2000.0]))
    target = [kdpl_oracle.softmax(row) for row in rng.standard_normal(shape) * sharpness]
    logits = rng.standard_normal(shape) * draw(st.sampled_from([0.1, 3.0, 100.0]))
    return np.array(target), logits


@given(problems())
def test_the_value_agrees_with_plain_loops(problem: tuple[np.ndarray, np.ndarray]) -> None:
    target, logits = problem
    expected = oracle.soft_target_loss(target.tolist(), logits.tolist())
    found = float(soft_target_loss(torch.from_numpy(target), torch.from_numpy(logits)))
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-11)
    entropies = [oracle.entropy(row) for row in target.tolist()]
    with_entropy = soft_target_loss(
        torch.from_numpy(target), torch.from_numpy(logits), cross_entropy=True
    )
    assert float(with_entropy) == pytest.approx(
        expected + math.fsum(entropies) / len(target), rel=1e-9, abs=1e-11
    )


@given(problems())
def test_the_cross_entropy_agrees_with_torchs_own(problem: tuple[np.ndarray, np.ndarray]) -> None:
    target, logits = (torch.from_numpy(each) for each in problem)
    found = soft_target_loss(target, logits, cross_entropy=True)
    assert float(found) == pytest.approx(
        float(functional.cross_entropy(logits, target)), rel=1e-9, abs=1e-11
    )


@given(problems())
def test_the_gradient_is_softmax_minus_target_over_the_rows(
    problem: tuple[np.ndarray, np.ndarray],
) -> None:
    target, logits = (torch.from_numpy(each) for each in problem)
    expected = [
        [(q - t) / len(target) for q, t in zip(kdpl_oracle.softmax(z), row, strict=True)]
        for z, row in zip(logits.tolist(), target.tolist(), strict=True)
    ]
    for cross_entropy in (False, True):
        learned = logits.clone().requires_grad_()
        soft_target_loss(target, learned, cross_entropy=cross_entropy).backward()
        np.testing.assert_allclose(learned.grad, expected, atol=1e-12)


def test_the_gradient_is_that_of_central_differences() -> None:
    step, found = 1e-6, np.zeros((2, 3))
    for place in np.ndindex(2, 3):
        values = []
        for sign in (1, -1):
            moved = double(LOGITS)
            moved[place] += sign * step
            values.append(float(soft_target_loss(double(TARGET), moved)))
        found[place] = (values[0] - values[1]) / (2 * step)
    learned = double(LOGITS).requires_grad_()
    soft_target_loss(double(TARGET), learned).backward()
    np.testing.assert_allclose(learned.grad, found, atol=1e-9)


@given(problems())
def test_the_loss_and_its_gradient_are_0_where_the_student_answers_its_target(
    problem: tuple[np.ndarray, np.ndarray],
) -> None:
    logits = torch.from_numpy(problem[1])
    learned = logits.clone().requires_grad_()
    loss = soft_target_loss(logits.softmax(1), learned)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(learned.grad, 0, atol=1e-15)


@given(problems())
def test_the_loss_is_never_below_0(problem: tuple[np.ndarray, np.ndarray]) -> None:
    assert float(soft_target_loss(*(torch.from_numpy(each) for each in problem))) > -1e-12


def test_several_targets_are_summed_by_their_weights() -> None:
    other = [[0.1, 0.1, 0.8], [1.0, 0.0, 0.0]]
    parts = [oracle.soft_target_loss(each, LOGITS) for each in (TARGET, other)]
    targets = [Target.of(double(TARGET), 0.5), Target.of(double(other), weight=3.0)]
    found = float(soft_target_loss(targets, double(LOGITS)))
    assert found == pytest.approx(0.5 * parts[0] + 3 * parts[1], rel=1e-12)
    entropies = [sum(map(oracle.entropy, each)) / 2 for each in (TARGET, other)]
    with_entropy = float(soft_target_loss(targets, double(LOGITS), cross_entropy=True))
    assert with_entropy - found == pytest.approx(0.5 * entropies[0] + 3 * entropies[1], rel=1e-9)


def test_a_weight_of_0_leaves_a_target_out() -> None:
    both = [Target.of(double(TARGET)), Target.of(double(TARGET[::-1]), weight=0.0)]
    assert float(soft_target_loss(both, double(LOGITS))) == pytest.approx(
        oracle.soft_target_loss(TARGET, LOGITS), rel=1e-12
    )


def test_a_bare_matrix_is_a_target_of_weight_1_and_may_be_an_array() -> None:
    expected = pytest.approx(oracle.soft_target_loss(TARGET, LOGITS), rel=1e-12)
    assert float(soft_target_loss(double(TARGET), double(LOGITS))) == expected
    assert float(soft_target_loss(Target.of(double(TARGET)), double(LOGITS))) == expected
    assert float(soft_target_loss(np.array(TARGET), double(LOGITS))) == expected
    assert float(soft_target_loss(np.array(TARGET), np.array(LOGITS))) == expected


def test_pictures_may_be_compared_with_more_columns_than_rows() -> None:
    found = soft_target_loss(double([[0.5, 0.5, 0.0, 0.0]]), double([[0.0, 0.0, 0.0, 0.0]]))
    assert float(found) == pytest.approx(math.log(2), rel=1e-12)


def test_mistake_3_the_divergence_is_from_the_target_to_the_student() -> None:
    student = [kdpl_oracle.softmax(row) for row in LOGITS]
    log_target = [[math.log(max(entry, 1e-300)) for entry in row] for row in TARGET]
    swapped = oracle.soft_target_loss(student, log_target)
    found = float(soft_target_loss(double(TARGET), double(LOGITS)))
    assert found == pytest.approx(oracle.soft_target_loss(TARGET, LOGITS), rel=1e-12)
    assert abs(found - swapped) > 1


def test_mistake_3_the_sum_is_divided_by_the_rows_and_not_by_the_entries() -> None:
    per_entry = functional.kl_div(
        double(LOGITS).log_softmax(1), double(TARGET), reduction="none"
    ).mean()
    found = float(soft_target_loss(double(TARGET), double(LOGITS)))
    assert found == pytest.approx(3 * float(per_entry), rel=1e-12)


def test_mistake_3_logits_are_refused_as_a_target() -> None:
    with pytest.raises(InputError) as caught:
        soft_target_loss(double([[2.0, 1.0]]), double([[0.0, 0.0]]))
    assert str(caught.value) == (
        "Target: every row must be probabilities with sum 1, got 1.0 as the least entry and 3.0 as "
        "the sum in row 0. Logits go through a softmax first, and a plan is divided by the sums of "
        "its rows."
    )


def test_mistake_4_no_gradient_reaches_what_made_the_target() -> None:
    teacher, student = double(LOGITS).requires_grad_(), (double(LOGITS) * 2).requires_grad_()
    for target in (teacher.softmax(1), Target.of(teacher.softmax(1))):
        soft_target_loss(target, student).backward()
    assert teacher.grad is None
    # The same loss without the detachment has one.
    functional.kl_div(student.log_softmax(1), teacher.softmax(1), reduction="batchmean").backward()
    assert teacher.grad.abs().max() > 0.1


def test_mistake_9_a_plan_whose_rows_sum_to_1_over_n_is_refused() -> None:
    plan = double([[0.5, 0.0], [0.0, 0.5]])
    with pytest.raises(InputError, match=r"got 0.0 as the least entry and 0.5 as the sum in row 0"):
        soft_target_loss(plan, torch.zeros(2, 2))


def test_a_target_made_in_inference_mode_can_be_learned_from() -> None:
    with torch.inference_mode():
        rows = double(TARGET) * 1
        target = Target.of(double(TARGET) * 1)
    for each in (rows, target):
        learned = double(LOGITS).requires_grad_()
        soft_target_loss(each, learned).backward()
        assert learned.grad.abs().max() > 0.1


def test_the_target_stays_as_it_was() -> None:
    rows = double(TARGET)
    soft_target_loss(rows, double(LOGITS).requires_grad_()).backward()
    assert rows.tolist() == TARGET


@pytest.mark.parametrize(
    ("target", "student", "result"),
    [
        ("float64", "float64", "float64"),
        ("float64", "float32", "float64"),
        ("float32", "float32", "float32"),
        ("float32", "bfloat16", "float32"),
    ],
)
def test_the_loss_is_computed_in_the_wider_type_and_at_least_in_float32(
    target: str, student: str, result: str
) -> None:
    halves = [[0.5, 0.25, 0.25], [0.0, 0.25, 0.75]]  # exact in every one of the types
    logits = double([[1.0, -2.0, 0.5], [0.25, 2.0, 1.0]]).to(getattr(torch, student))
    learned = logits.requires_grad_()
    loss = soft_target_loss(double(halves).to(getattr(torch, target)), learned)
    assert loss.dtype == getattr(torch, result)
    expected = oracle.soft_target_loss(halves, logits.tolist())
    assert loss.item() == pytest.approx(expected, rel=1e-12 if result == "float64" else 1e-6)
    loss.backward()
    assert learned.grad.dtype == learned.dtype


def test_autocast_does_not_narrow_the_loss() -> None:
    target, logits = torch.tensor(TARGET), torch.tensor(LOGITS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = soft_target_loss(target, logits)
    assert inside.dtype == torch.float32
    assert inside == soft_target_loss(target, logits)


def test_logits_20000_apart_give_finite_values_and_gradients() -> None:
    learned = torch.tensor([[1e4, -1e4, 0.0]]).requires_grad_()
    loss = soft_target_loss(torch.tensor([[0.0, 0.0, 1.0]]), learned)
    loss.backward()
    assert loss.item() == pytest.approx(1e4)
    assert learned.grad.tolist() == [[1.0, 0.0, -1.0]]


def test_unequal_shapes_are_refused() -> None:
    with pytest.raises(ShapeError) as caught:
        soft_target_loss(torch.eye(3), torch.zeros(2, 3))
    assert str(caught.value) == (
        "soft_target_loss: target and logits need one shape, got (3, 3) and (2, 3)."
    )
    # A single row would broadcast to any number of pictures.
    with pytest.raises(ShapeError, match=r"got \(1, 3\) and \(2, 3\)"):
        soft_target_loss([Target.of(torch.eye(3)[:1])], torch.zeros(2, 3))


def test_logits_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="soft_target_loss: logits must be finite throughout, got"):
        soft_target_loss(torch.eye(2), torch.tensor([[0.0, torch.nan], [0.0, 0.0]]))
    with pytest.raises(ShapeError, match="soft_target_loss: logits needs two axes"):
        soft_target_loss(torch.eye(2), torch.zeros(2))


@pytest.mark.parametrize("nothing", [[], None, [torch.eye(2)], 3.0])
def test_something_that_is_no_target_is_refused(nothing: Any) -> None:
    with pytest.raises(InputError, match="target needs to be a Target, at least one of them, or"):
        soft_target_loss(nothing, torch.zeros(2, 2))


def test_a_target_has_a_weight_of_at_least_0_and_rows_that_sum_to_1() -> None:
    for weight in (-0.5, math.nan, math.inf):
        with pytest.raises(InputError, match="Target: weight must be a finite number of at least"):
            Target.of(torch.eye(2), weight)
    for rows in ([[1.5, -0.5]], [[0.5, 0.4999 - 1e-4]]):
        with pytest.raises(InputError, match="Target: every row must be probabilities with sum 1"):
            Target(probabilities=double(rows))
    with pytest.raises(InputError, match=r"got an array of str\d+. Give float32."):
        Target.of(np.array([["1.0"]]))
    with pytest.raises(ShapeError, match="Target: probabilities needs two axes"):
        Target.of(torch.ones(1))
    within = Target.of(double([[0.5, 0.5 + 5e-5]]))
    assert within.probabilities.requires_grad is False


def test_a_target_is_float32_unless_it_was_made_in_float64() -> None:
    types = {
        torch.bfloat16: torch.float32,
        torch.float32: torch.float32,
        torch.float64: torch.float64,
    }
    for given_type, kept in types.items():
        assert Target.of(torch.eye(2, dtype=given_type)).probabilities.dtype == kept
    assert Target.of(np.eye(2, dtype=np.int64)).probabilities.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_a_target_of_an_array_is_a_copy_of_it() -> None:
    rows = np.eye(2)
    target = Target.of(rows)
    rows[:] = 0.5
    assert target.probabilities.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    # Some arrays torch cannot take as they are: upside down, or locked.
    assert Target.of(np.eye(2)[::-1]).probabilities.tolist() == [[0.0, 1.0], [1.0, 0.0]]
    rows.flags.writeable = False
    assert Target.of(rows).probabilities.tolist() == [[0.5, 0.5], [0.5, 0.5]]
