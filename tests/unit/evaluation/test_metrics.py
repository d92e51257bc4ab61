from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import top_k_accuracy_score

import oracle
from sightglass.errors import InputError, ShapeError
from sightglass.evaluation.metrics import (
    expected_calibration_error,
    flat_hit_at_k_score,
    top_k_score,
)

# A worked example: scores of six images over four classes (fused scores of an open-set toy).
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
LABELS = np.array([0, 1, 2, 3, 0, 2])


# By hand: the label's rank is 1 in rows 1, 2, 3, 5; 3 in row 4 (class 0 ties with it and comes
# first); 2 in row 6. So 4/6, 5/6 and 6/6.
@pytest.mark.parametrize(("k", "expected"), [(1, 4 / 6), (2, 5 / 6), (3, 1.0), (4, 1.0)])
def test_top_k_of_the_worked_example(k: int, expected: float) -> None:
    assert top_k_score(SCORES, LABELS, k=k) == pytest.approx(expected, abs=1e-15)


# By hand: the best classes are 0; 2, 3; 3, 2, 1.
@pytest.mark.parametrize(("k", "expected"), [(1, 1 / 3), (2, 2 / 3), (3, 1.0)])
def test_flat_hit_of_the_worked_example(k: int, expected: float) -> None:
    similarity = np.array([[0.9, 0.8, 0.1, 0.2], [0.2, 0.3, 0.6, 0.5], [0.1, 0.2, 0.3, 0.4]])
    padded = np.array([[1, -1], [2, 3], [0, 1]])
    assert flat_hit_at_k_score(similarity, padded, k=k) == pytest.approx(expected, abs=1e-15)
    assert flat_hit_at_k_score(similarity, [{1}, {2, 3}, {0, 1}], k=k) == pytest.approx(expected)


def test_padding_may_stand_anywhere_in_a_row() -> None:
    scores = np.array([[0.1, 0.9, 0.5]])
    assert flat_hit_at_k_score(scores, np.array([[-1, 1, -1]]), k=1) == 1.0
    assert flat_hit_at_k_score(scores, np.array([[-1, 0, -1]]), k=2) == 0.0


def test_of_equal_scores_the_lower_class_index_comes_first() -> None:
    scores = np.zeros((3, 3))
    assert top_k_score(scores, np.array([0, 1, 2]), k=1) == pytest.approx(1 / 3)
    assert top_k_score(scores, np.array([0, 1, 1]), k=2) == 1.0
    assert top_k_score(scores, np.array([2, 2, 2]), k=2) == 0.0


def test_classes_that_cannot_be_judged_come_last() -> None:
    scores = np.array([[-np.inf, -0.5, -np.inf]])
    assert top_k_score(scores, np.array([1]), k=1) == 1.0
    assert top_k_score(scores, np.array([2]), k=2) == 0.0


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k_agrees_with_scikit_learn_where_no_scores_tie(k: int) -> None:
    # scikit-learn puts the higher index first among equal scores; these are all different.
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(400, 7)).astype(np.float32)
    labels = rng.integers(0, 7, size=400)
    theirs = top_k_accuracy_score(labels, scores, k=k, labels=range(7))
    assert top_k_score(scores, labels, k=k) == pytest.approx(theirs, abs=1e-15)


def test_unsigned_and_integer_scores_are_ranked_as_numbers() -> None:
    scores = np.array([[0, 200, 100]], dtype=np.uint8)
    assert top_k_score(scores, np.array([1], dtype=np.uint8), k=1) == 1.0


@pytest.mark.parametrize("k", [0, 5, -1])
def test_a_k_that_no_ranking_has_is_refused(k: int) -> None:
    with pytest.raises(InputError, match=rf"k must be between 1 and 4 \(the classes\), got {k}"):
        top_k_score(SCORES, LABELS, k=k)


def test_a_label_beyond_the_classes_is_refused() -> None:
    with pytest.raises(InputError, match=r"labels must be below 4 .* got 0 to 4"):
        top_k_score(SCORES, np.array([0, 1, 2, 3, 4, 0]), k=1)
    with pytest.raises(InputError, match="got -2 to 3"):
        top_k_score(SCORES, np.array([0, 1, 2, 3, -2, 0]), k=1)


