from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.distillation import gaussian_epoch_weights
from sightglass.errors import InputError


@pytest.mark.parametrize(
    ("mean", "std", "expected"),
    [
        (15, 1, [0.0, 0.0, 0.241971, 0.398942, 0.000001]),
        (6, 10, [0.055402, 0.062779, 0.045587, 0.041872, 0.023562]),
    ],
)
def test_the_published_settings_give_the_weights_of_the_specification(
    mean: float, std: float, expected: list[float]
) -> None:
    weights = gaussian_epoch_weights(20, mean=mean, std=std)
    found = [weights[epoch - 1] for epoch in (1, 6, 14, 15, 20)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@given(st.integers(1, 60), st.floats(-100, 200), st.floats(1e-3, 50))
def test_weights_are_a_gaussian_at_the_epochs_counted_from_1(
    epochs: int, mean: float, std: float
) -> None:
    weights = gaussian_epoch_weights(epochs, mean=mean, std=std)
    assert (weights.dtype, weights.shape) == (np.float64, (epochs,))
    assert weights.sum() == pytest.approx(1, rel=1e-12)
    assert (weights >= 0).all()
    # The ratio of two neighbours, from the formula: the sum that divides them is in neither.
    for epoch in range(1, epochs):
        first, second = weights[epoch - 1], weights[epoch]
        if min(first, second) > 1e-200:
            exponent = ((epoch - mean) ** 2 - (epoch + 1 - mean) ** 2) / (2 * std**2)
            assert math.log(second / first) == pytest.approx(exponent, rel=1e-6, abs=1e-6)


@given(st.integers(1, 60), st.floats(0.1, 50))
def test_weights_are_symmetric_where_the_mean_is_in_the_middle(epochs: int, std: float) -> None:
    weights = gaussian_epoch_weights(epochs, mean=(epochs + 1) / 2, std=std)
    np.testing.assert_allclose(weights, weights[::-1], rtol=1e-12)
    assert weights[(epochs - 1) // 2] == weights.max()


def test_the_epoch_of_the_mean_counts_most_and_the_first_epoch_is_1_not_0() -> None:
    weights = gaussian_epoch_weights(20, mean=15, std=1)
    assert weights.argmax() == 14
    from_0 = np.exp(-((np.arange(20) - 15.0) ** 2) / 2)
    assert abs(weights[14] - (from_0 / from_0.sum())[14]) > 0.1


@pytest.mark.parametrize(("mean", "nearest"), [(-1e4, 0), (1e4, 4)])
def test_far_from_the_mean_the_nearest_epoch_has_all_the_weight(mean: float, nearest: int) -> None:
    weights = gaussian_epoch_weights(5, mean=mean, std=1)
    np.testing.assert_allclose(weights, np.eye(5)[nearest], atol=1e-12)


def test_one_epoch_has_all_the_weight() -> None:
    assert gaussian_epoch_weights(1, mean=15, std=1).tolist() == [1.0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0."),
        ({"std": 0.0}, "std must be a finite number above 0, got 0.0."),
        ({"mean": math.nan}, "mean must be a finite number, got nan."),
    ],
)
def test_numbers_out_of_range_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(InputError) as caught:
        gaussian_epoch_weights(**{"epochs": 20, "mean": 15.0, "std": 1.0} | wrong)
    assert str(caught.value) == f"gaussian_epoch_weights: {message}"
