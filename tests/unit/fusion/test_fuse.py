from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import fusion_oracle
from sightglass.errors import InputError, ShapeError, UnknownNameError
from sightglass.fusion import MODES, WEIGHTINGS, Fused, fuse

# The worked example of the specification: similarities of one image with three classes by text,
# by CLIP references and by DINO references, times 100, 10 and 10. The numbers expected of it were
# computed there by another program and are given to six digits.
TEXT = np.array([[28.0, 24.0, 20.0]])
CLIP = np.array([[6.8, 7.4, 5.2]])
DINO = np.array([[2.5, 4.5, 0.5]])
HEADS = [TEXT, CLIP, DINO]
SIX_DIGITS = {"rtol": 0, "atol": 1e-6}
NOTHING = -math.inf


def test_each_alignment_keeps_its_own_distribution() -> None:
    distributions = fuse(HEADS).distributions[:, 0]
    expected = [
        [0.981690, 0.017980, 0.000329],
        [0.330686, 0.602549, 0.066764],
        [0.117310, 0.866813, 0.015876],
    ]
    np.testing.assert_allclose(distributions, expected, **SIX_DIGITS)


@pytest.mark.parametrize(
    ("weighting", "constants", "weights", "scores", "probabilities"),
    [
        (
            "max",
            None,
            (0.981690, 0.602549, 0.866813),
            (1.264657, 1.132082, 0.054314),
            (0.515965, 0.461876, 0.022159),
        ),
        (
            "inverse_entropy",
            None,
            (10.748526, 1.173874, 2.267273),
            (11.205883, 2.865882, 0.117908),
            (0.789721, 0.201970, 0.008309),
        ),
        (
            "exp_neg_entropy",
            None,
            (0.911162, 0.426613, 0.643356),
            (1.111026, 0.831107, 0.038997),
            (0.560804, 0.419512, 0.019684),
        ),
        (
            "fixed",
            None,
            (1.0, 1.0, 1.0),
            (1.429687, 1.487343, 0.082970),
            (0.476562, 0.495781, 0.027657),
        ),
        (
            "fixed",
            (0.3, 0.3, 0.4),
            (0.3, 0.3, 0.4),
            (0.440637, 0.532884, 0.026479),
            (0.440637, 0.532884, 0.026479),
        ),
    ],
)
def test_the_worked_example_comes_out_under_every_weighting_of_the_paper(
    weighting: str,
    constants: tuple[float, ...] | None,
    weights: tuple[float, ...],
    scores: tuple[float, ...],
    probabilities: tuple[float, ...],
) -> None:
    fused = fuse(HEADS, weighting=weighting, fixed_weights=constants)
    np.testing.assert_allclose(fused.weights[:, 0], weights, **SIX_DIGITS)
    np.testing.assert_allclose(fused.scores[0], scores, **SIX_DIGITS)
    np.testing.assert_allclose(fused.probabilities[0], probabilities, **SIX_DIGITS)


def test_confidence_decides_the_worked_example_otherwise_than_equal_weights() -> None:
    best = {
        weighting: int(fuse(HEADS, weighting=weighting).probabilities.argmax())
        for weighting in ("max", "inverse_entropy", "exp_neg_entropy", "fixed")
    }
    assert best == {"max": 0, "inverse_entropy": 0, "exp_neg_entropy": 0, "fixed": 1}


def test_inverse_entropy_by_the_papers_formula_is_the_default() -> None:
    fused = fuse(HEADS)
    assert (fused.weighting, fused.mode) == ("inverse_entropy", "paper_formula")
    assert fused.weights[0, 0] == pytest.approx(10.748526, abs=1e-6)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_fixed_weights_count_by_their_ratios(scale: float) -> None:
    fused = fuse(HEADS, weighting="fixed", fixed_weights=[0.3 * scale, 0.3 * scale, 0.4 * scale])
    np.testing.assert_allclose(fused.probabilities[0], (0.440637, 0.532884, 0.026479), **SIX_DIGITS)
    assert fused.weights[2, 0] == 0.4 * scale


def test_a_certain_alignment_weighs_a_million_and_no_more() -> None:
    assert fuse([np.array([[0.0, -1e4, -1e4]])]).weights.tolist() == [[1_000_000.0]]


