from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import kdpl_oracle
from sightglass.distillation import kdpl_loss
from sightglass.distillation.losses import kdpl_loss as kdpl
from sightglass.distillation.losses.kdpl_loss import floored_logits
from sightglass.errors import InputError, ShapeError


@st.composite
def distributions(draw: st.DrawFn) -> np.ndarray:
    """Rows that sum to 1, some entries of which underflow."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.tuples(st.integers(1, 5), st.integers(2, 40)))
    logits = rng.standard_normal(shape) * draw(st.sampled_from([0.1, 5.0, 2000.0]))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_a_certain_row_by_hand() -> None:
    # Three classes at a floor of 0.1: 0.7 of what was there, and 0.1 for each.
    logits = floored_logits(np.array([[1.0, 0.0, 0.0], [0.5, 0.25, 0.25]]), floor=0.1)
    expected = [[0.8, 0.1, 0.1], [0.45, 0.275, 0.275]]
    np.testing.assert_allclose(np.exp(logits), expected, rtol=1e-6)
    assert logits.dtype == np.float32


@given(distributions(), st.sampled_from([1e-6, 1e-3, 0.02]), st.sampled_from(["f4", "f8"]))
def test_rows_sum_to_1_and_no_entry_is_below_the_floor_or_far_from_what_it_was(
    given_rows: np.ndarray, floor: float, dtype: str
) -> None:
    rows = given_rows.astype(dtype)
    logits = floored_logits(rows, floor=floor)
    assert np.isfinite(logits).all()
    powers = np.exp(logits.astype(np.float64))
    # A float32 logarithm of at most 14 is right to 5e-7, and so is its power.
    np.testing.assert_allclose(powers.sum(axis=1), 1, atol=2e-6)
    assert powers.min() >= floor * (1 - 2e-6)
    assert np.abs(powers - rows).max() <= floor * rows.shape[1] + 2e-6


@given(distributions())
def test_the_order_of_classes_stays(rows: np.ndarray) -> None:
    logits = floored_logits(rows)
    for row, probabilities in zip(logits, rows, strict=True):
        assert (np.diff(row[np.argsort(probabilities, kind="stable")]) >= 0).all()


def test_the_softmax_of_the_logits_gives_the_probabilities_back() -> None:
    rows = np.array([[0.7, 0.2, 0.1]])
    np.testing.assert_allclose(kdpl_oracle.softmax(floored_logits(rows)[0]), rows[0], atol=3e-6)


def test_a_teacher_that_rules_classes_out_can_be_learned_from_once_it_is_floored() -> None:
    certain = np.array([[1.0, 0.0], [0.0, 1.0]])
    student = torch.zeros(2, 2).requires_grad_()
    with pytest.raises(InputError, match="floored_logits"), np.errstate(divide="ignore"):
        kdpl_loss(torch.from_numpy(np.log(certain)), student)
    loss = kdpl_loss(torch.from_numpy(floored_logits(certain)), student)
    loss.backward()
    # Half of ln 2, and half of (ln 1/2 + ln 1/2e6) / -2; the rest is of the order of the floor.
    expected = 0.5 * math.log(2) + 0.5 * (-math.log(2) - 0.5 * math.log(1e-6))
    assert loss.item() == pytest.approx(expected, abs=1e-4)
    assert torch.isfinite(student.grad).all()


def test_raising_the_small_entries_and_dividing_instead_would_go_below_the_floor() -> None:
    row, floor = np.array([[1.0, 0.0, 0.0]]), 0.1
    raised = np.maximum(row, floor)
    assert (raised / raised.sum()).min() < floor - 0.01
    assert np.exp(floored_logits(row, floor=floor)).min() == pytest.approx(floor)


def test_a_row_of_zeros_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        floored_logits(np.array([[0.5, 0.5], [0.0, 0.0], [0.0, 0.0]]))
    assert str(caught.value) == (
        "floored_logits: every picture needs probabilities, got only zeros in 2 of 3 rows, the "
        "first in row 1. No alignment judged those pictures: leave them out."
    )


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ([0.5, 0.6], r"0\.5 as the least entry and 1\.1 as the sum in row 1"),
        ([-0.5, 1.5], r"-0\.5 as the least entry and 1\.0 as the sum in row 1"),
        ([np.nan, 1.0], "nan as the least entry and nan as the sum in row 1"),
        ([np.inf, 0.0], r"0\.0 as the least entry and inf as the sum in row 1"),
    ],
)
def test_rows_that_are_no_distributions_are_refused(row: list[float], what: str) -> None:
    with pytest.raises(InputError, match=what):
        floored_logits(np.array([[1.0, 0.0], row]))


@pytest.mark.parametrize("floor", [0.0, -1e-6, 0.25, 1.0, float("nan"), float("inf")])
def test_a_floor_that_leaves_nothing_to_say_is_refused(floor: float) -> None:
    with pytest.raises(InputError) as caught:
        floored_logits(np.full((1, 4), 0.25), floor=floor)
    assert str(caught.value) == (
        f"floored_logits: floor must be above 0 and below 1 / 4 for 4 classes, got {floor}."
    )


@given(distributions(), st.sampled_from([1, 7, 40, 100]), st.sampled_from("CF"))
def test_in_blocks_every_bit_is_that_of_the_whole_table(
    rows: np.ndarray, block: int, order: str
) -> None:
    wide = np.array(np.concatenate([rows] * 4), order=order)
    whole = (1 - wide.shape[1] * 1e-6) * (wide / wide.sum(axis=1, keepdims=True)) + 1e-6
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kdpl, "_BLOCK", block)
        found = floored_logits(wide)
    assert found.tobytes() == np.log(whole).astype(np.float32).tobytes()


def test_mistakes_are_counted_and_placed_over_all_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kdpl, "_BLOCK", 4)
    rows = np.full((9, 2), 0.5)
    rows[5], rows[7] = (0.25, 0.5), (0.5, 0.75)
    with pytest.raises(InputError, match=r"got 0\.25 as the least entry and 0\.75 as .* in row 5"):
        floored_logits(rows)
    rows[[3, 4, 8]] = 0
    with pytest.raises(InputError, match="only zeros in 3 of 9 rows, the first in row 3"):
        floored_logits(rows)


def test_probabilities_without_two_axes_are_refused() -> None:
    with pytest.raises(ShapeError, match="floored_logits: probabilities needs two axes"):
        floored_logits(np.array([0.5, 0.5]))


def test_no_classes_are_refused() -> None:
    with pytest.raises(ShapeError, match="at least one class"):
        floored_logits(np.empty((2, 0)))


def test_the_probabilities_are_left_alone_and_no_pictures_give_no_rows() -> None:
    rows = np.array([[1.0, 0.0]])
    floored_logits(rows)
    assert rows.tolist() == [[1.0, 0.0]]
    assert floored_logits(np.empty((0, 3))).shape == (0, 3)
