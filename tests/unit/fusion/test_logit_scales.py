from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from sightglass.fusion.logit_scales import a_priori_scale, likelihood_scale, spread

NEVER = -np.inf


def best_by_scipy(similarity: np.ndarray, labels: np.ndarray) -> float:
    """The same likelihood, written anew and handed to scipy."""

    def loss(log_scale: float) -> float:
        total = doubt = 0.0
        for row, label in zip(similarity, labels, strict=True):
            logits = np.exp(log_scale) * row[np.isfinite(row)]
            total += logsumexp(logits) - np.exp(log_scale) * row[label]
            doubt += logsumexp(logits) - logits.mean()
        return float(total + doubt / len(labels))

    found = minimize_scalar(
        loss, bounds=(np.log(1e-2), np.log(1e4)), method="bounded", options={"xatol": 1e-9}
    )
    return float(np.exp(found.x))


def planted(seed: int, n: int, n_classes: int, signal: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n)
    return 0.05 * (rng.standard_normal((n, n_classes)) + signal * np.eye(n_classes)[labels]), labels


@pytest.mark.parametrize("signal", [0.5, 1.5, 3.0, 30.0])
@pytest.mark.parametrize(("n", "n_classes"), [(30, 2), (60, 10)])
def test_the_likelihood_scale_is_where_scipy_finds_it(
    n: int, n_classes: int, signal: float
) -> None:
    similarity, labels = planted(round(signal), n, n_classes, signal)
    found = likelihood_scale(similarity, labels)
    np.testing.assert_allclose(found, best_by_scipy(similarity, labels), rtol=1e-4)


def test_the_likelihood_scale_leaves_the_impossible_out() -> None:
    similarity, labels = planted(5, 50, 6, 1.5)
    holes = np.random.default_rng(6).random(similarity.shape) < 0.3
    holes[np.arange(50), labels] = False
    similarity[holes] = NEVER
    found = likelihood_scale(similarity, labels)
    np.testing.assert_allclose(found, best_by_scipy(similarity, labels), rtol=1e-4)


def test_a_scale_by_hand() -> None:
    # Two classes that lie 1 apart, three of four right. With p = 1 / (1 + exp(-s)) the slope is
    # 3 (1 - p) - p + (1/2 - p): zero at p = 3.5 / 5, so exp(s) = 3.5 / 1.5.
    similarity = np.array([[1.0, 0.0]] * 4)
    found = likelihood_scale(similarity, np.array([0, 0, 0, 1]))
    np.testing.assert_allclose(found, np.log(3.5 / 1.5), rtol=1e-9)


def test_references_without_a_miss_have_a_finite_scale() -> None:
    # By hand, as above with four of four: 4 (1 - p) + 1/2 - p = 0 at p = 4.5 / 5.
    found = likelihood_scale(np.array([[1.0, 0.0]] * 4), np.zeros(4, int))
    np.testing.assert_allclose(found, np.log(9.0), rtol=1e-9)


@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_similarity_that_says_nothing_or_the_contrary_gets_the_least_scale(flip: float) -> None:
    similarity = np.array([[0.0, flip], [0.0, flip]])
    assert likelihood_scale(similarity, np.array([0, 0] if flip > 0 else [1, 1])) <= 0.0100001


def test_rows_that_are_impossible_at_their_label_have_no_say() -> None:
    similarity, labels = planted(8, 40, 4, 1.5)
    worse = np.vstack([similarity, [[NEVER, 0.1, 0.2, 0.3]], [[NEVER] * 4], [[np.nan] * 4]])
    assert likelihood_scale(worse, np.append(labels, [0, 1, 2])) == likelihood_scale(
        similarity, labels
    )
    assert likelihood_scale(worse[40:], np.array([0, 1, 2])) == 0.01
    assert likelihood_scale(np.zeros((0, 3)), np.zeros(0, int)) == 0.01


def test_the_spread_is_the_mean_of_the_rows_standard_deviations() -> None:
    # By hand: 0.1 of (0.1, 0.3); 0.2 of (0.0, 0.4), the third being impossible; the last row is
    # a single number and says nothing.
    similarity = np.array([[0.1, 0.3, NEVER], [0.0, NEVER, 0.4], [NEVER, 0.7, NEVER]])
    np.testing.assert_allclose(spread(similarity), 0.15, rtol=1e-12)


def test_the_a_priori_scale_is_three_over_the_spread_times_the_reliability() -> None:
    similarity = np.array([[0.1, 0.3], [0.0, 0.4]])
    np.testing.assert_allclose(a_priori_scale(similarity), 20.0, rtol=1e-12)
    np.testing.assert_allclose(a_priori_scale(similarity, reliability=0.25), 5.0, rtol=1e-12)
    assert a_priori_scale(similarity, reliability=0.0) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.0, 0.1, -1 / 3])
def test_equal_similarities_have_no_scale(value: float, dtype: type) -> None:
    similarity = np.full((9, 7), value, dtype)
    assert spread(similarity) == 0.0
    assert a_priori_scale(similarity) is None
    # What a sum taken in another order makes of them.
    assert a_priori_scale(np.nextafter(similarity, np.eye(9, 7, dtype=dtype))) is None


def test_nothing_to_look_at_has_no_scale() -> None:
    for similarity in (np.zeros((0, 4)), np.full((3, 4), NEVER), np.zeros((3, 1))):
        assert spread(similarity) == 0.0
        assert a_priori_scale(similarity) is None
