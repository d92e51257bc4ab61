from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from sightglass.errors import InputError, ShapeError
from sightglass.evaluation.metrics import auroc_score, fpr_at_tpr, harmonic_mean, oscr_score

# The worked example: six images, the last three unknown, with the unknown scores that four rules
# give them, and the areas that were worked out for these.
UNKNOWN = np.array([0, 0, 0, 1, 1, 1], dtype=bool)
WORKED = {
    "min-max, one less the known": (
        [0.000000, 0.392857, 0.473684, 0.692308, 0.413793, 0.857143],
        0.888889,
    ),
    "one less the known": (
        [0.400000, 0.406250, 0.481481, 0.575758, 0.439024, 0.571429],
        0.888889,
    ),
    "one less the best known": (
        [0.625000, 0.593750, 0.629630, 0.727273, 0.512195, 0.771429],
        0.666667,
    ),
    "known columns only": ([0.375000, 0.315789, 0.285714, 0.357143, 0.130435, 0.466667], 0.555556),
}


@pytest.mark.parametrize("rule", WORKED)
def test_auroc_of_the_worked_example(rule: str) -> None:
    scores, expected = WORKED[rule]
    assert auroc_score(UNKNOWN, np.array(scores)) == pytest.approx(expected, abs=1e-6)


def test_auroc_of_a_score_with_the_wrong_sign_is_one_less_the_right_one() -> None:
    scores, _ = WORKED["min-max, one less the known"]
    assert auroc_score(UNKNOWN, -np.array(scores)) == pytest.approx(0.111111, abs=1e-6)


def test_auroc_counts_a_tie_one_half() -> None:
    # Pairs (known, unknown): .1<.4, .1<.8, .4=.4, .4<.8, so 3.5 of 4.
    assert auroc_score(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8])) == 0.875


def test_the_mean_of_the_three_worked_splits_is_as_worked_out() -> None:
    # Perfect; one tie; all equal.
    cases = [[0.1, 0.2, 0.3, 0.4], [0.1, 0.4, 0.4, 0.8], [0.5, 0.5, 0.5, 0.5]]
    values = [auroc_score(np.array([0, 0, 1, 1]), np.array(scores)) for scores in cases]
    assert values == [1.0, 0.875, 0.5]
    assert np.mean(values) == pytest.approx(0.791667, abs=1e-6)


def test_auroc_agrees_with_scikit_learn_on_many_ties() -> None:
    rng = np.random.default_rng(4)
    unknown = rng.random(500) < 0.3
    scores = np.round(rng.normal(size=500) + unknown, 1)
    assert auroc_score(unknown, scores) == pytest.approx(roc_auc_score(unknown, scores), abs=1e-12)


def test_infinite_scores_are_ranked() -> None:
    scores = np.array([-np.inf, 0.0, np.inf, np.inf])
    assert auroc_score(np.array([0, 0, 1, 1]), scores) == 1.0


def test_fpr_is_the_share_of_unknown_images_accepted_with_95_in_100_known_ones() -> None:
    # Known scores 1 ... 20: 19 of them are at most 19. Of the unknown ones 5 and 19 are as well.
    scores = np.array([*range(1, 21), 5.0, 19.0, 19.5, 30.0])
    unknown = np.arange(24) >= 20
    assert fpr_at_tpr(unknown, scores) == 2 / 4
    # All known ones need the threshold 20: only 30 is rejected.
    assert fpr_at_tpr(unknown, scores, tpr=1.0) == 3 / 4
    # Half of them: 10.
    assert fpr_at_tpr(unknown, scores, tpr=0.5) == 1 / 4


def test_fpr_with_unknown_as_positive_is_the_share_of_false_alarms() -> None:
    # Unknown scores 1 ... 20: 19 of them are at least 2. Of the known ones 2 and 25 are as well.
    scores = np.array([*range(1, 21), 0.0, 1.5, 2.0, 25.0])
    unknown = np.arange(24) < 20
    assert fpr_at_tpr(unknown, scores, positive="unknown") == 2 / 4
    assert fpr_at_tpr(unknown, scores, positive="unknown", tpr=1.0) == 3 / 4


def test_fpr_takes_equal_scores_together() -> None:
    # The threshold must be 1 to accept 19 of 20 known images, and all unknown ones share it.
    scores = np.array([0.0] * 18 + [1.0] * 2 + [1.0] * 5)
    assert fpr_at_tpr(np.arange(25) >= 20, scores) == 1.0


def test_a_true_positive_rate_means_the_decimal_number_that_is_written() -> None:
    # 0.07 * 100 is 7.000000000000001 in floating point; 7 images are enough.
    scores = np.array([*range(100), 6.5])
    assert fpr_at_tpr(np.arange(101) >= 100, scores, tpr=0.07) == 0.0


