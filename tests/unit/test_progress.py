from __future__ import annotations

import re

import pytest

from sightglass.cli import progress
from sightglass.inputs.outcome import Outcome
from sightglass.reports.prediction import Prediction
from sightglass.reports.work import Work


def test_where_there_is_no_terminal_plain_lines_say_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    work = Work()
    work.counts.update({"ok": 3, "corrupt": 1})
    predictions = [Prediction(outcome=Outcome(path=str(n), status="ok")) for n in range(4)]
    with progress.progress_of(4, work) as shown:
        assert list(shown(predictions)) == predictions
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 4
    assert re.fullmatch(r"1 of 4 files, [\d,]+ files/s, [\d,]+ s left, 1 failed", lines[0])
    assert lines[-1].endswith(" 0 s left, 1 failed")


def test_lines_come_only_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    predictions = [Prediction(outcome=Outcome(path=str(n), status="ok")) for n in range(100)]
    with progress.progress_of(100, Work()) as shown:
        assert len(list(shown(predictions))) == 100
    assert capsys.readouterr().err == ""
