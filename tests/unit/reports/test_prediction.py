from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from sightglass.decisions import Decision, Evidence, NearestReference, Opinion
from sightglass.inputs.outcome import Outcome
from sightglass.reading import FreshPicture, ReadPicture
from sightglass.reports.prediction import Prediction, predictions_of
from sightglass.store import KnownPicture, StoredPicture


def decision(label: str = "cat") -> Decision:
    return Decision(
        label=label,
        confidence=0.123456789,
        top=(("cat", 0.123456789), ("dog", 1 / 3)),
        margin=0.0000004,
        unknown_score=2 / 3,
        probabilities=np.array([0.123456789, 1 / 3], np.float32),
    )


def fresh(path: str, content: bytes, size: tuple[int, int] = (40, 30)) -> ReadPicture:
    stored = StoredPicture(content=content, width=size[0], height=size[1], thumbnail=b"jpeg")
    return ReadPicture(
        source="a.png",
        outcome=Outcome(path=path, status="ok"),
        content=content,
        fresh=FreshPicture(stored=stored, pixels=np.zeros((2, 2, 3), np.uint8)),
    )


def known(path: str, content: bytes) -> ReadPicture:
    row = KnownPicture(row=np.zeros(3, np.float32), norm=1.0, width=7, height=9)
    return ReadPicture(
        source="a.png", outcome=Outcome(path=path, status="ok"), content=content, known=row
    )


def broken(path: str) -> ReadPicture:
    return ReadPicture(
        source="a.png", outcome=Outcome(path=path, status="corrupt", detail="no sense")
    )


def test_a_row_holds_everything_with_six_decimals() -> None:
    prediction = Prediction(
        outcome=Outcome(path="a.jpg", status="ok"),
        decision=decision(),
        width=640,
        height=480,
        sha256="00ff",
    )
    assert prediction.as_row() == {
        "path": "a.jpg",
        "outcome": "ok",
        "detail": "",
        "label": "cat",
        "confidence": 0.123457,
        "unknown_score": 0.666667,
        "margin": 0.0,
        "top": [
            {"label": "cat", "probability": 0.123457},
            {"label": "dog", "probability": 0.333333},
        ],
        "width": 640,
        "height": 480,
        "sha256": "00ff",
        "opinions": [],
        "nearest_references": [],
    }
    assert json.loads(json.dumps(prediction.as_row())) == prediction.as_row()


def test_a_row_holds_what_its_decision_rests_on_with_six_decimals() -> None:
    opinion = Opinion(alignment="vision_only", weight=1 / 3, top=(("dog", 2 / 3), ("cat", 1e-9)))
    near = NearestReference(
        name="references/dog/1.png",
        label="dog",
        alignment="vision_only",
        similarity=-0.12345678,
        sha256="ab" * 32,
    )
    evidence = Evidence(opinions=(opinion,), nearest=(near,))
    row = Prediction(
        outcome=Outcome(path="a.jpg", status="ok"), decision=replace(decision(), evidence=evidence)
    ).as_row()
    assert row["opinions"] == [
        {
            "alignment": "vision_only",
            "weight": 0.333333,
            "top": [{"label": "dog", "probability": 0.666667}, {"label": "cat", "probability": 0}],
        }
    ]
    assert row["nearest_references"] == [
        {
            "reference": "references/dog/1.png",
            "label": "dog",
            "alignment": "vision_only",
            "similarity": -0.123457,
            "sha256": "ab" * 32,
        }
    ]
    assert json.loads(json.dumps(row)) == row


def test_a_row_of_a_failed_file_has_the_same_keys_and_no_values() -> None:
    failed = Prediction(outcome=Outcome(path="b.jpg", status="truncated", detail="stops early"))
    row = failed.as_row()
    whole = Prediction(outcome=Outcome(path="a.jpg", status="ok"), decision=decision()).as_row()
    assert list(row) == list(whole)
    assert {key: value for key, value in row.items() if value} == {
        "path": "b.jpg",
        "outcome": "truncated",
        "detail": "stops early",
    }
    assert row["top"] == row["opinions"] == row["nearest_references"] == []
    assert failed.label is None
    assert failed.path == "b.jpg"


def test_decisions_go_in_order_to_the_pictures_that_could_be_used() -> None:
    batch = [fresh("a", b"1"), broken("b"), known("c", b"2"), fresh("d", b"3")]
    predictions = predictions_of(batch, [decision("cat"), decision("dog"), decision("eel")], {})
    assert [p.path for p in predictions] == ["a", "b", "c", "d"]
    assert [p.label for p in predictions] == ["cat", None, "dog", "eel"]
    assert [(p.width, p.height) for p in predictions] == [(40, 30), (None, None), (7, 9), (40, 30)]
    assert [p.sha256 for p in predictions] == ["31", None, "32", "33"]
    assert predictions[1].outcome == Outcome(path="b", status="corrupt", detail="no sense")


def test_bytes_that_came_before_make_a_duplicate_in_this_batch_and_in_later_ones() -> None:
    first_seen: dict[bytes, str] = {}
    now = predictions_of(
        [fresh("a", b"1"), fresh("b", b"1")], [decision("cat"), decision("cat")], first_seen
    )
    later = predictions_of([known("c", b"1"), known("d", b"2")], [decision()] * 2, first_seen)
    assert [p.outcome.status for p in now + later] == ["ok", "duplicate", "duplicate", "ok"]
    assert [p.outcome.detail for p in now + later] == ["", *["same bytes as a"] * 2, ""]
    assert [p.label for p in now] == ["cat", "cat"]
    assert all(p.outcome.classified for p in now + later)


def test_a_failed_file_is_never_what_another_is_a_duplicate_of() -> None:
    first_seen: dict[bytes, str] = {}
    predictions = predictions_of([broken("a"), broken("b")], [], first_seen)
    assert [p.outcome.status for p in predictions] == ["corrupt", "corrupt"]
    assert first_seen == {}
