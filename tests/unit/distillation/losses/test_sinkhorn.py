from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import contrastive_oracle as oracle
import kdpl_oracle
from sightglass.distillation import sinkhorn_targets, soft_target_loss
from sightglass.errors import InputError, ShapeError

# The worked example of the specification: cosines of pictures with captions, pictures, captions.
IMAGE_TEXT = [[0.32, 0.28, 0.20], [0.25, 0.30, 0.27], [0.10, 0.22, 0.26]]
IMAGE_IMAGE = [[1.0, 0.5, 0.4], [0.5, 1.0, 0.6], [0.4, 0.6, 1.0]]
TEXT_TEXT = [[1.0, 0.6, 0.3], [0.6, 1.0, 0.5], [0.3, 0.5, 1.0]]
ALL_THREE = oracle.summed(IMAGE_TEXT, IMAGE_IMAGE, TEXT_TEXT)
KEPT = [
    [0.998029, 0.001893, 0.000077],
    [0.001771, 0.996209, 0.002020],
    [0.000059, 0.001896, 0.998045],
]
REMOVED = [[0, 0.495348, 0.504652], [0.510964, 0, 0.489036], [0.482292, 0.517708, 0]]
FOUR = [[0, 0.9, 0.2, 0.1], [0.8, 0, 0.3, 0.2], [0.1, 0.4, 0, 0.7], [0.3, 0.2, 0.6, 0]]
FOUR_REMOVED = [
    [0, 0.968191, 0.021161, 0.010648],
    [0.916891, 0, 0.055288, 0.027820],
    [0.010328, 0.055500, 0, 0.934171],
    [0.072134, 0.026933, 0.900933, 0],
]


def plan(similarities: Any, **options: Any) -> np.ndarray:
    return sinkhorn_targets(torch.tensor(similarities, dtype=torch.float64), **options).numpy()


@st.composite
def batches(draw: st.DrawFn) -> np.ndarray:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(2, 7))
    return rng.uniform(-1, 1, (n, n)) * draw(st.sampled_from([0.0, 0.3, 1.0, 3.0]))


def test_the_worked_examples_have_the_values_of_the_specification() -> None:
    np.testing.assert_allclose(plan(ALL_THREE, remove_diagonal=False), KEPT, atol=1e-6)
    np.testing.assert_allclose(plan(ALL_THREE), REMOVED, atol=1e-6)
    four = plan(FOUR)
    np.testing.assert_allclose(four, FOUR_REMOVED, atol=1e-6)
    columns = (0.999354, 1.050624, 0.977383, 0.972640)
    np.testing.assert_allclose(four.sum(axis=0), columns, atol=2e-6)


def test_the_worked_example_in_float32_and_as_an_array() -> None:
    found = sinkhorn_targets(np.array(FOUR, dtype=np.float32))
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, FOUR_REMOVED, atol=1e-5)


@given(batches(), st.booleans(), st.integers(1, 6), st.sampled_from([0.05, 0.15, 1.0]))
def test_the_logarithms_agree_with_the_published_exponentials(
    similarities: np.ndarray, removed: bool, iterations: int, regularisation: float
) -> None:
    expected = oracle.naive_sinkhorn(
        similarities.tolist(),
        regularisation=regularisation,
        iterations=iterations,
        without_diagonal=removed,
    )
    found = plan(
        similarities,
        regularisation=regularisation,
        iterations=iterations,
        remove_diagonal=removed,
    )
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)


