from __future__ import annotations

import numpy as np
import pytest

from sightglass.decisions import Decision
from sightglass.inputs.outcome import Outcome
from sightglass.reports.prediction import Prediction
from sightglass.reports.result import Result


def answered(path: str, label: str, probabilities: list[float]) -> Prediction:
    return Prediction(
        outcome=Outcome(path=path, status="ok"),
        decision=Decision(
            label=label,
            confidence=max(probabilities),
            top=(("cat", max(probabilities)),),
            margin=0.5,
            unknown_score=0.25,
            probabilities=np.array(probabilities, np.float32),
        ),
    )


FAILED = Prediction(outcome=Outcome(path="b.jpg", status="corrupt", detail="empty"))


def result(*predictions: Prediction) -> Result:
    return Result(
        predictions=predictions,
        class_names=("cat", "dog"),
        run={"secret": "long"},
        thumbnails=lambda _: None,
    )


MIXED = result(answered("a.jpg", "cat", [0.75, 0.25]), FAILED, answered("c", "unknown", [0.5, 0.5]))


def test_every_list_has_one_entry_per_picture_in_the_same_order() -> None:
    assert len(MIXED) == 3
    assert list(MIXED) == list(MIXED.predictions)
    assert MIXED.paths == ["a.jpg", "b.jpg", "c"]
    assert MIXED.labels == ["cat", None, "unknown"]
    assert [outcome.status for outcome in MIXED.outcomes] == ["ok", "corrupt", "ok"]


def test_a_failed_file_has_nan_for_every_number() -> None:
    nan = np.nan
    expected = np.array([[0.75, 0.25], [nan, nan], [0.5, 0.5]], np.float32)
    np.testing.assert_array_equal(MIXED.probabilities, expected)
    np.testing.assert_array_equal(MIXED.unknown_scores, np.array([0.25, nan, 0.25], np.float32))
    assert MIXED.probabilities.dtype == MIXED.unknown_scores.dtype == np.float32


@pytest.mark.parametrize(
    ("predictions", "shape"), [((), (0, 2)), ((FAILED,), (1, 2)), ((FAILED, FAILED), (2, 2))]
)
def test_arrays_have_one_column_per_class_even_without_an_answer(
    predictions: tuple[Prediction, ...], shape: tuple[int, int]
) -> None:
    empty = result(*predictions)
    assert empty.probabilities.shape == shape
    assert empty.unknown_scores.shape == shape[:1]
    assert empty.labels == [None] * shape[0]


def test_the_run_record_does_not_flood_what_is_printed() -> None:
    assert "secret" not in repr(MIXED)
    assert "b.jpg" in repr(MIXED)
