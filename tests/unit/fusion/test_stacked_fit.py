from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp

from sightglass.fusion.stacked_fit import fit_coefficients

NEVER = -np.inf


def loss(beta: np.ndarray, logits: list[np.ndarray], labels: np.ndarray) -> float:
    """Mean negative log-likelihood with one reference's worth of doubt, reference by reference."""
    n = len(labels)
    total = 0.0
    for row, label in enumerate(labels):
        candidates = [
            c for c in range(logits[0].shape[1]) if any(z[row, c] > NEVER for z in logits)
        ]
        pooled = np.zeros(len(candidates))
        for weight, z in zip(beta, logits, strict=True):
            finite = z[row][np.isfinite(z[row])]
            average = logsumexp(finite) - np.log(len(finite)) if len(finite) else 0.0
            for place, c in enumerate(candidates):
                if z[row, c] > NEVER:
                    pooled[place] += weight * (z[row, c] - average)
        whole = logsumexp(pooled)
        total += (whole - pooled[candidates.index(label)]) + (whole - pooled.mean()) / n
    return total / n


def by_scipy(logits: list[np.ndarray], labels: np.ndarray) -> np.ndarray:
    found = minimize(
        loss,
        np.full(len(logits), 0.5),
        args=(logits, labels),
        method="L-BFGS-B",
        bounds=[(0, None)] * len(logits),
        options={"ftol": 1e-14, "gtol": 1e-8},
    )
    return np.asarray(found.x)


def planted(seed: int, n: int, n_classes: int, signals: list[float]) -> tuple[list, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n)
    return [
        rng.standard_normal((n, n_classes)) + signal * np.eye(n_classes)[labels]
        for signal in signals
    ], labels


@pytest.mark.parametrize(
    ("signals", "n_classes"),
    [([2.0], 4), ([1.0, 1.0], 2), ([2.0, 1.0, 0.5], 5), ([3.0, 0.0, 1.0], 3), ([0.0, -1.0], 4)],
)
def test_the_coefficients_are_where_scipy_finds_them(signals: list[float], n_classes: int) -> None:
    logits, labels = planted(n_classes, 40, n_classes, signals)
    found = fit_coefficients(logits, labels)
    np.testing.assert_allclose(found, by_scipy(logits, labels), rtol=0, atol=2e-4)
    assert (found >= 0).all()


def test_masked_and_impossible_classes_are_counted_as_in_the_pool() -> None:
    logits, labels = planted(11, 40, 5, [1.5, 1.5, 1.0])
    labels = labels % 3
    logits[1][:, 4] = NEVER
    logits[2][:, 3:] = NEVER
    for row, label in enumerate(labels):
        logits[2][row, (label + 1) % 3] = NEVER if row % 4 == 0 else logits[2][row, (label + 1) % 3]
    found = fit_coefficients(logits, labels)
    np.testing.assert_allclose(found, by_scipy(logits, labels), rtol=0, atol=2e-4)


def test_what_points_away_from_the_labels_gets_nought() -> None:
    logits, labels = planted(2, 60, 4, [1.5, 0.0])
    contrary = -logits[0] + 0.1 * logits[1]
    found = fit_coefficients([logits[0], contrary], labels)
    oracle = by_scipy([logits[0], contrary], labels)
    assert found[1] == oracle[1] == 0.0
    np.testing.assert_allclose(found[0], oracle[0], atol=2e-4)


def test_a_copy_shares_the_coefficient_of_what_it_copies() -> None:
    logits, labels = planted(3, 60, 4, [1.5, 1.0])
    alone = fit_coefficients(logits, labels)
    again = fit_coefficients([*logits, logits[1]], labels)
    np.testing.assert_allclose(again[0], alone[0], atol=1e-5)
    np.testing.assert_allclose(again[1] + again[2], alone[1], atol=1e-5)


def test_a_constant_added_to_a_row_changes_nothing() -> None:
    logits, labels = planted(4, 50, 3, [1.5, 1.0])
    moved = [logits[0] + np.arange(50)[:, None], logits[1]]
    np.testing.assert_allclose(
        fit_coefficients(moved, labels), fit_coefficients(logits, labels), atol=1e-6
    )


def test_equal_logits_throughout_end_in_finite_coefficients() -> None:
    assert np.isfinite(fit_coefficients([np.ones((9, 3))] * 2, np.arange(9) % 3)).all()


def test_a_coefficient_by_hand() -> None:
    # Two classes 1 apart, three of four right: as for the likelihood scale, ln(3.5 / 1.5).
    found = fit_coefficients([np.array([[1.0, 0.0]] * 4)], np.array([0, 0, 0, 1]))
    np.testing.assert_allclose(found, [np.log(3.5 / 1.5)], rtol=1e-6)


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_logits_of_another_size_end_at_the_same_pool(factor: float) -> None:
    logits, labels = planted(7, 60, 4, [1.5, 1.0])
    found = fit_coefficients([logits[0] * factor, logits[1]], labels)
    expected = fit_coefficients(logits, labels)
    np.testing.assert_allclose(found * [factor, 1.0], expected, rtol=1e-3)
