from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import kdpl_oracle
from sightglass.distillation import kdpl_loss, select_classes
from sightglass.errors import InputError, ShapeError

# The worked example of the specification. Mean logits 5, 7.55, 3, 5.45, 4.9.
TEACHER = torch.tensor([[10.0, 9.5, 0.0, 5.0, 9.8], [0.0, 5.6, 6.0, 5.9, 0.0]], dtype=torch.float64)
MEAN_PROBABILITY = [0.206069, 0.254597, 0.193799, 0.176734, 0.168802]


@st.composite
def batches(draw: st.DrawFn) -> tuple[torch.Tensor, int, np.random.Generator]:
    """A teacher's logits, how many classes to keep, and a generator for what the test shuffles."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, v = draw(st.integers(1, 6)), draw(st.integers(1, 30))
    logits = rng.standard_normal((n, v)) * draw(st.sampled_from([0.5, 5.0, 30.0]))
    return torch.from_numpy(logits), draw(st.integers(1, v)), rng


def test_the_worked_example_selects_the_classes_of_the_specification() -> None:
    np.testing.assert_allclose(
        kdpl_oracle.mean_probabilities(TEACHER.tolist()), MEAN_PROBABILITY, atol=1e-6
    )
    assert select_classes(TEACHER, 2).tolist() == [0, 1]
    assert select_classes(TEACHER, 3).tolist() == [0, 1, 2]


def test_what_is_left_of_the_worked_example_renormalises_to_the_specified_values() -> None:
    kept = TEACHER[:, select_classes(TEACHER, 2)].softmax(dim=1)
    np.testing.assert_allclose(kept, [[0.622459, 0.377541], [0.003684, 0.996316]], atol=1e-6)


@given(batches())
def test_the_selection_agrees_with_plain_loops(
    batch: tuple[torch.Tensor, int, np.random.Generator],
) -> None:
    logits, k, _ = batch
    assert select_classes(logits, k).tolist() == kdpl_oracle.selected(logits.tolist(), k)


@given(batches())
def test_the_order_of_the_pictures_does_not_matter(
    batch: tuple[torch.Tensor, int, np.random.Generator],
) -> None:
    logits, k, rng = batch
    shuffled = logits[torch.from_numpy(rng.permutation(len(logits)))]
    assert torch.equal(select_classes(shuffled, k), select_classes(logits, k))


@given(batches())
def test_all_classes_are_selected_as_they_stand_so_that_the_loss_is_the_same_bits(
    batch: tuple[torch.Tensor, int, np.random.Generator],
) -> None:
    teacher, _, rng = batch
    student = torch.from_numpy(rng.standard_normal(teacher.shape))
    kept = select_classes(teacher, teacher.shape[1])
    assert kept.tolist() == list(range(teacher.shape[1]))
    assert kdpl_loss(teacher[:, kept], student[:, kept]) == kdpl_loss(teacher, student)


def test_among_equals_the_lower_index_wins() -> None:
    assert select_classes(torch.zeros(3, 1000), 4).tolist() == [0, 1, 2, 3]
    tied = torch.tensor([[1.0, 2.0, 1.0, 2.0, 1.0]])
    assert select_classes(tied, 3).tolist() == [0, 1, 3]
    # Equal only in the mean: 0 and 1 exchange their logits between the pictures.
    exchanged = torch.tensor([[0.0, 3.0, -9.0], [3.0, 0.0, -9.0]])
    assert select_classes(exchanged, 1).tolist() == [0]


def test_the_answer_is_indices_on_the_device_of_the_logits_without_a_gradient() -> None:
    kept = select_classes(TEACHER.clone().requires_grad_(), 2)
    assert (kept.dtype, kept.device, kept.requires_grad) == (torch.int64, TEACHER.device, False)


def test_half_precision_logits_are_averaged_in_float32() -> None:
    # One class is likelier by 2 in 1000: a bf16 probability, of 8 binary digits, does not show it.
    logits = torch.zeros(30, 1000, dtype=torch.bfloat16)
    logits[:, 700] = 0.002
    narrow = logits.softmax(dim=1).mean(dim=0)
    assert (narrow == narrow[700]).all()
    assert select_classes(logits, 1).tolist() == [700]


def test_mistake_5_neither_mean_logits_nor_single_pictures_nor_the_student_nor_labels_select() -> (
    None
):
    ours = select_classes(TEACHER, 2).tolist()
    student = torch.tensor([[0.0, 0.0, 9.0, 0.0, 0.0], [0.0, 0.0, 0.0, 9.0, 0.0]])
    by_mean_logit = TEACHER.mean(dim=0).topk(2).indices
    by_picture = TEACHER.argmax(dim=1)
    by_student = student.softmax(dim=1).mean(dim=0).topk(2).indices
    assert sorted(by_mean_logit.tolist()) == [1, 3] != ours
    assert sorted(by_picture.tolist()) == [0, 2] != ours
    assert sorted(by_student.tolist()) == [2, 3] != ours
    assert [select_classes(row[None], 1).item() for row in TEACHER] == [0, 2]
    # There is no way to hand over a label, a name, or the student.
    assert list(inspect.signature(select_classes).parameters) == ["teacher_logits", "k"]


def test_mistake_6_other_columns_of_the_student_or_no_renormalisation_give_another_loss() -> None:
    teacher = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.0, 3.0]], dtype=torch.float64)
    student = torch.tensor([[1.0, 1.0, 0.0], [0.5, 0.0, 1.0]], dtype=torch.float64)
    kept = select_classes(teacher, 2)
    assert kept.tolist() == [0, 2]  # ascending: there is one order only to take the columns in
    right = kdpl_loss(teacher[:, kept], student[:, kept]).item()
    # By hand: the odds are 2 and -3 nats for the teacher, 1 and -1/2 for the student.
    odds = [(2.0, 1.0), (-3.0, -0.5)]
    first = [(1 / (1 + math.exp(-t)), 1 / (1 + math.exp(-s))) for t, s in odds]
    by_hand = [(p - q) * (t - s) for (p, q), (t, s) in zip(first, odds, strict=True)]
    assert right == pytest.approx(math.fsum(by_hand) / 4, rel=1e-12)
    other_order = kdpl_loss(teacher[:, kept], student[:, kept.flip(0)]).item()
    assert other_order > right + 0.3
    log_t, log_s = teacher.log_softmax(1)[:, kept], student.log_softmax(1)[:, kept]
    not_renormalised = ((log_t.exp() - log_s.exp()) * (log_t - log_s)).sum().item() / 4
    assert abs(not_renormalised - right) > 0.02


@pytest.mark.parametrize("k", [0, -1, 2.5, "2"])
def test_k_must_be_a_whole_number_of_at_least_1(k: object) -> None:
    with pytest.raises(InputError) as caught:
        select_classes(TEACHER, k)
    assert str(caught.value) == (
        f"select_classes: k must be a whole number of at least 1, got {k}."
    )


def test_more_classes_than_there_are_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        select_classes(TEACHER, 6)
    assert str(caught.value) == (
        "select_classes: k can be at most the number of classes, got 6 of 5. "
        "Take a smaller k or a larger vocabulary."
    )


def test_logits_that_are_no_matrix_of_finite_numbers_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"select_classes: teacher_logits needs two axes"):
        select_classes(torch.zeros(3), 1)
    with pytest.raises(InputError, match="got nan in row 0, column 1"):
        select_classes(torch.tensor([[0.0, torch.nan]]), 1)
