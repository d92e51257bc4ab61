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
from sightglass.distillation import info_nce_loss, soft_target_loss
from sightglass.distillation.losses.hard_targets import hard_target
from sightglass.distillation.losses.target import Target
from sightglass.encoders.towers.learned_scale import LearnedScale
from sightglass.errors import InputError, ShapeError

# The worked example of the specification, to six digits.
COSINES = [[0.32, 0.28, 0.20], [0.25, 0.30, 0.27], [0.10, 0.22, 0.26]]
AT_THE_BEGINNING = (0.177877, 0.450380)  # exp(3.9), picture to caption and back
AT_10 = (0.719737, 0.756532)


def double(rows: Any) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def loss_of(similarities: Any, scale: float, **options: float) -> float:
    return float(info_nce_loss(double(similarities), logit_scale=scale, **options))


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[list[float]], float, float]:
    """Cosines, a scale, and a smoothing."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(2, 6))
    scale = draw(st.sampled_from([1.0, 49.4, 100.0]))
    return rng.uniform(-1, 1, (n, n)).tolist(), scale, draw(st.sampled_from([0.0, 0.1, 0.9]))


def test_the_worked_example_has_the_values_of_the_specification() -> None:
    for scale, expected in ((math.exp(3.9), AT_THE_BEGINNING), (10.0, AT_10)):
        assert loss_of(COSINES, scale) == pytest.approx(sum(expected), abs=1e-6)
    assert loss_of(COSINES, math.exp(3.9)) == pytest.approx(0.628257, abs=1e-6)


def test_the_smoothed_example_has_the_values_of_the_specification() -> None:
    target, logits = hard_target(3, smoothing=0.1, like=double(0.0)), 10 * double(COSINES)
    assert float(soft_target_loss(target, logits)) == pytest.approx(0.398673, abs=1e-6)
    entropy = soft_target_loss(target, logits, cross_entropy=True)
    assert float(entropy) == pytest.approx(0.793071, abs=1e-6)
    back = oracle.one_direction(oracle.transposed(COSINES), 10.0, 0.1)
    assert loss_of(COSINES, 10.0, smoothing=0.1) == pytest.approx(0.793071 + back, abs=1e-6)


@given(batches())
def test_the_value_agrees_with_plain_loops(batch: tuple[list[list[float]], float, float]) -> None:
    similarities, scale, smoothing = batch
    assert loss_of(similarities, scale, smoothing=smoothing) == pytest.approx(
        oracle.info_nce_loss(similarities, scale, smoothing), rel=1e-9, abs=1e-12
    )


@given(batches())
def test_the_value_agrees_with_torchs_own_cross_entropy(
    batch: tuple[list[list[float]], float, float],
) -> None:
    similarities, scale, _ = batch
    logits, own = scale * double(similarities), torch.arange(len(similarities))
    expected = functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)
    assert loss_of(similarities, scale) == pytest.approx(float(expected), rel=1e-9, abs=1e-12)


@given(st.integers(1, 9), st.floats(-1, 1), st.sampled_from([1.0, 100.0]))
def test_equal_similarities_give_the_logarithm_of_the_pairs_in_each_direction(
    n: int, cosine: float, scale: float
) -> None:
    equal = np.full((n, n), cosine)
    assert loss_of(equal, scale) == pytest.approx(2 * math.log(n), rel=1e-12, abs=1e-15)


@given(batches(), st.integers(0, 2**32 - 1))
def test_the_order_of_the_pairs_does_not_matter(
    batch: tuple[list[list[float]], float, float], seed: int
) -> None:
    similarities, scale, smoothing = batch
    order = np.random.default_rng(seed).permutation(len(similarities))
    moved = np.array(similarities)[order][:, order]
    assert loss_of(moved, scale, smoothing=smoothing) == pytest.approx(
        loss_of(similarities, scale, smoothing=smoothing), rel=1e-12, abs=1e-15
    )


def test_pictures_and_captions_may_be_exchanged() -> None:
    exchanged = oracle.transposed(COSINES)
    assert loss_of(exchanged, 10.0) == pytest.approx(loss_of(COSINES, 10.0), rel=1e-12)


def test_an_array_gives_the_value_of_a_tensor() -> None:
    found = info_nce_loss(np.array(COSINES), logit_scale=10.0)
    assert float(found) == pytest.approx(sum(AT_10), abs=1e-6)


@given(batches())
def test_the_gradients_are_those_of_central_differences(
    batch: tuple[list[list[float]], float, float],
) -> None:
    similarities, scale, smoothing = batch
    learned = double(similarities).requires_grad_()
    learned_scale = double(scale).requires_grad_()
    info_nce_loss(learned, logit_scale=learned_scale, smoothing=smoothing).backward()
    step = 1e-6

    def slope(up: float, down: float) -> float:
        return (up - down) / (2 * step)

    by_scale = slope(
        oracle.info_nce_loss(similarities, scale + step, smoothing),
        oracle.info_nce_loss(similarities, scale - step, smoothing),
    )
    assert float(learned_scale.grad) == pytest.approx(by_scale, abs=1e-6)
    for place in ((0, 0), (0, 1), (1, 0)):
        values = []
        for sign in (1, -1):
            moved = np.array(similarities)
            moved[place] += sign * step
            values.append(oracle.info_nce_loss(moved.tolist(), scale, smoothing))
        assert float(learned.grad[place]) == pytest.approx(slope(*values), abs=2e-5)


def test_mistake_1_the_scale_multiplies_and_does_not_divide() -> None:
    assert abs(oracle.info_nce_loss(COSINES, 1 / 10.0) - sum(AT_10)) > 0.5
    assert loss_of(COSINES, 10.0) == pytest.approx(sum(AT_10), abs=1e-6)
    # More certain where the pair is the likeliest, at a higher scale.
    assert loss_of(COSINES, 100.0) < loss_of(COSINES, 10.0)


def test_mistake_1_the_two_losses_have_a_scale_each() -> None:
    contrastive, distillation = LearnedScale(), LearnedScale()
    cosines = torch.tensor(COSINES)
    own = info_nce_loss(cosines, logit_scale=contrastive())
    taught = soft_target_loss((20 * cosines).softmax(1), distillation() * cosines)
    (0.5 * own + 0.5 * taught).backward()
    gradients = [float(each.log_scale.grad) for each in (contrastive, distillation)]
    # By the chain rule on the loops' values: d loss / d log = scale * d loss / d scale.
    step, scale = 1e-5, math.exp(3.9)
    target = oracle.teacher_target(COSINES, 20.0)
    values = [
        (
            oracle.info_nce_loss(COSINES, scale * math.exp(sign * step)),
            oracle.soft_target_loss(target, oracle.times(COSINES, scale * math.exp(sign * step))),
        )
        for sign in (1, -1)
    ]
    slopes = [(up - down) / (2 * step) / 2 for up, down in zip(*values, strict=True)]
    assert gradients == pytest.approx(slopes, abs=1e-5)
    assert abs(gradients[0] - gradients[1]) > 0.1


def test_mistake_2_both_directions_count_and_are_added_up() -> None:
    found = loss_of(COSINES, 10.0)
    assert found == pytest.approx(sum(AT_10), abs=1e-6)
    for wrong in (*AT_10, sum(AT_10) / 2):
        assert abs(found - wrong) > 0.7


def test_a_single_pair_teaches_nothing() -> None:
    learned = double([[0.3]]).requires_grad_()
    loss = info_nce_loss(learned, logit_scale=100.0)
    loss.backward()
    assert loss.item() == 0
    assert learned.grad.item() == 0


def test_the_hard_target_of_a_process_is_its_rows_of_the_global_one() -> None:
    whole = hard_target(6, smoothing=0.2).probabilities
    np.testing.assert_allclose(whole, oracle.hard_target(6, 0.2), rtol=1e-6)
    parts = [hard_target(2, smoothing=0.2, of=6, first=rank * 2) for rank in range(3)]
    assert torch.equal(torch.cat([part.probabilities for part in parts]), whole)
    assert whole.dtype == torch.float32


def test_uneven_processes_have_the_rows_of_the_global_target_too() -> None:
    parts = [hard_target(3, of=4, first=0), hard_target(1, of=4, first=3)]
    assert torch.equal(torch.cat([part.probabilities for part in parts]), torch.eye(4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n must be a whole number of at least 1, got 0."),
        ({"n": 2, "of": 0}, "of must be a whole number of at least 1, got 0."),
        ({"n": 2, "of": 4, "first": -1}, "first must be a whole number of at least 0, got -1."),
        (
            {"n": 2, "of": 4, "first": 3},
            "every row needs a column of its own, got 2 rows that begin at column 3 of 4. first "
            "counts the rows before these in the global batch.",
        ),
        ({"n": 2, "smoothing": 1.0}, "smoothing must be at least 0 and below 1, got 1.0."),
        ({"n": 2, "smoothing": -0.1}, "smoothing must be at least 0 and below 1, got -0.1."),
        ({"n": 2, "smoothing": math.nan}, "smoothing must be at least 0 and below 1, got nan."),
        (
            {"n": 1, "smoothing": 0.1},
            "smoothing needs at least 2 columns to share, got 1. Give a larger batch.",
        ),
    ],
)
def test_a_hard_target_that_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        hard_target(**options)
    assert str(caught.value) == f"hard_target: {message}"


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf])
def test_a_scale_that_is_not_above_0_is_refused(scale: float) -> None:
    for each in (scale, torch.tensor(scale, requires_grad=True)):
        with pytest.raises(InputError, match="info_nce_loss: logit_scale must be a finite number"):
            info_nce_loss(torch.zeros(2, 2), logit_scale=each)


def test_what_is_not_one_square_matrix_and_one_scale_is_refused() -> None:
    with pytest.raises(ShapeError) as caught:
        info_nce_loss(torch.zeros(2, 3), logit_scale=1.0)
    assert str(caught.value) == (
        "info_nce_loss: similarities needs as many columns as rows, one for each pair of the "
        "batch, got shape (2, 3)."
    )
    with pytest.raises(ShapeError, match=r"logit_scale must be one number, got \(2,\)."):
        info_nce_loss(torch.zeros(2, 2), logit_scale=torch.ones(2))
    with pytest.raises(InputError, match="info_nce_loss: similarities must be finite throughout"):
        info_nce_loss(torch.full((2, 2), torch.nan), logit_scale=1.0)
    with pytest.raises(InputError, match="similarities needs to be a torch tensor, got list"):
        info_nce_loss([[0.0]], logit_scale=1.0)


def test_a_hard_target_keeps_the_type_of_what_it_is_like_and_is_never_below_float32() -> None:
    for given_type, kept in ((torch.float64, torch.float64), (torch.bfloat16, torch.float32)):
        like = torch.zeros(1, dtype=given_type)
        assert hard_target(2, like=like).probabilities.dtype == kept
    assert isinstance(hard_target(2), Target)