def test_the_released_code_gives_a_certain_alignment_two_million_millions() -> None:
    # -ln(1 + 1e-6) + 1e-6 = 5e-13 to first order; float64 leaves four digits of it.
    fused = fuse([np.array([[0.0, -1e4, -1e4]])], mode="released_code")
    assert fused.weights[0, 0] == pytest.approx(2e12, rel=1e-3)
    assert fused.mode == "released_code"


def test_the_released_code_differs_by_what_stands_in_the_logarithm() -> None:
    # By hand: p = (3/4, 1/4).
    entropy = -(0.75 * math.log(0.750001) + 0.25 * math.log(0.250001))
    logits = [np.log([[3.0, 1.0]])]
    inverse = fuse(logits, mode="released_code").weights[0, 0]
    power = fuse(logits, weighting="exp_neg_entropy", mode="released_code").weights[0, 0]
    assert inverse == pytest.approx(1 / (entropy + 1e-6), rel=1e-12)
    assert power == pytest.approx(math.exp(-entropy), rel=1e-12)
    assert fuse(logits, weighting="max", mode="released_code").weights[0, 0] == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("n_classes", "largest", "inverse"),
    [(3, 0.333333, 0.910238), (10, 0.1, 0.434294), (100, 0.01, 0.217147)],
)
def test_an_alignment_without_preference_has_the_least_weight(
    n_classes: int, largest: float, inverse: float
) -> None:
    tied = [np.full((1, n_classes), 7.0)]
    weights = {
        weighting: fuse(tied, weighting=weighting).weights[0, 0]
        for weighting in ("max", "exp_neg_entropy", "inverse_entropy")
    }
    expected = {"max": largest, "exp_neg_entropy": largest, "inverse_entropy": inverse}
    assert weights == pytest.approx(expected, abs=1e-6)


def test_an_alignment_is_judged_by_the_classes_that_it_judges() -> None:
    # By hand: p_text = (1/2, 1/4, 1/4), p_other = (-, 3/4, 1/4); max weighs 1/2 and 3/4, so
    # S = (1/4, 1/8 + 9/16, 1/8 + 3/16) = (4, 11, 5) / 16, to be divided by 5/4.
    text, other = np.log([[2.0, 1.0, 1.0]]), np.log([[9.0, 3.0, 1.0]])
    fused = fuse([text, other], weighting="max", judged=[None, np.array([False, True, True])])
    np.testing.assert_allclose(fused.distributions[1], [[0.0, 0.75, 0.25]], rtol=1e-12)
    np.testing.assert_allclose(fused.weights, [[0.5], [0.75]], rtol=1e-12)
    np.testing.assert_allclose(fused.scores, [[4 / 16, 11 / 16, 5 / 16]], rtol=1e-12)
    np.testing.assert_allclose(fused.probabilities, [[0.2, 0.55, 0.25]], rtol=1e-12)


def test_the_entropy_leaves_out_classes_that_are_not_judged() -> None:
    logits = np.array([[1.0, 4.0, 1.0, 9.0]])
    fused = fuse([logits], judged=[np.array([True, False, True, False])])
    assert fused.weights[0, 0] == pytest.approx(1 / (math.log(2) + 1e-6), rel=1e-12)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("hidden", [NOTHING, math.inf, math.nan, 1e30])
