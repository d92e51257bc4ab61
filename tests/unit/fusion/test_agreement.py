from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from sightglass.fusion.agreement import MOST_PER_CLASS, Hits, confident_answers, hits_among

NEVER = -np.inf


def confident_by_loops(similarity: np.ndarray) -> dict[int, int]:
    chosen = {}
    for index in range(similarity.shape[1]):
        rises = []
        for row, line in enumerate(similarity.tolist()):
            finite = [value for value in line if value > NEVER]
            if finite and line.index(max(finite)) == index:
                rises.append((-(max(finite) - sum(finite) / len(finite)), row))
        half = (len(rises) + 1) // 2
        for _, row in sorted(rises)[: min(half, 16)]:
            chosen[row] = index
    return chosen


@pytest.mark.parametrize(("n", "n_classes"), [(0, 3), (1, 2), (90, 2), (200, 7)])
def test_the_surest_half_of_each_class_is_taken_and_at_most_sixteen(n: int, n_classes: int) -> None:
    similarity = np.random.default_rng(1).standard_normal((n, n_classes))
    rows, classes = confident_answers(similarity)
    found = dict(zip(rows.tolist(), classes.tolist(), strict=True))
    assert found == confident_by_loops(similarity)
    assert max(np.bincount(classes, minlength=1)) <= MOST_PER_CLASS


def test_sure_is_what_stands_out_from_the_mean_not_what_is_high() -> None:
    # Class 0 is the best of all four rows. They rise above their means by 0, 0.25, 0.05 and 0.1.
    similarity = np.array([[0.9, 0.9], [0.5, 0.0], [0.6, 0.5], [0.3, 0.1]])
    rows, classes = confident_answers(similarity)
    assert rows.tolist() == [1, 3]
    assert classes.tolist() == [0, 0]


def test_a_row_that_is_possible_nowhere_has_no_answer_and_impossible_classes_do_not_count() -> None:
    similarity = np.array([[NEVER, NEVER, NEVER], [0.2, 0.4, NEVER], [np.nan, 0.1, 0.3]])
    rows, classes = confident_answers(similarity)
    assert dict(zip(rows.tolist(), classes.tolist(), strict=True)) == {1: 1, 2: 2}
    assert confident_by_loops(np.where(np.isnan(similarity), NEVER, similarity)) == {1: 1, 2: 2}


def test_hits_are_counted_where_the_label_can_be_judged() -> None:
    # The answers to the first three rows are 0, 1, 1; the fourth cannot be right and is left out.
    # By hand: 2 hits of 3. Of the answers (1, 2, 0) and the labels (2, 1, 0) of each class,
    # 1 * 2 + 2 * 1 = 4 of 9 pairs would hit.
    similarity = np.array(
        [[0.5, 0.1, NEVER], [0.1, 0.5, NEVER], [0.1, 0.5, 0.0], [0.9, 0.1, NEVER]]
    )
    hits = hits_among(similarity, np.array([0, 1, 0, 2]))
    assert (hits.hits, hits.n) == (2, 3)
    np.testing.assert_allclose(hits.chance, 4 / 9, rtol=1e-12)
    np.testing.assert_allclose(hits.share, 2 / 3, rtol=1e-12)
    # (2/3 - 4/9) / (5/9) = 2/5.
    np.testing.assert_allclose(hits.reliability, 0.4, rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_reliability_is_cohens_kappa_where_that_is_not_negative(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, 60) // 2
    similarity = rng.standard_normal((60, 3)) + 0.8 * seed * np.eye(3)[labels]
    expected = max(0.0, cohen_kappa_score(labels, similarity.argmax(axis=1)))
    np.testing.assert_allclose(hits_among(similarity, labels).reliability, expected, rtol=1e-9)


def test_balanced_labels_have_the_chance_of_one_class_in_many() -> None:
    similarity = np.random.default_rng(0).standard_normal((40, 8))
    np.testing.assert_allclose(hits_among(similarity, np.arange(40) % 8).chance, 1 / 8, rtol=1e-12)


def test_one_answer_to_all_is_no_better_than_chance_however_common_it_is() -> None:
    hits = hits_among(np.tile([0.9, 0.1], (100, 1)), (np.arange(100) >= 95).astype(int))
    assert hits.share == 0.95
    assert not hits.above_chance
    assert hits.reliability == 0.0


def test_nothing_to_count_is_no_agreement() -> None:
    for similarity in (np.zeros((0, 3)), np.full((2, 3), NEVER)):
        hits = hits_among(similarity, np.zeros(len(similarity), int))
        assert (hits.hits, hits.n, hits.share, hits.reliability) == (0, 0, 0.0, 0.0)
        assert not hits.above_chance


def test_reliability_is_nought_for_guessing_and_one_for_no_miss() -> None:
    assert Hits(hits=10, n=100, chance=0.1).reliability == 0.0
    assert Hits(hits=2, n=100, chance=0.1).reliability == 0.0
    assert Hits(hits=100, n=100, chance=0.1).reliability == 1.0
    np.testing.assert_allclose(Hits(hits=55, n=100, chance=0.1).reliability, 0.5, rtol=1e-12)