@pytest.mark.parametrize("tpr", [0.0, -0.1, 1.01, float("nan")])
def test_a_true_positive_rate_out_of_range_is_refused(tpr: float) -> None:
    with pytest.raises(InputError, match="tpr must be above 0 and at most 1"):
        fpr_at_tpr(UNKNOWN, np.arange(6.0), tpr=tpr)


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="positive must be 'known' or 'unknown', got 'novel'"):
        fpr_at_tpr(UNKNOWN, np.arange(6.0), positive="novel")  # type: ignore[arg-type]


def test_oscr_by_hand() -> None:
    # Right known ones score .1 and .4, a wrong one .2; unknown ones .4 and .8. Pairs of a right
    # one and an unknown one: .1<.4, .1<.8, .4=.4 (half), .4<.8: 3.5 of 3 * 2 pairs.
    unknown = np.array([0, 0, 0, 1, 1])
    scores = np.array([0.1, 0.2, 0.4, 0.4, 0.8])
    correct = np.array([1, 0, 1, 0, 1])
    assert oscr_score(unknown, scores, correct) == pytest.approx(3.5 / 6, abs=1e-15)


def test_oscr_is_the_area_under_the_curve_drawn_threshold_by_threshold() -> None:
    rng = np.random.default_rng(8)
    unknown, correct = rng.random(80) < 0.4, rng.random(80) < 0.7
    scores = np.round(rng.normal(size=80) + unknown, 1)
    known_scores, unknown_scores = scores[~unknown], scores[unknown]
    right = correct[~unknown]
    false, true = [0.0], [0.0]
    for threshold in sorted(set(scores.tolist())):
        true.append(sum(right & (known_scores <= threshold)) / len(known_scores))
        false.append(sum(unknown_scores <= threshold) / len(unknown_scores))
    assert oscr_score(unknown, scores, correct) == pytest.approx(
        np.trapezoid(true, false), abs=1e-12
    )


@pytest.mark.parametrize("kind", [0, 1])
def test_images_of_one_kind_only_are_refused(kind: int) -> None:
    flags, scores = np.full(3, kind), np.arange(3.0)
    told = rf"got {3 - 3 * kind} known and {3 * kind} unknown"
    with pytest.raises(InputError, match=f"auroc_score: images of known and of unknown .* {told}"):
        auroc_score(flags, scores)
    with pytest.raises(InputError, match=told):
        fpr_at_tpr(flags, scores)
    with pytest.raises(InputError, match=told):
        oscr_score(flags, scores, np.ones(3, dtype=bool))


def test_no_images_are_refused() -> None:
    with pytest.raises(InputError, match="got 0 known and 0 unknown"):
        auroc_score(np.zeros(0, dtype=bool), np.zeros(0))


def test_shapes_that_do_not_match_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"got scores \(5,\) and flags \(6,\)\.$"):
        auroc_score(UNKNOWN, np.arange(5.0))
    with pytest.raises(ShapeError, match=r"got scores \(6, 1\) and flags \(6,\)"):
        auroc_score(UNKNOWN, np.zeros((6, 1)))
    with pytest.raises(ShapeError, match=r"flags \(6,\) and \(5,\)\."):
        oscr_score(UNKNOWN, np.arange(6.0), np.ones(5, dtype=bool))


def test_nan_scores_and_flags_that_are_no_flags_are_refused() -> None:
    with pytest.raises(InputError, match="auroc_score: scores must be numbers, got NaN"):
        auroc_score(UNKNOWN, np.array([0, 1, 2, 3, 4, np.nan]))
    with pytest.raises(InputError, match="is_unknown must be true or false for every image"):
        auroc_score(np.array([0, 1, 2, 0, 1, 1]), np.arange(6.0))
    with pytest.raises(InputError, match="correct must be true or false for every image"):
        oscr_score(UNKNOWN, np.arange(6.0), np.full(6, 0.5))


def test_the_harmonic_mean_of_the_worked_example() -> None:
    assert harmonic_mean(80, 60) == pytest.approx(68.571429, abs=1e-6)
    assert harmonic_mean(0.8, 0.6) == pytest.approx(0.68571429, abs=1e-8)


def test_the_harmonic_mean_with_nothing_is_nothing() -> None:
    assert harmonic_mean(0.0, 0.9) == harmonic_mean(0.9, 0.0) == harmonic_mean(0.0, 0.0) == 0.0


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_the_harmonic_mean_of_what_is_no_accuracy_is_refused(value: float) -> None:
    with pytest.raises(InputError, match="two finite numbers of at least 0 are needed"):
        harmonic_mean(0.5, value)
