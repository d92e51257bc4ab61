from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import fusion_oracle
from sightglass.decisions import OPEN_SET_SCORES, open_set_scores
from sightglass.errors import InputError, ShapeError, UnknownNameError
from sightglass.fusion import fuse

# The worked example of the specification: fused scores of six images over four classes, the first
# two of them known. The numbers expected of it were computed there by another program.
SCORES = np.array(
    [
        [1.5, 0.9, 0.8, 0.8],
        [0.6, 1.3, 1.2, 0.1],
        [1.0, 0.4, 1.1, 0.2],
        [0.9, 0.5, 1.0, 0.9],
        [2.0, 0.3, 0.9, 0.9],
        [0.7, 0.8, 0.9, 1.1],
    ]
)
KNOWN = np.array([True, True, False, False])
UNKNOWN_IMAGES = [0, 0, 0, 1, 1, 1]
ORACLE = ("oracle_minmax", "oracle_sum", "oracle_max")
KNOWN_ONLY = ("known_only_max", "mcm", "entropy")


@pytest.mark.parametrize(
    ("score", "expected", "auroc"),
    [
        ("oracle_minmax", (0.000000, 0.392857, 0.473684, 0.692308, 0.413793, 0.857143), 0.888889),
        ("oracle_sum", (0.400000, 0.406250, 0.481481, 0.575758, 0.439024, 0.571429), 0.888889),
        ("oracle_max", (0.625000, 0.593750, 0.629630, 0.727273, 0.512195, 0.771429), 0.666667),
        ("known_only_max", (0.375000, 0.315789, 0.285714, 0.357143, 0.130435, 0.466667), 0.555556),
        ("mcm", (0.375000, 0.315789, 0.285714, 0.357143, 0.130435, 0.466667), 0.555556),
    ],
)
def test_the_worked_example_comes_out_for_every_score(
    score: str, expected: tuple[float, ...], auroc: float
) -> None:
    scores = open_set_scores(SCORES, score=score, known=KNOWN)
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-6)
    assert roc_auc_score(UNKNOWN_IMAGES, scores) == pytest.approx(auroc, abs=1e-6)


def test_higher_means_unknown_so_the_other_sign_turns_the_area_round() -> None:
    scores = open_set_scores(SCORES, score="oracle_minmax", known=KNOWN)
    assert roc_auc_score(UNKNOWN_IMAGES, -scores) == pytest.approx(0.111111, abs=1e-6)


def test_entropy_is_a_fraction_of_the_largest_possible() -> None:
    # By hand: three to one has ln 4 - 3/4 ln 3 of ln 2; a tie all of it; certainty none.
    scores = open_set_scores(np.array([[3.0, 1.0], [7.0, 7.0], [0.0, 2.0]]), score="entropy")
    part = (math.log(4) - 0.75 * math.log(3)) / math.log(2)
    np.testing.assert_allclose(scores, [part, 1.0, 0.0], rtol=1e-12)


def test_the_entropy_of_a_tie_is_never_rounded_above_one() -> None:
    ties = [open_set_scores(np.ones((1, m)), score="entropy")[0] for m in range(2, 200)]
    assert max(ties) == 1.0
    assert min(ties) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("score", OPEN_SET_SCORES)
