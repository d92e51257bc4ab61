from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import kl_div

import kdpl_oracle
from sightglass.distillation import kdpl_loss
from sightglass.errors import InputError, ShapeError

# The worked example of the specification, to six digits.
TEACHER = [[2.0, 1.0, 0.0], [0.0, 0.0, 3.0]]
STUDENT = [[1.0, 1.0, 0.0], [0.5, 0.0, 1.0]]
LOSS = 0.294952
FORWARD, REVERSE = 0.250612, 0.339291
GRADIENT = [[-0.121722, 0.088986, 0.032736], [0.169877, 0.075291, -0.245168]]


def double(rows: Any) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def loss_of(teacher: Any, student: Any) -> float:
    return float(kdpl_loss(double(teacher), double(student)))


def gradient_of(teacher: Any, student: Any) -> np.ndarray:
    learned = double(student).requires_grad_()
    kdpl_loss(double(teacher), learned).backward()
    return learned.grad.numpy()


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Teacher and student logits, from nearly flat to nearly certain."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 9)))
    spread = draw(st.sampled_from([1e-3, 1.0, 10.0, 60.0]))
    return rng.standard_normal(shape) * spread, rng.standard_normal(shape) * spread


def test_the_worked_example_has_the_value_of_the_specification() -> None:
    assert loss_of(TEACHER, STUDENT) == pytest.approx(LOSS, abs=1e-6)


def test_the_worked_example_has_the_gradient_of_the_specification() -> None:
    gradient = gradient_of(TEACHER, STUDENT)
    np.testing.assert_allclose(gradient, GRADIENT, atol=1e-6)
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-15)


def test_the_gradient_of_the_worked_example_is_that_of_central_differences() -> None:
    step, found = 1e-5, np.zeros((2, 3))
    for place in np.ndindex(2, 3):
        above, below = np.array(STUDENT), np.array(STUDENT)
        above[place] += step
        below[place] -= step
        found[place] = (loss_of(TEACHER, above) - loss_of(TEACHER, below)) / (2 * step)
    np.testing.assert_allclose(gradient_of(TEACHER, STUDENT), found, atol=1e-9)


@given(pairs())
def test_value_and_gradient_agree_with_plain_loops(pair: tuple[np.ndarray, np.ndarray]) -> None:
    teacher, student = (each.tolist() for each in pair)
    assert loss_of(teacher, student) == pytest.approx(
        kdpl_oracle.kdpl_loss(teacher, student), rel=1e-9, abs=1e-15
    )
    np.testing.assert_allclose(
        gradient_of(teacher, student),
        kdpl_oracle.kdpl_gradient(teacher, student),
        rtol=1e-8,
        atol=1e-12,
    )


@given(pairs())
def test_the_value_agrees_with_torchs_own_divergences(pair: tuple[np.ndarray, np.ndarray]) -> None:
    teacher, student = (torch.from_numpy(each).log_softmax(1) for each in pair)
    forward = kl_div(student, teacher, log_target=True, reduction="batchmean")
    reverse = kl_div(teacher, student, log_target=True, reduction="batchmean")
    assert loss_of(*pair) == pytest.approx(float(forward + reverse) / 2, rel=1e-9, abs=1e-14)