def test_what_stands_at_a_class_that_is_not_judged_is_not_looked_at(
    weighting: str, hidden: float
) -> None:
    mask = np.array([[True, True, True], [True, False, True]])
    answers = []
    for value in (0.0, hidden):
        other = np.array([[1.0, value, 2.0]])
        answers.append(
            fuse([TEXT, other], weighting=weighting, judged=mask, fixed_weights=(1.0, 0.5))
        )
    assert np.array_equal(answers[0].probabilities, answers[1].probabilities)
    assert np.array_equal(answers[0].weights, answers[1].weights)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_an_alignment_that_judges_no_class_is_as_good_as_absent(weighting: str) -> None:
    nobody = np.zeros(3, bool)
    alone = fuse([TEXT, DINO], weighting=weighting, fixed_weights=(1.0, 0.5))
    beside = fuse(
        [TEXT, CLIP, DINO],
        weighting=weighting,
        judged=[None, nobody, None],
        fixed_weights=(1.0, 2.0, 0.5),
    )
    assert np.array_equal(beside.probabilities, alone.probabilities)
    assert beside.weights[1].tolist() == [0.0]
    assert beside.distributions[1].tolist() == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_an_image_for_which_all_is_impossible_is_left_to_the_others(weighting: str) -> None:
    # Text speaks of both images, the references only of the first.
    text = np.log([[3.0, 1.0], [3.0, 1.0]])
    other = np.array([[0.0, 1.0], [NOTHING, NOTHING]])
    fused = fuse([text, other], weighting=weighting, fixed_weights=(1.0, 1.0))
    np.testing.assert_allclose(fused.probabilities[1], [0.75, 0.25], rtol=1e-12)
    assert fused.weights[1, 0] > 0
    assert fused.weights[1, 1] == 0.0


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_a_class_that_nobody_judges_has_probability_nought(weighting: str) -> None:
    masks = np.array([[True, False, True], [True, False, False], [False, False, True]])
    fused = fuse(HEADS, weighting=weighting, judged=masks, fixed_weights=(1.0, 1.0, 1.0))
    assert fused.probabilities[0, 1] == 0.0
    assert fused.probabilities.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_an_image_that_nobody_judges_has_a_row_of_noughts(weighting: str) -> None:
    # The second image: every class impossible for both. The third: no class judged at all.
    rows = np.array([[1.0, 2.0], [NOTHING, NOTHING]])
    fused = fuse([rows, rows], weighting=weighting, fixed_weights=(1.0, 1.0))
    assert fused.probabilities[1].tolist() == [0.0, 0.0]
    assert fused.scores[1].tolist() == [0.0, 0.0]
    assert fused.weights[:, 1].tolist() == [0.0, 0.0]
    assert fused.probabilities[0].sum() == pytest.approx(1.0)
    nobody = fuse(HEADS, weighting=weighting, judged=np.zeros((3, 3), bool), fixed_weights=[1] * 3)
    assert nobody.probabilities.tolist() == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_extreme_logits_neither_overflow_nor_become_nan(weighting: str, mode: str) -> None:
    heads = [
        np.array([[1e4, -1e4, 1e4], [1e4, 0.0, 0.0], [0.0, -740.0, -745.0]]),
        np.array([[-1e4, -1e4, -1e4], [0.0, 1e4, NOTHING], [3e38, -3e38, 0.0]], np.float32),
    ]
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        fused = fuse(heads, weighting=weighting, mode=mode, fixed_weights=(0.5, 2.0))
    for row in range(3):
        expected = fusion_oracle.fused_row(
            [head[row].tolist() for head in heads], [[True] * 3] * 2, weighting, (0.5, 2.0), mode
        )
        np.testing.assert_allclose(fused.probabilities[row], expected.probabilities, **SIX_DIGITS)
        np.testing.assert_allclose(fused.weights[:, row], expected.weights, rtol=1e-6)


def test_probabilities_too_small_for_their_full_precision_do_no_harm() -> None:
    # e^-740 is below 2.2e-308: p ln p is still a number, and far below any weight's precision.
    fused = fuse([np.array([[0.0, -740.0]])])
    assert 0 < fused.distributions[0, 0, 1] < 2.3e-308
    assert fused.weights.tolist() == [[1_000_000.0]]


def test_float32_logits_give_float64_answers_and_are_left_alone() -> None:
    logits = [head.astype(np.float32) for head in HEADS]
    fused = fuse(logits, judged=[None, np.array([True, False, True]), None])
    for values in (fused.probabilities, fused.scores, fused.weights, fused.distributions):
        assert values.dtype == np.float64
    assert [head.tolist() for head in logits] == [
        head.astype(np.float32).tolist() for head in HEADS
    ]