def test_scores_agree_with_their_definitions_in_plain_loops(score: str) -> None:
    rng = np.random.default_rng(3)
    for n_classes in (3, 10, 50):
        rows = rng.random((20, n_classes)) * rng.choice([1.0, 3.0, 1e6], (20, 1))
        known = rng.permutation(np.arange(n_classes) < max(2, n_classes // 3))
        expected = [
            fusion_oracle.open_set_score(row, known.tolist(), score) for row in rows.tolist()
        ]
        np.testing.assert_allclose(
            open_set_scores(rows, score=score, known=known), expected, rtol=0, atol=1e-12
        )


@pytest.mark.parametrize("score", OPEN_SET_SCORES)
def test_a_fused_value_and_its_scores_and_its_probabilities_give_the_same(score: str) -> None:
    rng = np.random.default_rng(4)
    fused = fuse([rng.standard_normal((9, 4)) * 3, rng.standard_normal((9, 4))])
    scores = open_set_scores(fused, score=score, known=KNOWN)
    assert np.array_equal(scores, open_set_scores(fused.scores, score=score, known=KNOWN))
    np.testing.assert_allclose(
        scores, open_set_scores(fused.probabilities, score=score, known=KNOWN), rtol=1e-9
    )


@pytest.mark.parametrize("score", OPEN_SET_SCORES)
def test_neither_other_rows_nor_the_memory_layout_change_a_bit(score: str) -> None:
    rows = np.random.default_rng(9).random((40, 60))
    known = np.arange(60) % 3 > 0
    whole = open_set_scores(rows, score=score, known=known)
    alone = [open_set_scores(rows[i : i + 1], score=score, known=known)[0] for i in range(40)]
    assert np.array_equal(whole, alone)
    assert np.array_equal(whole, open_set_scores(np.asfortranarray(rows), score=score, known=known))


@pytest.mark.parametrize("score", KNOWN_ONLY)
def test_what_the_unknown_columns_hold_does_not_touch_the_known_only_scores(score: str) -> None:
    alone = open_set_scores(SCORES[:, :2], score=score)
    assert np.array_equal(open_set_scores(SCORES, score=score, known=KNOWN), alone)


def test_maximum_concept_matching_is_one_less_the_largest_softmax() -> None:
    logits = np.log([[8.0, 1.0, 1.0]])
    assert open_set_scores(fuse([logits]), score="mcm") == pytest.approx([0.2], rel=1e-12)


def test_certain_rows_keep_their_order() -> None:
    # 1 - max p would be 0 for both: float64 has no number between 1 and 1 - 1e-16.
    fused = fuse([np.array([[0.0, -40.0, -60.0], [0.0, -50.0, -60.0]])])
    known = np.array([True, False, False])
    for score in ORACLE[1:]:
        first, second = open_set_scores(fused, score=score, known=known)
        assert first == pytest.approx(math.exp(-40), rel=1e-6)
        assert second == pytest.approx(math.exp(-50), rel=1e-4)


def test_a_row_in_which_all_tie_shares_evenly_under_minmax() -> None:
    scores = open_set_scores(np.full((1, 4), 0.7), score="oracle_minmax", known=KNOWN)
    assert scores == pytest.approx([0.5], rel=1e-12)


@pytest.mark.parametrize("score", OPEN_SET_SCORES)
def test_a_row_that_speaks_for_no_class_is_unknown(score: str) -> None:
    scores = open_set_scores(np.zeros((1, 4)), score=score, known=KNOWN)
    assert scores.tolist() == [1.0]


@pytest.mark.parametrize("score", OPEN_SET_SCORES)
def test_no_images_have_no_scores(score: str) -> None:
    assert open_set_scores(np.empty((0, 4)), score=score, known=KNOWN).shape == (0,)


@pytest.mark.parametrize("score", ORACLE)
@pytest.mark.parametrize("known", [None, np.ones(4, bool), np.zeros(4, bool)])
def test_an_oracle_score_needs_known_and_unknown_classes(
    score: str, known: np.ndarray | None
) -> None:
    n_known = 4 if known is None else int(known.sum())
    with pytest.raises(InputError) as caught:
        open_set_scores(SCORES, score=score, known=known)
    assert str(caught.value) == (
        f"open_set_scores: '{score}' compares known classes with unknown ones, so known must be "
        f"True for some and False for others, got {n_known} known of 4. Where all classes are "
        f"known, use 'known_only_max'."
    )


@pytest.mark.parametrize("score", KNOWN_ONLY)
def test_a_known_only_score_needs_two_classes_to_compare(score: str) -> None:
    with pytest.raises(InputError) as caught:
        open_set_scores(SCORES, score=score, known=np.array([True, False, False, False]))
    assert str(caught.value) == (
        f"open_set_scores: '{score}' compares known classes with each other and needs at least "
        f"two, got 1."
    )


@pytest.mark.parametrize(("value", "said"), [(-0.1, "-0.1"), (math.nan, "nan"), (math.inf, "inf")])
def test_logits_in_place_of_scores_are_refused_with_their_place(value: float, said: str) -> None:
    wrong = SCORES.copy()
    wrong[3, 1] = value
    with pytest.raises(InputError) as caught:
        open_set_scores(wrong, score="mcm")
    assert str(caught.value) == (
        f"open_set_scores: scores must be finite and 0 or more, got {said} in row 3, class 1. "
        f"Logits and similarities go to max_cosine_scores."
    )


@pytest.mark.parametrize(
    ("known", "what"),
    [(np.array([True, False]), "bool (2,)"), (np.array([1, 1, 0, 0]), "int64 (4,)")],
)
def test_a_mask_that_does_not_fit_is_refused(known: np.ndarray, what: str) -> None:
    with pytest.raises(ShapeError) as caught:
        open_set_scores(SCORES, score="oracle_sum", known=known)
    assert str(caught.value) == (
        f"open_set_scores: known needs True or False for each of 4 classes, got {what}."
    )


def test_an_unknown_score_is_answered_with_the_closest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'oracle_minmax'"):
        open_set_scores(SCORES, score="oracle_min_max", known=KNOWN)
    with pytest.raises(ShapeError, match="open_set_scores: fused needs two axes"):
        open_set_scores(SCORES[0], score="mcm")
