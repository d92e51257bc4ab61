"""Flat hit at k: the worked example, and the mistakes that are easily made with it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import oracle
from sightglass.errors import InputError, ShapeError
from sightglass.evaluation.metrics import (
    best_ranks,
    flat_hit_at_k_score,
    top_k_hits,
    top_k_score,
)

# METHODS.md §F, C7.
SIMILARITIES = np.array([[0.9, 0.8, 0.1, 0.2], [0.2, 0.3, 0.6, 0.5], [0.1, 0.2, 0.3, 0.4]])
SETS = [{1}, {2, 3}, {0, 1}]
PADDED = np.array([[1, -1], [2, 3], [0, 1]])
MARKED = np.array([[0, 1, 0, 0], [0, 0, 1, 1], [1, 1, 0, 0]], dtype=bool)


@pytest.mark.parametrize(("k", "expected"), [(1, 0.333333), (2, 0.666667), (3, 1.0)])
@pytest.mark.parametrize("sets", [SETS, PADDED, MARKED], ids=["sets", "padded", "marked"])
def test_every_form_of_label_sets_gives_the_worked_example(
    k: int, expected: float, sets: np.ndarray
) -> None:
    assert flat_hit_at_k_score(SIMILARITIES, sets, k=k) == pytest.approx(expected, abs=1e-6)


def test_the_mean_is_over_images_and_not_over_classes() -> None:
    # Three images of class 0 are right, the one of class 1 is wrong: 3/4. By class: (1 + 0) / 2.
    scores = np.array([[1.0, 0.0]] * 4)
    assert flat_hit_at_k_score(scores, [[0], [0], [0], [1]], k=1) == 0.75


def test_one_of_several_labels_is_enough() -> None:
    # Of {0, 2} only 0 is among the two best.
    assert flat_hit_at_k_score(np.array([[3.0, 2.0, 1.0]]), [[0, 2]], k=2) == 1.0


def test_padding_is_no_label_and_never_the_last_class() -> None:
    # Index -1 read as a class would be class 2, the best one.
    scores = np.array([[0.1, 0.2, 0.9]])
    assert flat_hit_at_k_score(scores, np.array([[0, -1]]), k=1) == 0.0
    assert flat_hit_at_k_score(scores, np.array([[-1, 2]]), k=1) == 1.0


def test_more_than_there_are_classes_cannot_be_asked_for() -> None:
    with pytest.raises(InputError, match=r"k must be between 1 and 4 \(the classes\), got 5"):
        flat_hit_at_k_score(SIMILARITIES, SETS, k=5)


def test_classes_of_one_name_stay_two_and_shift_no_label_behind_them() -> None:
    # Candidates: ball, ball, cat. The picture is a cat, index 2; without the second ball it would
    # be index 1, and index 2 would be none.
    of_names = {"ball": 0.1, "cat": 0.9}
    scores = np.array([[of_names[name] for name in ("ball", "ball", "cat")]])
    assert flat_hit_at_k_score(scores, [[2]], k=1) == 1.0
    # Of two equal ones the first comes first, so that the second is found at 2 and not at 1.
    ball = np.array([[0.9, 0.9, 0.1]])
    assert [flat_hit_at_k_score(ball, [[1]], k=k) for k in (1, 2)] == [0.0, 1.0]


@pytest.mark.parametrize(
    "sets", [[{1}, set()], np.array([[1], [-1]]), MARKED[:2] & [[True], [False]]]
)
def test_an_image_without_any_label_is_refused(sets: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"every image needs a label, got none for row 1\. Leave"):
        flat_hit_at_k_score(SIMILARITIES[:2], sets, k=1)


def test_marks_need_a_place_for_each_image_and_class() -> None:
    with pytest.raises(ShapeError, match=r"shape \(3, 4\), got \(3, 3\)"):
        flat_hit_at_k_score(SIMILARITIES, MARKED[:, :3], k=1)


def test_labels_of_few_bits_may_stand_beside_many_classes() -> None:
    scores = np.arange(600, dtype=np.float32)[None]
    assert best_ranks(scores, np.array([[250]], dtype=np.uint8)).tolist() == [349]


def ranks_by_counting(scores: np.ndarray, sets: list[list[int]]) -> list[int]:
    """For each label how many classes are better, or equal and before it; the least of these."""
    n_classes = scores.shape[1]
    return [
        min(
            sum(row[c] > row[one] or (row[c] == row[one] and c < one) for c in range(n_classes))
            for one in labels
        )
        for row, labels in zip(scores, sets, strict=True)
    ]


@st.composite
def labelled_scores(draw: st.DrawFn) -> tuple[np.ndarray, list[list[int]]]:
    """Scores with many ties and with classes that cannot be judged, and sets of labels."""
    n_images, n_classes = draw(st.integers(1, 6)), draw(st.integers(1, 7))
    values = st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0])
    scores = draw(hnp.arrays(np.float32, (n_images, n_classes), elements=values))
    some = st.lists(st.integers(0, n_classes - 1), min_size=1, max_size=4)
    return scores, [draw(some) for _ in range(n_images)]


@given(labelled_scores())
def test_ranks_are_those_found_by_counting(case: tuple[np.ndarray, list[list[int]]]) -> None:
    scores, sets = case
    assert best_ranks(scores, sets).tolist() == ranks_by_counting(scores, sets)


@given(labelled_scores(), st.integers(1, 7))
def test_top_k_is_to_the_bit_the_share_found_by_sorting(
    case: tuple[np.ndarray, list[list[int]]], k: int
) -> None:
    scores, sets = case
    k = min(k, scores.shape[1])
    labels = np.array([one[0] for one in sets])
    hits = [
        one in oracle.best_classes(row, k) for row, one in zip(scores.tolist(), labels, strict=True)
    ]
    assert top_k_hits(scores, labels, k=k).tolist() == hits
    assert top_k_score(scores, labels, k=k) == np.array(hits).mean()
    assert top_k_score(scores, labels, k=k) == flat_hit_at_k_score(scores, labels[:, None], k=k)
