from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import entropy as scipy_entropy

from sightglass.fusion import entropies
from sightglass.fusion.confidence_weights import confidence_weights, released_entropies


def test_the_entropies_of_the_worked_example() -> None:
    # The three distributions and their entropies as the specification prints them.
    distributions = np.array(
        [
            [0.981690, 0.017980, 0.000329],
            [0.330686, 0.602549, 0.066764],
            [0.117310, 0.866813, 0.015876],
        ]
    )
    np.testing.assert_allclose(entropies(distributions), [0.093035, 0.851879, 0.441057], atol=5e-6)


def test_entropies_agree_with_scipy() -> None:
    distributions = np.random.default_rng(1).dirichlet(np.full(30, 0.1), 50)
    np.testing.assert_allclose(
        entropies(distributions), scipy_entropy(distributions, axis=1), rtol=1e-12
    )


def test_entropy_is_in_nats_and_nought_times_its_logarithm_is_nought() -> None:
    # A fair coin has ln 2; a certain row exactly 0, not -0 nor a rounding error below it.
    values = entropies(np.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]))
    assert values[0] == pytest.approx(math.log(2), rel=1e-15)
    assert values[1:].tolist() == [0.0, 0.0]


def test_a_probability_that_rounding_put_above_one_has_no_entropy_below_nought() -> None:
    assert entropies(np.array([[1.0 + 2**-52, 0.0]])).tolist() == [0.0]


def test_the_released_entropy_of_a_certain_row_is_below_nought() -> None:
    (value,) = released_entropies(np.array([[1.0, 0.0, 0.0]]))
    assert value == pytest.approx(-9.999995e-07, rel=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3, 50])
def test_every_weight_keeps_its_bounds(n_classes: int) -> None:
    rng = np.random.default_rng(6)
    distributions = np.concatenate(
        [rng.dirichlet(np.full(n_classes, alpha), 200) for alpha in (0.01, 1.0, 100.0)]
    )
    distributions = np.concatenate(
        [distributions, np.full((1, n_classes), 1 / n_classes), np.eye(n_classes)]
    )
    largest, power, inverse = (
        confidence_weights(distributions, weighting=weighting, mode="paper_formula")
        for weighting in ("max", "exp_neg_entropy", "inverse_entropy")
    )
    rounding = 1e-12
    assert (largest >= 1 / n_classes - rounding).all()
    assert (largest <= 1).all()
    assert (power >= 1 / n_classes - rounding).all()
    assert (power <= largest + rounding).all()
    assert (inverse >= 1 / (math.log(n_classes) + 1e-6) - rounding).all()
    assert (inverse <= 1e6).all()
