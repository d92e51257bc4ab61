from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from sightglass.errors import InputError, ShapeError
from sightglass.evaluation.metrics import confusion_matrix, per_class_accuracy

ANSWERS = np.array([0, 1, 1, 0, 3])
LABELS = np.array([0, 0, 1, 0, 1])


def test_rows_are_true_classes_and_columns_answers() -> None:
    # By hand: class 0 was answered 0, 1, 0; class 1 was answered 1, 3; classes 2 and 3 not shown.
    assert confusion_matrix(ANSWERS, LABELS, n_classes=4).tolist() == [
        [2, 1, 0, 0],
        [0, 1, 0, 1],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
    ]


def test_the_accuracy_of_a_class_without_images_is_not_a_number() -> None:
    shares = per_class_accuracy(ANSWERS, LABELS, n_classes=4)
    assert shares[:2].tolist() == [2 / 3, 1 / 2]
    assert np.isnan(shares[2:]).all()


def test_both_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 6, 300)
    answers = np.where(rng.random(300) < 0.6, labels, rng.integers(0, 6, 300))
    theirs = sklearn_metrics.confusion_matrix(labels, answers, labels=range(6))
    assert np.array_equal(confusion_matrix(answers, labels, n_classes=6), theirs)
    recalls = sklearn_metrics.recall_score(labels, answers, average=None)
    assert per_class_accuracy(answers, labels, n_classes=6) == pytest.approx(recalls, abs=1e-12)


def test_narrow_integers_do_not_overflow() -> None:
    answers = np.full(3, 199, dtype=np.uint8)
    assert confusion_matrix(answers, answers, n_classes=200)[199, 199] == 3


def test_indices_beyond_the_classes_are_refused() -> None:
    with pytest.raises(InputError, match=r"answers must be below 3 .* got 0 to 3"):
        confusion_matrix(ANSWERS, LABELS, n_classes=3)
    with pytest.raises(InputError, match=r"labels must be below 4 .* got -1 to 1"):
        confusion_matrix(ANSWERS, np.array([0, 0, 1, 0, -1]), n_classes=4)


def test_what_is_no_list_of_indices_is_refused() -> None:
    with pytest.raises(InputError, match="labels must be integers, got float64"):
        per_class_accuracy(ANSWERS, LABELS.astype(float), n_classes=4)
    with pytest.raises(ShapeError, match=r"got \(5,\) and \(4,\)"):
        confusion_matrix(ANSWERS, LABELS[:4], n_classes=4)
    with pytest.raises(InputError, match="at least one image is needed"):
        confusion_matrix(np.zeros(0, int), np.zeros(0, int), n_classes=4)