@given(batches(), st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
def test_rows_sum_to_1(similarities: np.ndarray, dtype: torch.dtype) -> None:
    found = sinkhorn_targets(torch.from_numpy(similarities).to(dtype))
    np.testing.assert_allclose(found.sum(dim=1), 1, atol=1e-6)
    assert (found >= 0).all()
    assert not found.diagonal().any()


@given(batches(), st.integers(0, 2**32 - 1))
def test_rows_and_columns_may_be_numbered_otherwise(similarities: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = (rng.permutation(len(similarities)) for _ in range(2))
    kept = plan(similarities, remove_diagonal=False)
    moved = plan(similarities[rows][:, columns], remove_diagonal=False)
    np.testing.assert_allclose(moved, kept[rows][:, columns], rtol=1e-9, atol=1e-15)
    # With the diagonal removed the pairs move as pairs.
    together = plan(similarities[rows][:, rows])
    np.testing.assert_allclose(together, plan(similarities)[rows][:, rows], rtol=1e-9, atol=1e-15)


@given(batches(), st.integers(0, 2**32 - 1), st.booleans())
def test_a_constant_added_to_a_row_changes_nothing(
    similarities: np.ndarray, seed: int, removed: bool
) -> None:
    shift = np.random.default_rng(seed).uniform(-2, 2, (len(similarities), 1))
    np.testing.assert_allclose(
        plan(similarities + shift, remove_diagonal=removed),
        plan(similarities, remove_diagonal=removed),
        rtol=1e-9,
        atol=1e-14,
    )


def test_a_constant_added_to_a_column_changes_nothing_in_the_end() -> None:
    shifted = np.array(FOUR) + np.array([0.0, 0.4, -0.3, 0.1])
    np.testing.assert_allclose(
        plan(shifted, iterations=500), plan(FOUR, iterations=500), atol=1e-10
    )
    assert np.abs(plan(shifted, iterations=1) - plan(FOUR, iterations=1)).max() > 1e-4


@given(st.integers(2, 9), st.floats(-5, 5))
def test_equal_similarities_give_an_even_plan(n: int, value: float) -> None:
    even = np.full((n, n), value)
    np.testing.assert_allclose(plan(even, remove_diagonal=False), 1 / n, rtol=1e-9)
    others = (1 - np.eye(n)) / (n - 1)
    np.testing.assert_allclose(plan(even), others, rtol=1e-9)


def test_more_iterations_bring_the_columns_nearer_to_1() -> None:
    off = [np.abs(plan(FOUR, iterations=k).sum(axis=0) - 1).max() for k in (1, 5, 500)]
    # By the specification 0.050624 after five.
    assert off[1] == pytest.approx(0.050624, abs=1e-6)
    assert off[0] > off[1] > 1e6 * off[2]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_regularisation_of_a_hundredth_does_not_overflow(dtype: torch.dtype) -> None:
    batch = torch.tensor(ALL_THREE, dtype=dtype)
    with pytest.raises(OverflowError):  # the published exponentials do, here already in float64
        oracle.naive_sinkhorn(
            oracle.times(ALL_THREE, 4), regularisation=0.01, iterations=5, without_diagonal=False
        )
    for removed in (True, False):
        found = sinkhorn_targets(4 * batch, regularisation=0.01, remove_diagonal=removed)
        assert found.isfinite().all()
        np.testing.assert_allclose(found.sum(dim=1), 1, atol=1e-6)
    # In the limit the kept plan is the assignment with the greatest sum: the diagonal.
    np.testing.assert_allclose(found, np.eye(3), atol=1e-6)


def test_mistake_8_a_single_pair_has_no_plan_without_its_diagonal() -> None:
    with pytest.raises(InputError) as caught:
        sinkhorn_targets(torch.zeros(1, 1))
    assert str(caught.value) == (
        "sinkhorn_targets: remove_diagonal needs at least 2 pairs, got 1: nothing would be left of "
        "its only row. Give a larger batch, or keep the diagonal."
    )
    assert sinkhorn_targets(torch.zeros(1, 1), remove_diagonal=False).tolist() == [[1.0]]


@given(st.integers(0, 2**32 - 1))
def test_mistake_8_two_pairs_are_swapped_whatever_they_are(seed: int) -> None:
    batch = np.random.default_rng(seed).uniform(-3, 3, (2, 2))
    assert plan(batch).tolist() == [[0.0, 1.0], [1.0, 0.0]]


@given(st.integers(2, 6), st.integers(0, 2**32 - 1), st.sampled_from([0.01, 0.15]))
def test_mistake_8_duplicates_in_the_batch_are_each_others_and_give_no_nan(
    n: int, seed: int, regularisation: float
) -> None:
    # Pictures and captions 0 and 1 are the same; every other is its own.
    rng = np.random.default_rng(seed)
    rows = (rng.standard_normal((n, 8)) for _ in range(2))
    unit = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in rows)
    images, texts = (np.concatenate([each[:1], each]) for each in unit)
    batch = torch.tensor(images @ images.T + texts @ texts.T + images @ texts.T)
    found = sinkhorn_targets(batch.float(), regularisation=regularisation)
    assert found.isfinite().all()
    np.testing.assert_allclose(found.sum(dim=1), 1, atol=1e-6)
    exchanged = found[[1, 0, *range(2, n + 1)]][:, [1, 0, *range(2, n + 1)]]
    np.testing.assert_allclose(exchanged, found, atol=1e-4)


def test_mistake_8_a_batch_of_one_picture_repeated_is_spread_over_the_others() -> None:
    found = plan(np.full((4, 4), 3.0), regularisation=0.01)
    np.testing.assert_allclose(found, (1 - np.eye(4)) / 3, rtol=1e-9)


def test_mistake_9_the_rows_of_the_target_sum_to_1_and_not_to_1_over_n() -> None:
    target = plan(FOUR)
    np.testing.assert_allclose(target.sum(axis=1), 1, rtol=1e-12)
    logits = torch.zeros(4, 4, dtype=torch.float64)
    loss = float(soft_target_loss(torch.from_numpy(target), logits))
    # Against an even student: ln 4 less the entropy of the target.
    entropies = [oracle.entropy(row) for row in target.tolist()]
    assert loss == pytest.approx(math.log(4) - math.fsum(entropies) / 4, rel=1e-9)
    with pytest.raises(InputError, match=r"and 0\.25\d* as the sum in row 0"):
        soft_target_loss(torch.from_numpy(target / 4), logits)


def test_mistake_10_the_plan_is_divided_by_its_row_sums_and_not_put_through_a_softmax() -> None:
    softened = [kdpl_oracle.softmax(row) for row in FOUR_REMOVED]
    found = plan(FOUR)
    np.testing.assert_allclose(found, FOUR_REMOVED, atol=1e-6)
    # A softmax of numbers from 0 to 1 is nearly even, and finds something on the diagonal.
    assert np.abs(found - softened).max() > 0.4
    assert min(row[i] for i, row in enumerate(softened)) > 0.1


def test_the_plan_has_no_gradient() -> None:
    learned = torch.tensor(FOUR).requires_grad_()
    assert sinkhorn_targets(learned).requires_grad is False
    with torch.inference_mode():
        batch = torch.tensor(FOUR) * 1
    np.testing.assert_allclose(sinkhorn_targets(batch), FOUR_REMOVED, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"regularisation": 0.0}, "regularisation must be a finite number above 0, got 0.0."),
        ({"regularisation": -0.1}, "regularisation must be a finite number above 0, got -0.1."),
        ({"regularisation": math.nan}, "regularisation must be a finite number above 0, got nan."),
        ({"iterations": 0}, "iterations must be a whole number of at least 1, got 0."),
        ({"iterations": 2.5}, "iterations must be a whole number of at least 1, got 2.5."),
        (
            {"regularisation": 1e-39},
            "regularisation must be large enough for similarities / regularisation to be a "
            "float32, got 1e-39. Try 0.01.",
        ),
    ],
)
def test_a_number_out_of_range_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        sinkhorn_targets(torch.tensor(FOUR), **options)
    assert str(caught.value) == f"sinkhorn_targets: {message}"


def test_similarities_that_are_not_a_finite_square_are_refused() -> None:
    with pytest.raises(ShapeError, match="similarities needs as many columns as rows, one for"):
        sinkhorn_targets(torch.zeros(2, 3))
    with pytest.raises(ShapeError, match="sinkhorn_targets: similarities needs two axes"):
        sinkhorn_targets(np.zeros(3))
    with pytest.raises(InputError, match="sinkhorn_targets: similarities must be finite"):
        sinkhorn_targets(np.full((2, 2), np.nan))
