from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from sightglass.decisions import Decision
from sightglass.inputs.file_bytes import FileStamp
from sightglass.inputs.outcome import Outcome, Status
from sightglass.reading import FreshPicture, ReadPicture
from sightglass.reports.prediction import Prediction
from sightglass.reports.work import Work
from sightglass.store import KnownPicture, StoredPicture

STAMP = FileStamp(size=3, mtime_ns=5)
FRESH = FreshPicture(
    stored=StoredPicture(content=b"1", width=4, height=3, thumbnail=b"jpeg"),
    pixels=np.zeros((2, 2, 3), np.uint8),
)
KNOWN = KnownPicture(row=np.zeros(3, np.float32), norm=1.0, width=4, height=3)


def read(
    status: Status = "ok",
    *,
    stamp: FileStamp | None = None,
    known: KnownPicture | None = None,
    fresh: FreshPicture | None = None,
) -> ReadPicture:
    outcome = Outcome(path="a.jpg", status=status)
    return ReadPicture(
        source="a.png", outcome=outcome, content=b"1", stamp=stamp, known=known, fresh=fresh
    )


def predicted(status: Status, label: str | None = None) -> Prediction:
    decision = None
    if label is not None:
        decision = Decision(
            label=label,
            confidence=1.0,
            top=((label, 1.0),),
            margin=1.0,
            unknown_score=0.0,
            probabilities=np.ones(1, np.float32),
        )
    return Prediction(outcome=Outcome(path="a.jpg", status=status), decision=decision)


def test_nothing_is_counted_before_the_first_batch() -> None:
    work = Work()
    assert (work.found, work.failed, work.read, work.encoded) == (0, 0, 0, 0)


def test_batches_add_up_by_outcome_by_label_and_by_what_had_to_be_done() -> None:
    work = Work()
    work.add(
        [read(stamp=STAMP, fresh=FRESH), read(stamp=STAMP, known=KNOWN), read(known=KNOWN)],
        [predicted("ok", "cat"), predicted("duplicate", "cat"), predicted("ok", "unknown")],
    )
    work.add(
        [read(fresh=FRESH), read("corrupt"), read("truncated")],
        [predicted("ok", "dog"), predicted("corrupt"), predicted("truncated")],
    )
    assert work.counts == {"ok": 3, "duplicate": 1, "corrupt": 1, "truncated": 1}
    assert work.labels == {"cat": 2, "unknown": 1, "dog": 1}
    assert (work.found, work.failed) == (6, 2)
    assert (work.read, work.encoded) == (2, 2)


def test_seconds_of_one_stage_add_up_and_stages_are_kept_apart() -> None:
    work = Work()
    start = time.perf_counter()
    for _ in range(2):
        with work.timed("read"):
            time.sleep(0.02)
    with work.timed("decide"):
        pass
    whole = time.perf_counter() - start
    assert 0.04 <= work.seconds["read"] <= whole
    assert 0 <= work.seconds["decide"] <= whole - work.seconds["read"]


def test_a_stage_that_fails_is_timed_all_the_same() -> None:
    work = Work()

    def fail() -> None:
        with work.timed("read"):
            time.sleep(0.01)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert work.seconds["read"] >= 0.01


def test_items_pass_through_and_only_getting_them_is_timed() -> None:
    def slow() -> Iterator[str]:
        for item in "abc":
            time.sleep(0.01)
            yield item

    work = Work()
    got = []
    start = time.perf_counter()
    for item in work.timed_each("read", slow()):
        got.append(item)
        time.sleep(0.03)
    whole = time.perf_counter() - start
    assert got == ["a", "b", "c"]
    assert 0.03 <= work.seconds["read"] <= whole - 0.09