@given(pairs(), st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
def test_the_loss_is_symmetric_and_never_below_0(
    pair: tuple[np.ndarray, np.ndarray], dtype: torch.dtype
) -> None:
    teacher, student = (torch.from_numpy(each).to(dtype) for each in pair)
    assert kdpl_loss(teacher, student) == kdpl_loss(student, teacher)
    assert kdpl_loss(teacher, student) >= 0


@given(pairs(), st.integers(0, 2**32 - 1))
def test_a_constant_added_to_a_row_changes_nothing(
    pair: tuple[np.ndarray, np.ndarray], seed: int
) -> None:
    teacher, student = pair
    shift = np.random.default_rng(seed).uniform(-50, 50, (len(student), 1))
    expected = pytest.approx(loss_of(teacher, student), rel=1e-9, abs=1e-12)
    assert loss_of(teacher, student + shift) == expected
    assert loss_of(teacher + shift, student) == expected
    assert loss_of(student, student + shift) == pytest.approx(0, abs=1e-20)


@given(pairs())
def test_the_loss_is_above_0_where_the_distributions_differ(
    pair: tuple[np.ndarray, np.ndarray],
) -> None:
    teacher, student = pair
    differ = np.ptp(teacher - student, axis=1).max() > 1e-6
    assert differ == (teacher.shape[1] > 1)
    assert (loss_of(teacher, student) > 0) == differ


def test_equal_logits_give_exactly_0_and_no_gradient() -> None:
    assert loss_of(TEACHER, TEACHER) == 0
    assert not gradient_of(TEACHER, TEACHER).any()


@given(pairs(), st.integers(0, 2**32 - 1))
def test_all_classes_in_another_order_give_the_same_loss(
    pair: tuple[np.ndarray, np.ndarray], seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(pair[0].shape[1])
    teacher, student = (each[:, order] for each in pair)
    assert loss_of(teacher, student) == pytest.approx(loss_of(*pair), rel=1e-12, abs=1e-15)


def test_the_worked_example_permuted_and_restricted_has_the_values_of_the_specification() -> None:
    teacher, student = double(TEACHER), double(STUDENT)
    order, two = torch.tensor([2, 0, 1]), torch.tensor([0, 1])
    assert float(kdpl_loss(teacher[:, order], student[:, order])) == pytest.approx(LOSS, abs=1e-6)
    assert float(kdpl_loss(teacher[:, two], student[:, two])) == pytest.approx(0.073072, abs=1e-6)


@given(pairs())
def test_pictures_count_equally(pair: tuple[np.ndarray, np.ndarray]) -> None:
    one_by_one = [loss_of(t[None], s[None]) for t, s in zip(*pair, strict=True)]
    assert loss_of(*pair) == pytest.approx(np.mean(one_by_one), rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("sign", [1, -1])
def test_logits_20000_apart_give_finite_values_and_gradients(dtype: torch.dtype, sign: int) -> None:
    teacher = torch.tensor([[1e4, -1e4, 0.0], [0.0, 0.0, 0.0]], dtype=dtype) * sign
    student = torch.tensor([[-1e4, 1e4, 0.0], [1e4, -1e4, 1e4]], dtype=dtype).requires_grad_()
    loss = kdpl_loss(teacher, student)
    loss.backward()
    expected = kdpl_oracle.kdpl_loss(teacher.tolist(), student.tolist())
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(
        student.grad.float(),
        kdpl_oracle.kdpl_gradient(teacher.tolist(), student.tolist()),
        rtol=5e-3 if dtype == torch.bfloat16 else 1e-6,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("teacher", "student", "result"),
    [
        ("float64", "float64", "float64"),
        ("float32", "float64", "float64"),
        ("float32", "float32", "float32"),
        ("bfloat16", "bfloat16", "float32"),
        ("float16", "float16", "float32"),
        ("float32", "bfloat16", "float32"),
    ],
)
def test_the_loss_is_computed_in_the_wider_type_and_at_least_in_float32(
    teacher: str, student: str, result: str
) -> None:
    logits = double(TEACHER).to(getattr(torch, teacher))
    learned = double(STUDENT).to(getattr(torch, student)).requires_grad_()
    loss = kdpl_loss(logits, learned)
    assert loss.dtype == getattr(torch, result)
    # The example's logits are exact in every one of the types; a softmax is not.
    digits = 1e-12 if result == "float64" else 1e-6
    assert loss.item() == pytest.approx(kdpl_oracle.kdpl_loss(TEACHER, STUDENT), rel=digits)
    loss.backward()
    assert learned.grad.dtype == learned.dtype


def test_autocast_does_not_narrow_the_loss() -> None:
    teacher, student = torch.tensor(TEACHER), torch.tensor(STUDENT)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = kdpl_loss(teacher, student)
    assert inside.dtype == torch.float32
    assert inside == kdpl_loss(teacher, student)


def test_a_teacher_computed_in_inference_mode_can_be_learned_from() -> None:
    with torch.inference_mode():
        teacher = double(TEACHER) * 1
    learned = double(STUDENT).requires_grad_()
    kdpl_loss(teacher, learned).backward()
    np.testing.assert_allclose(learned.grad, GRADIENT, atol=1e-6)


def test_mistake_1_swapped_arguments_or_a_forgotten_log_target_give_another_value() -> None:
    log_t, log_s = double(TEACHER).log_softmax(1), double(STUDENT).log_softmax(1)

    def mean(first: torch.Tensor, second: torch.Tensor, *, log_target: bool) -> float:
        return float(kl_div(first, second, log_target=log_target, reduction="batchmean"))

    # Which of the two directions is which: kl_div(input, target) is KL(target || input).
    assert mean(log_s, log_t, log_target=True) == pytest.approx(FORWARD, abs=1e-6)
    assert mean(log_t, log_s, log_target=True) == pytest.approx(REVERSE, abs=1e-6)
    forgotten = (mean(log_s, log_t.exp(), log_target=True) + REVERSE) / 2
    input_not_log = (mean(log_s.exp(), log_t.exp(), log_target=False) + REVERSE) / 2
    for wrong in (FORWARD, REVERSE, forgotten, input_not_log):
        assert abs(loss_of(TEACHER, STUDENT) - wrong) > 0.04


def test_mistake_2_the_sum_is_divided_by_the_pictures_and_not_by_the_logits() -> None:
    per_logit = kdpl_oracle.kdpl_loss(TEACHER, STUDENT) / 3
    assert per_logit == pytest.approx(0.098317, abs=1e-6)
    assert loss_of(TEACHER, STUDENT) == pytest.approx(3 * per_logit, rel=1e-12)


def test_mistake_3_no_gradient_reaches_the_teacher() -> None:
    teacher, student = double(TEACHER).requires_grad_(), double(STUDENT).requires_grad_()
    loss = kdpl_loss(teacher, student)
    loss.backward()
    assert teacher.grad is None
    # The same loss without the detachment has one.
    log_t, log_s = teacher.log_softmax(1), student.log_softmax(1)
    leaking = ((log_t.exp() - log_s.exp()) * (log_t - log_s)).sum() / 4
    assert leaking.item() == pytest.approx(loss.item())
    leaking.backward()
    assert teacher.grad.abs().max() > 0.1


def test_a_teacher_without_gradient_is_left_as_it_was() -> None:
    teacher, student = double(TEACHER), double(STUDENT).requires_grad_()
    kdpl_loss(teacher, student).backward()
    assert teacher.tolist() == TEACHER
    assert student.tolist() == STUDENT


@pytest.mark.parametrize("which", ["teacher_logits", "student_logits"])
@pytest.mark.parametrize("shape", [(3,), (2, 1, 3), (0, 3), (2, 0), ()])
def test_logits_without_two_axes_or_rows_or_classes_are_refused(
    which: str, shape: tuple[int, ...]
) -> None:
    with pytest.raises(ShapeError) as caught:
        kdpl_loss(
            **{"teacher_logits": double(TEACHER), "student_logits": double(STUDENT)}
            | {which: torch.zeros(shape)}
        )
    assert str(caught.value) == (
        f"kdpl_loss: {which} needs two axes, both at least 1 long, got shape {shape}."
    )


def test_unequal_shapes_are_refused() -> None:
    with pytest.raises(ShapeError) as caught:
        kdpl_loss(torch.zeros(2, 3), torch.zeros(2, 4))
    assert str(caught.value) == (
        "kdpl_loss: teacher_logits and student_logits need one shape, got (2, 3) and (2, 4)."
    )
    # A single row would broadcast to any number of pictures.
    with pytest.raises(ShapeError, match=r"got \(1, 3\) and \(2, 3\)"):
        kdpl_loss(torch.zeros(1, 3), torch.zeros(2, 3))


def test_a_teacher_of_minus_infinity_is_told_of_the_floor() -> None:
    teacher = torch.tensor([[0.0, 1.0], [0.0, -torch.inf]])
    with pytest.raises(InputError) as caught:
        kdpl_loss(teacher, torch.zeros(2, 2))
    assert str(caught.value) == (
        "kdpl_loss: teacher_logits must be finite throughout, got -inf in row 1, column 1. "
        "Make logits of probabilities with floored_logits."
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_student_that_has_diverged_is_refused(value: float) -> None:
    with pytest.raises(InputError) as caught:
        kdpl_loss(torch.zeros(1, 2), torch.tensor([[value, 0.0]]))
    assert str(caught.value) == (
        f"kdpl_loss: student_logits must be finite throughout, got {value} in row 0, column 0. "
        "Training may have diverged: try a smaller learning rate."
    )


def test_an_array_is_told_how_to_become_a_tensor() -> None:
    with pytest.raises(InputError) as caught:
        kdpl_loss(np.zeros((1, 2)), torch.zeros(1, 2))
    assert str(caught.value) == (
        "kdpl_loss: teacher_logits needs to be a torch tensor, got ndarray. "
        "torch.from_numpy makes one of an array."
    )
