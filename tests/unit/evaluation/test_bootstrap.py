from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import bootstrap

from sightglass.errors import EvaluationError, InputError, ShapeError
from sightglass.evaluation.bootstrap import (
    calibration_interval,
    interval,
    mean_interval,
    open_set_intervals,
    share_interval,
)
from sightglass.evaluation.metrics import (
    auroc_score,
    expected_calibration_error,
    fpr_at_tpr,
    oscr_score,
)


def test_the_interval_of_a_share_is_that_of_the_binomial_distribution() -> None:
    # 2,000 pictures, 60 % right: the standard error is sqrt(.6 * .4 / 2000) = .010954.
    low, high = mean_interval(np.arange(2000) < 1200, resamples=4000)
    assert low == pytest.approx(0.6 - 1.96 * 0.010954, abs=0.0015)
    assert high == pytest.approx(0.6 + 1.96 * 0.010954, abs=0.0015)


def test_the_interval_of_a_mean_is_scipys_percentile_interval() -> None:
    values = np.random.default_rng(5).exponential(size=400)
    theirs = bootstrap(
        (values,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    ours = mean_interval(values, resamples=4000)
    # Two independent draws of 4,000: an end is sure to about a fiftieth of the interval's width.
    assert ours == pytest.approx((theirs.low, theirs.high), abs=(theirs.high - theirs.low) / 20)


def test_a_lower_level_gives_a_narrower_interval() -> None:
    values = np.random.default_rng(5).normal(size=300)
    low, high = mean_interval(values)
    inner_low, inner_high = mean_interval(values, level=0.5)
    assert low < inner_low < inner_high < high
    # The middle half of a normal distribution is 0.6745 / 1.96 as wide as the middle 95 %.
    assert (inner_high - inner_low) / (high - low) == pytest.approx(0.6745 / 1.96, rel=0.15)


def test_a_seed_gives_the_same_interval_again_and_another_one_another() -> None:
    values = np.random.default_rng(5).normal(size=50)
    assert mean_interval(values, seed=3) == mean_interval(values, seed=3)
    assert mean_interval(values, seed=3) != mean_interval(values, seed=4)


def test_equal_values_have_an_interval_without_width() -> None:
    assert mean_interval(np.ones(10, dtype=bool)) == (1.0, 1.0)


@pytest.fixture
def scored() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(9)
    unknown = rng.random(120) < 0.4
    scores = np.round(rng.normal(size=120) + unknown, 1)
    return unknown, scores, rng.random(120) < 0.7


def test_open_set_intervals_are_those_of_the_metrics_computed_draw_by_draw(
    scored: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    unknown, scores, correct = scored
    quick = open_set_intervals(unknown, scores, correct, resamples=60, seed=7)
    slow = {
        "auroc": lambda drawn: auroc_score(unknown[drawn], scores[drawn]),
        "fpr": lambda drawn: fpr_at_tpr(unknown[drawn], scores[drawn]),
        "oscr": lambda drawn: oscr_score(unknown[drawn], scores[drawn], correct[drawn]),
    }
    assert set(quick) == set(slow)
    for name, statistic in slow.items():
        assert quick[name] == pytest.approx(interval(statistic, 120, resamples=60, seed=7))


def test_without_known_right_and_wrong_there_is_no_oscr(
    scored: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    assert set(open_set_intervals(*scored[:2], resamples=3)) == {"auroc", "fpr"}


def test_the_calibration_interval_is_that_of_the_error_computed_draw_by_draw() -> None:
    rng = np.random.default_rng(6)
    probabilities, labels = rng.dirichlet(np.ones(4), 90), rng.integers(0, 4, 90)

    def error(drawn: np.ndarray) -> float:
        return expected_calibration_error(probabilities[drawn], labels[drawn])

    assert calibration_interval(probabilities, labels, resamples=50) == pytest.approx(
        interval(error, 90, resamples=50)
    )


def test_draws_without_both_kinds_are_left_out() -> None:
    # Of two pictures half of all draws have one kind only; the others separate perfectly.
    found = open_set_intervals(np.array([False, True]), np.array([0.0, 1.0]))
    assert found["auroc"] == (1.0, 1.0)


def test_a_statistic_without_any_value_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="none of 5 draws gave a value"):
        interval(lambda _: math.nan, 3, resamples=5)


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match=r"one picture and one resample .* got 0 and 1000"):
        mean_interval(np.zeros(0))
    with pytest.raises(InputError, match="got 3 and 0"):
        mean_interval(np.zeros(3), resamples=0)
    for level in (0.0, 1.0):
        with pytest.raises(InputError, match="level must be above 0 and below 1"):
            mean_interval(np.zeros(3), level=level)
    with pytest.raises(ShapeError, match=r"values need shape \(n_images,\), got \(3, 1\)"):
        mean_interval(np.zeros((3, 1)))


@pytest.mark.parametrize(("hits", "n"), [(1200, 2000), (9_000_000, 14_000_000)])
def test_the_interval_of_very_many_hits_is_that_of_the_binomial_distribution(
    hits: int, n: int
) -> None:
    error = math.sqrt(hits / n * (1 - hits / n) / n)
    low, high = share_interval(hits, n, resamples=4000)
    # An end of 4,000 draws is sure to about a twentieth of the interval's width.
    assert low == pytest.approx(hits / n - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(hits / n + 1.96 * error, abs=0.2 * error)


def test_the_interval_of_a_share_is_about_that_of_the_mean_of_its_hits() -> None:
    low, high = mean_interval(np.arange(500) < 90, resamples=4000)
    ours = share_interval(90, 500, resamples=4000)
    assert ours == pytest.approx((low, high), abs=(high - low) / 15)


def test_all_or_no_hits_leave_no_doubt_to_a_bootstrap() -> None:
    assert share_interval(0, 7) == (0.0, 0.0)
    assert share_interval(7, 7) == (1.0, 1.0)


@pytest.mark.parametrize(("hits", "n"), [(1, 0), (-1, 3), (4, 3)])
def test_hits_that_cannot_be_are_refused(hits: int, n: int) -> None:
    with pytest.raises(InputError, match="hits from 0 to the number of pictures"):
        share_interval(hits, n)