def test_the_memory_layout_of_the_logits_changes_no_bit() -> None:
    rng = np.random.default_rng(8)
    heads = [rng.standard_normal((17, 50)) * 9 for _ in range(3)]
    one = fuse(heads)
    other = fuse([np.asfortranarray(head) for head in heads])
    assert np.array_equal(one.probabilities, other.probabilities)
    assert np.array_equal(one.weights, other.weights)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_no_images_give_no_rows(weighting: str, mode: str) -> None:
    fused = fuse([np.empty((0, 4))] * 2, weighting=weighting, mode=mode, fixed_weights=(1.0, 1.0))
    assert fused.probabilities.shape == fused.scores.shape == (0, 4)
    assert fused.weights.shape == (2, 0)
    assert fused.distributions.shape == (2, 0, 4)


def test_one_stack_of_logits_is_taken_as_its_matrices() -> None:
    assert np.array_equal(fuse(np.stack(HEADS)).probabilities, fuse(HEADS).probabilities)


def test_a_fused_value_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        fuse(HEADS).mode = "released_code"
    assert [field.name for field in dataclasses.fields(Fused)] == [
        "probabilities",
        "scores",
        "weights",
        "distributions",
        "weighting",
        "mode",
    ]


@pytest.mark.parametrize(("value", "said"), [(math.nan, "nan"), (math.inf, "inf")])
def test_a_logit_that_is_no_number_is_refused_with_its_place(value: float, said: str) -> None:
    wrong = np.zeros((4, 3))
    wrong[2, 1] = value
    with pytest.raises(InputError) as caught:
        fuse([np.zeros((4, 3)), wrong])
    assert str(caught.value) == (
        f"fuse: the logits of judged classes must be numbers below +inf, got {said} in alignment "
        f"1, row 2, class 1. A class that it cannot judge must be False in judged."
    )


@pytest.mark.parametrize(
    ("logits", "sentence"),
    [
        ([], "logits of at least one alignment are needed, got none."),
        (
            np.zeros((4, 3)),
            "logits of alignment 0 needs two axes (rows, width), got shape (3,).",
        ),
        (
            [np.zeros((4, 3)), np.zeros((4, 2))],
            "all alignments need logits of one shape with at least one class, got (4, 2) from "
            "alignment 1 and (4, 3) from alignment 0.",
        ),
        (
            [np.zeros((4, 0))],
            "all alignments need logits of one shape with at least one class, got (4, 0) from "
            "alignment 0 and (4, 0) from alignment 0.",
        ),
    ],
)
def test_logits_that_do_not_fit_together_are_refused(
    logits: list[np.ndarray], sentence: str
) -> None:
    with pytest.raises(ShapeError) as caught:
        fuse(logits)
    assert str(caught.value) == f"fuse: {sentence}"


@pytest.mark.parametrize(
    ("judged", "sentence"),
    [
        ([None], "judged needs one entry per alignment, got 1 for 3."),
        (
            [None, np.array([1, 0, 1]), None],
            "judged needs True or False for each of 3 classes, got int64 (3,) for alignment 1.",
        ),
        (
            np.array([True, True, False]),
            "judged needs True or False for each of 3 classes, got bool () for alignment 0.",
        ),
    ],
)
def test_masks_that_do_not_fit_are_refused(judged: list[np.ndarray | None], sentence: str) -> None:
    with pytest.raises(ShapeError) as caught:
        fuse(HEADS, judged=judged)
    assert str(caught.value) == f"fuse: {sentence}"


def test_fixed_weights_that_mean_nothing_are_refused_whatever_the_weighting() -> None:
    for weights in ([0, 0, 0], [1, -1, 1], [1, math.nan, 1], [1, math.inf, 1]):
        with pytest.raises(InputError, match="must be finite, 0 or more and not all 0, got"):
            fuse(HEADS, weighting="fixed", fixed_weights=weights)
    with pytest.raises(ShapeError) as caught:
        fuse(HEADS, fixed_weights=[1.0, 2.0])
    assert str(caught.value) == (
        "fuse: fixed_weights needs one number per alignment, got shape (2,) for 3 alignments."
    )


def test_an_unknown_weighting_or_mode_is_answered_with_the_closest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'inverse_entropy'"):
        fuse(HEADS, weighting="inv_entropy")
    with pytest.raises(UnknownNameError, match=r"Unknown fusion mode 'paper'\. Did you mean"):
        fuse(HEADS, mode="paper")
