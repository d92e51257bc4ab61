from __future__ import annotations

import math

import numpy as np
import pytest

from sightglass.errors import InputError
from sightglass.fusion import fuse, softmax


def stacked(logits: list[np.ndarray], coefficients: list[float], judged: object = None):
    return fuse(logits, weighting="stacked", fixed_weights=coefficients, judged=judged)


def test_where_all_judge_all_it_is_the_softmax_of_the_weighted_sum() -> None:
    rng = np.random.default_rng(2)
    one, two = rng.standard_normal((6, 5)) * 8, rng.standard_normal((6, 5)) + 50
    fused = stacked([one, two], [0.5, 2.0])
    np.testing.assert_allclose(
        fused.probabilities, softmax(0.5 * one + 2.0 * two), rtol=2e-6, atol=1e-12
    )


def test_a_class_that_is_not_judged_counts_as_of_average_probability() -> None:
    # By hand: text has odds 2 : 1 : 1, over their average 4/3 these are 3/2, 3/4, 3/4; the other
    # judges the first two classes as 4 : 1, over 5/2: 8/5 and 2/5, and 1 for the third.
    # The products are 12/5, 3/10 and 3/4, which is 48 : 6 : 15.
    text, other = np.log([[2.0, 1.0, 1.0]]), np.array([[math.log(4), 0.0, -math.inf]])
    fused = stacked([text, other], [1.0, 1.0], [None, np.array([True, True, False])])
    np.testing.assert_allclose(fused.probabilities[0], [48 / 69, 6 / 69, 15 / 69], rtol=1e-12)


def test_an_offset_of_one_alignments_logits_changes_nothing_for_classes_it_does_not_judge() -> None:
    text, other = np.array([[1.0, 2.0, 3.0]]), np.array([[5.0, 4.0, 0.0]])
    judged = [None, np.array([True, True, False])]
    one = stacked([text, other], [1.0, 0.7], judged)
    moved = stacked([text, other + 500.0], [1.0, 0.7], judged)
    np.testing.assert_allclose(moved.probabilities, one.probabilities, rtol=1e-12)


def test_what_is_impossible_for_one_is_impossible() -> None:
    text, other = np.log([[2.0, 1.0, 1.0]]), np.array([[0.0, 0.0, -math.inf]])
    fused = stacked([text, other], [1.0, 1.0])
    np.testing.assert_allclose(fused.probabilities, [[2 / 3, 1 / 3, 0.0]], rtol=1e-12)


def test_a_coefficient_of_nought_moves_nothing_not_even_the_impossible() -> None:
    text, other = np.log([[2.0, 1.0, 1.0]]), np.array([[7.0, -math.inf, 1e4]])
    fused = stacked([text, other], [1.0, 0.0])
    np.testing.assert_allclose(fused.probabilities, [[0.5, 0.25, 0.25]], rtol=1e-12)


def test_a_class_judged_only_at_coefficient_nought_stays_in_the_running() -> None:
    # The other's odds are 3 : 1, and their average 2 is the third class's: 3 : 1 : 2.
    text, other = np.zeros((1, 3)), np.array([[math.log(3), 0.0, 0.0]])
    fused = stacked([text, other], [0.0, 1.0], [None, np.array([True, True, False])])
    np.testing.assert_allclose(fused.probabilities[0], [1 / 2, 1 / 6, 1 / 3], rtol=1e-12)


def test_an_image_judged_only_at_coefficient_nought_is_judged_by_nobody() -> None:
    nobody = np.array([False, False])
    fused = stacked([np.zeros((1, 2)), np.zeros((1, 2))], [0.0, 1.0], [None, nobody])
    assert fused.probabilities.tolist() == [[0.0, 0.0]]


def test_alignments_that_exclude_each_others_classes_leave_a_row_of_noughts() -> None:
    fused = stacked([np.array([[0.0, -math.inf]]), np.array([[-math.inf, 0.0]])], [1.0, 1.0])
    assert fused.probabilities.tolist() == [[0.0, 0.0]]


def test_weights_are_the_coefficients_and_scores_the_probabilities() -> None:
    logits = [np.zeros((3, 2)), np.ones((3, 2))]
    logits[1][2] = -math.inf
    fused = stacked(logits, [0.25, 3.0])
    assert fused.weights.tolist() == [[0.25, 0.25, 0.25], [3.0, 3.0, 0.0]]
    assert np.array_equal(fused.scores, fused.probabilities)


def test_the_distributions_are_those_before_scaling() -> None:
    fused = stacked([np.log([[3.0, 1.0]])], [0.5])
    np.testing.assert_allclose(fused.distributions[0], [[0.75, 0.25]], rtol=1e-12)
    # By hand: the square root of 3 to 1.
    np.testing.assert_allclose(fused.probabilities[0, 0], 3**0.5 / (3**0.5 + 1), rtol=1e-12)


def test_without_coefficients_it_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        fuse([np.zeros((1, 2))], weighting="stacked")
    assert str(caught.value) == (
        "fuse: weighting 'stacked' needs fixed_weights, the coefficient of each alignment, got "
        "None."
    )
