from __future__ import annotations

import math

import numpy as np
import pytest

import oracle
from sightglass.decisions import UnknownRule, background_scores
from sightglass.errors import InputError, ShapeError


@pytest.mark.parametrize(
    ("odds", "expected"),
    [
        # 1 / (1 + odds / 10), by hand
        (10.0, 1 / 2),
        (90.0, 1 / 10),
        (1.0, 10 / 11),
        (990.0, 1 / 100),
        (0.1, 100 / 101),
    ],
)
def test_odds_against_the_background_give_the_score(odds: float, expected: float) -> None:
    logits = np.array([[math.log(odds) + 5.0, -3.0]])
    (score,) = background_scores(logits, np.array([5.0]))
    assert score == pytest.approx(expected, rel=1e-6)


def test_scores_agree_with_the_definition() -> None:
    rng = np.random.default_rng(4)
    logits, background = rng.standard_normal((9, 6)) * 20, rng.standard_normal(9) * 20
    expected = [
        oracle.background_score(row, other)
        for row, other in zip(logits.tolist(), background.tolist(), strict=True)
    ]
    # 1 - tanh loses what is far below float64's grain of 1, never more than that.
    np.testing.assert_allclose(background_scores(logits, background), expected, 1e-6, 1e-15)


def test_a_class_that_is_worse_changes_nothing() -> None:
    logits, background = np.array([[8.0, 3.0], [2.0, 1.0]]), np.array([4.0, 0.0])
    worse = np.column_stack([logits, [7.9, -1e4]])
    assert np.array_equal(
        background_scores(worse, background), background_scores(logits, background)
    )


def test_a_better_class_lowers_the_score() -> None:
    few = background_scores(np.array([[2.0, 1.0]]), np.zeros(1))
    more = background_scores(np.array([[2.0, 1.0, 3.0]]), np.zeros(1))
    assert more[0] < few[0]


def test_extremes_stay_within_zero_and_one() -> None:
    logits = np.array([[1e4, 0.0], [-1e4, -1e4], [0.0, 0.0], [1e4, 0.0]])
    with np.errstate(over="raise", invalid="raise"):
        scores = background_scores(logits, np.array([-1e4, 1e4, 0.0, 1e4]))
    np.testing.assert_allclose(scores, [0.0, 1.0, 10 / 11, 10 / 11], rtol=1e-6)
    assert scores.dtype == np.float32


def test_no_images_have_no_scores() -> None:
    assert background_scores(np.empty((0, 3)), np.empty(0)).shape == (0,)


@pytest.mark.parametrize(
    ("logits", "background"), [((3, 2), (2,)), ((3, 2), (3, 1)), ((3, 0), (3,))]
)
def test_values_that_do_not_fit_together_are_refused(
    logits: tuple[int, ...], background: tuple[int, ...]
) -> None:
    with pytest.raises(ShapeError) as caught:
        background_scores(np.zeros(logits), np.zeros(background))
    assert str(caught.value) == (
        f"background_scores: one background value per row of logits is needed, got {background} "
        f"for {logits}."
    )


def test_logits_without_two_axes_have_no_scores() -> None:
    with pytest.raises(ShapeError, match=r"background_scores: logits needs two axes"):
        background_scores(np.zeros(3), np.zeros(3))


def test_the_rule_in_words_names_its_threshold_and_the_odds_behind_it() -> None:
    # 1 / (1 + odds / 10) > 0.2 means odds < 40.
    assert "above 0.5: its best class is then less than 10 times" in UnknownRule().meaning
    assert "above 0.2: its best class is then less than 40 times" in (
        UnknownRule(threshold=0.2).meaning
    )
    assert UnknownRule(enabled=False).meaning == "Off: every picture gets its best class."


@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.1, float("nan")])
def test_a_threshold_that_means_nothing_is_refused(threshold: float) -> None:
    with pytest.raises(InputError, match="threshold must lie between 0 and 1"):
        UnknownRule(threshold=threshold)