def test_an_image_without_label_is_refused() -> None:
    with pytest.raises(InputError, match="every image needs a label, got none for row 1"):
        flat_hit_at_k_score(SCORES[:2], [{1}, set()], k=1)
    with pytest.raises(InputError, match="got none for row 0"):
        top_k_score(SCORES[:1], np.array([-1]), k=1)


def test_labels_that_are_no_integers_are_refused() -> None:
    with pytest.raises(InputError, match="labels must be integers, got float64"):
        top_k_score(SCORES, LABELS.astype(float), k=1)


def test_nan_scores_are_refused() -> None:
    with pytest.raises(InputError, match="scores must be numbers, got NaN"):
        top_k_score(np.where(SCORES == 0.5, np.nan, SCORES), LABELS, k=1)


def test_no_images_are_refused() -> None:
    with pytest.raises(InputError, match="at least one image and one class are needed"):
        top_k_score(np.zeros((0, 4)), np.zeros(0, dtype=int), k=1)
    with pytest.raises(InputError, match="at least one image and one class are needed"):
        flat_hit_at_k_score(np.zeros((0, 4)), [], k=1)


def test_shapes_that_do_not_match_are_refused() -> None:
    with pytest.raises(ShapeError, match="got 6 for 2 rows"):
        top_k_score(SCORES[:2], LABELS, k=1)
    with pytest.raises(ShapeError, match=r"labels need shape \(n_images,\), got \(6, 1\)"):
        top_k_score(SCORES, LABELS[:, None], k=1)
    with pytest.raises(ShapeError, match="label_sets need shape"):
        flat_hit_at_k_score(SCORES, LABELS, k=1)
    with pytest.raises(ShapeError, match="scores needs two axes"):
        top_k_score(SCORES[0], LABELS, k=1)
    with pytest.raises(ShapeError, match=r"labels need shape \(n_images,\), got \(6, 1\)"):
        expected_calibration_error(np.full((6, 4), 0.25), LABELS[:, None])


def test_calibration_error_by_hand() -> None:
    # Two bins. Confidence .6 right and .8 wrong fall into (.5, 1]: accuracy .5, confidence .7,
    # gap .2. Confidence .5 right falls into (0, .5]: gap .5. (2 * .2 + 1 * .5) / 3 = .3.
    probabilities = np.array([[0.6, 0.4], [0.2, 0.8], [0.5, 0.5]])
    error = expected_calibration_error(probabilities, np.array([0, 0, 0]), bins=2)
    assert error == pytest.approx(0.3, abs=1e-15)


def test_calibration_error_of_a_single_bin_is_the_gap_of_the_means() -> None:
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.6, 0.4]])
    # Mean confidence .75, accuracy 2/4.
    error = expected_calibration_error(probabilities, np.array([0, 1, 1, 1]), bins=1)
    assert error == pytest.approx(0.25, abs=1e-15)


def test_calibration_error_agrees_with_scikit_learns_curve() -> None:
    rng = np.random.default_rng(11)
    probabilities = rng.dirichlet(np.full(5, 0.4), size=1000)
    labels = rng.integers(0, 5, size=1000)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    accuracy, mean = calibration_curve(right, confidence, n_bins=15, strategy="uniform")
    counts, _ = np.histogram(confidence, bins=15, range=(0, 1))
    expected = (counts[counts > 0] * np.abs(accuracy - mean)).sum() / 1000
    ours = expected_calibration_error(probabilities, labels)
    assert ours == pytest.approx(expected, abs=1e-12)
    assert ours == pytest.approx(
        oracle.expected_calibration_error(probabilities.tolist(), labels.tolist(), 15), abs=1e-12
    )


def test_sure_and_right_is_no_error_and_sure_and_wrong_is_all() -> None:
    assert expected_calibration_error(np.eye(4), np.arange(4)) == 0.0
    assert expected_calibration_error(np.eye(4), np.array([1, 2, 3, 0])) == 1.0


@pytest.mark.parametrize("row", [[0.2, 0.2], [1.5, -0.5], [3.0, 1.0]])
def test_rows_that_are_no_probabilities_are_refused(row: list[float]) -> None:
    with pytest.raises(InputError, match=r"every row must be probabilities.* Take the softmax"):
        expected_calibration_error(np.array([row]), np.array([0]))


def test_fewer_than_one_bin_is_refused() -> None:
    with pytest.raises(InputError, match="bins must be at least 1, got 0"):
        expected_calibration_error(np.eye(2), np.arange(2), bins=0)
