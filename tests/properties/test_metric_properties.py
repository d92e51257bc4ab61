from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import roc_auc_score

import oracle
from sightglass.evaluation.metrics import (
    auroc_score,
    confusion_matrix,
    expected_calibration_error,
    flat_hit_at_k_score,
    fpr_at_tpr,
    harmonic_mean,
    oscr_score,
    top_k_score,
)


@st.composite
def scored(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """Scores with many ties, labels that fit, and a k that fits."""
    n_images, n_classes = draw(st.integers(1, 8)), draw(st.integers(2, 6))
    few_values = st.sampled_from([-1.0, 0.0, 0.25, 0.5, 7.0])
    scores = draw(hnp.arrays(np.float32, (n_images, n_classes), elements=few_values))
    labels = draw(hnp.arrays(np.int64, n_images, elements=st.integers(0, n_classes - 1)))
    return scores, labels, draw(st.integers(1, n_classes))


def softmax(scores: np.ndarray) -> np.ndarray:
    exponentials = np.exp(scores.astype(np.float64))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@given(scored(), st.data())
def test_flat_hit_agrees_with_the_formula_written_as_loops(case: Any, data: st.DataObject) -> None:
    scores, labels, k = case
    classes = st.sets(st.integers(0, scores.shape[1] - 1))
    sets = [{int(label)} | data.draw(classes) for label in labels]
    assert flat_hit_at_k_score(scores, sets, k=k) == pytest.approx(
        oracle.flat_hit_at_k(scores.tolist(), sets, k), abs=1e-12
    )


@given(scored())
def test_top_k_is_flat_hit_with_one_label_each(case: Any) -> None:
    scores, labels, k = case
    assert top_k_score(scores, labels, k=k) == flat_hit_at_k_score(
        scores, [[int(label)] for label in labels], k=k
    )


@given(scored())
def test_top_k_grows_with_k_up_to_one(case: Any) -> None:
    scores, labels, _ = case
    n_classes = scores.shape[1]
    values = [top_k_score(scores, labels, k=k) for k in range(1, n_classes + 1)]
    assert values == sorted(values)
    assert values[0] >= 0.0
    assert values[-1] == 1.0


@given(scored())
def test_scale_and_offset_of_scores_do_not_change_top_k(case: Any) -> None:
    scores, labels, k = case
    assert top_k_score(scores * 4 + 8, labels, k=k) == top_k_score(scores, labels, k=k)


@given(scored(), st.randoms())
def test_the_order_of_images_changes_no_metric(case: Any, random: Any) -> None:
    scores, labels, k = case
    order = list(range(len(labels)))
    random.shuffle(order)
    assert top_k_score(scores[order], labels[order], k=k) == top_k_score(scores, labels, k=k)
    probabilities = softmax(scores)
    assert expected_calibration_error(probabilities[order], labels[order]) == pytest.approx(
        expected_calibration_error(probabilities, labels), abs=1e-12
    )


@given(scored(), st.integers(1, 20))
def test_calibration_error_agrees_with_loops_and_stays_in_range(case: Any, bins: int) -> None:
    scores, labels, _ = case
    probabilities = softmax(scores)
    ours = expected_calibration_error(probabilities, labels, bins=bins)
    theirs = oracle.expected_calibration_error(probabilities.tolist(), labels.tolist(), bins)
    assert ours == pytest.approx(theirs, abs=1e-12)
    assert 0.0 <= ours <= 1.0


@given(scored())
def test_perfect_scores_are_perfect(case: Any) -> None:
    scores, labels, k = case
    perfect = np.eye(scores.shape[1])[labels]
    assert top_k_score(perfect, labels, k=k) == 1.0
    assert expected_calibration_error(perfect, labels) == 0.0


@st.composite
def open_set(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Known and unknown images, at least one of each, with scores that often tie."""
    n_known, n_unknown = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    n = n_known + n_unknown
    unknown = np.array(draw(st.permutations([False] * n_known + [True] * n_unknown)))
    few_values = st.sampled_from([-np.inf, -1.0, 0.0, 0.25, 0.5, 7.0])
    scores = draw(hnp.arrays(np.float64, n, elements=few_values))
    return unknown, scores, draw(hnp.arrays(np.bool_, n))


@given(open_set())
def test_auroc_agrees_with_counting_all_pairs_and_with_scikit_learn(case: Any) -> None:
    unknown, scores, _ = case
    ours = auroc_score(unknown, scores)
    pairs = [(k, u) for k in scores[~unknown] for u in scores[unknown]]
    assert ours == pytest.approx(sum((k < u) + (k == u) / 2 for k, u in pairs) / len(pairs))
    assert ours == pytest.approx(roc_auc_score(unknown, np.maximum(scores, -9.0)), abs=1e-12)


@given(open_set())
def test_oscr_agrees_with_counting_all_pairs(case: Any) -> None:
    unknown, scores, correct = case
    known = list(zip(scores[~unknown], correct[~unknown], strict=True))
    pairs = [(k, right, u) for k, right in known for u in scores[unknown]]
    expected = sum(right * ((k < u) + (k == u) / 2) for k, right, u in pairs) / len(pairs)
    assert oscr_score(unknown, scores, correct) == pytest.approx(expected, abs=1e-12)


@given(open_set())
def test_oscr_is_auroc_where_all_is_right_and_never_above_the_accuracy(case: Any) -> None:
    unknown, scores, correct = case
    area = auroc_score(unknown, scores)
    assert oscr_score(unknown, scores, np.ones_like(correct)) == area
    value = oscr_score(unknown, scores, correct)
    assert 0.0 <= value <= min(area, correct[~unknown].mean()) + 1e-12


@given(open_set(), st.sampled_from(["0.05", "0.5", "0.9", "0.95", "1"]))
def test_fpr_agrees_with_trying_every_threshold(case: Any, written: str) -> None:
    unknown, scores, _ = case
    known, others = scores[~unknown].tolist(), scores[unknown].tolist()
    share = Fraction(written)
    accepting = next(t for t in sorted(known) if sum(s <= t for s in known) >= share * len(known))
    expected = sum(s <= accepting for s in others) / len(others)
    assert fpr_at_tpr(unknown, scores, tpr=float(written)) == expected
    finding = next(
        t
        for t in sorted(others, reverse=True)
        if sum(s >= t for s in others) >= share * len(others)
    )
    expected = sum(s >= finding for s in known) / len(known)
    assert fpr_at_tpr(unknown, scores, tpr=float(written), positive="unknown") == expected


@given(open_set())
def test_turning_the_scores_round_turns_the_open_set_metrics_round(case: Any) -> None:
    unknown, scores, _ = case
    assert auroc_score(unknown, -scores) == pytest.approx(1 - auroc_score(unknown, scores))
    assert fpr_at_tpr(~unknown, -scores) == fpr_at_tpr(unknown, scores, positive="unknown")


@given(scored())
def test_the_confusion_matrix_counts_every_image_once(case: Any) -> None:
    scores, labels, _ = case
    n_classes = scores.shape[1]
    answers = scores.argmax(axis=1)
    matrix = confusion_matrix(answers, labels, n_classes=n_classes)
    assert matrix.sum() == len(labels)
    assert matrix.sum(axis=1).tolist() == [sum(labels == c) for c in range(n_classes)]
    assert matrix.trace() / len(labels) == top_k_score(scores, labels, k=1)


@given(st.floats(0, 100), st.floats(0, 100))
def test_the_harmonic_mean_lies_between_its_numbers_nearer_to_the_lower(a: float, b: float) -> None:
    mean = harmonic_mean(a, b)
    assert min(a, b) - 1e-9 <= mean <= (a + b) / 2 + 1e-9
    assert mean == harmonic_mean(b, a)
