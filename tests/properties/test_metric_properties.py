from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import oracle
from sightglass.evaluation.metrics import (
    expected_calibration_error,
    flat_hit_at_k_score,
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
