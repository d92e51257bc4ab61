from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, NoReturn

import pytest

from sightglass.distillation.encoder.step_log import StepLog, read_log
from sightglass.distillation.trainer import Step
from sightglass.errors import ResultsError


def make(out: Path, *, steps: int = 6) -> StepLog:
    return StepLog(out, phases=["first", "second"], losses=["kd", "maps"], steps=steps, board=False)


def step(number: int, *, of_phase: int = 0) -> Step:
    return Step(
        epoch=of_phase,
        step=number,
        of_run=number,
        loss=1 / (1 + number),
        lr=0.1,
        parts={"maps": number / 4} if of_phase else {"kd": 0.5},
    )


def test_a_step_is_a_row_counted_from_1_with_its_phase_and_parts(tmp_path: Path) -> None:
    log = make(tmp_path)
    log.begin(0)
    log.add(step(0))
    log.add(step(1, of_phase=1))
    log.close()
    assert (tmp_path / "log.csv").read_text() == (
        "step,phase,lr,loss,kd,maps\n1,first,0.1,1.0,0.5,\n2,second,0.1,0.5,,0.25\n"
    )


def test_a_run_that_goes_on_writes_the_same_table(tmp_path: Path) -> None:
    (tmp_path / "calm").mkdir()
    (tmp_path / "cut").mkdir()
    calm = make(tmp_path / "calm")
    calm.begin(0)
    for number in range(6):
        calm.add(step(number))
    calm.close()
    cut = make(tmp_path / "cut")
    cut.begin(0)
    for number in range(5):
        cut.add(step(number))
    cut.close()
    with (tmp_path / "cut" / "log.csv").open("a") as stream:
        stream.write("6,fir")  # a kill in the middle of a line
    again = make(tmp_path / "cut")
    again.begin(3)  # its checkpoint was older than its log
    for number in range(3, 6):
        again.add(step(number))
    again.close()
    assert (tmp_path / "cut" / "log.csv").read_bytes() == (
        tmp_path / "calm" / "log.csv"
    ).read_bytes()


def test_a_new_run_forgets_an_old_table(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("something else\n1,2,3\n")
    log = make(tmp_path)
    log.begin(0)
    log.close()
    assert read_log(tmp_path / "log.csv") == []


def test_a_long_run_has_some_thousand_rows_and_its_last_step(tmp_path: Path) -> None:
    log = make(tmp_path, steps=12_345)
    log.begin(0)
    for number in range(12_345):
        log.add(step(number))
    log.close()
    numbers = [int(row["step"]) for row in read_log(tmp_path / "log.csv")]
    # Every second of the 12,345, the first and so the last among them.
    assert len(numbers) == 6_173
    assert (numbers[0], numbers[-1]) == (1, 12_345)


def test_the_last_step_is_there_where_the_stride_misses_it(tmp_path: Path) -> None:
    log = make(tmp_path, steps=10_002)
    log.begin(0)
    for number in (9_999, 10_000, 10_001):
        log.add(step(number))
    log.close()
    assert [row["step"] for row in read_log(tmp_path / "log.csv")] == ["10001", "10002"]


def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "log.csv").mkdir()
    with pytest.raises(ResultsError, match=r"log\.csv: cannot be written"):
        make(tmp_path).begin(0)


def no_room(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_fills_up_is_told_with_the_name_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = False
    opened = Path.open

    def opens(path: Path, *given: Any, **named: Any) -> Any:
        stream = opened(path, *given, **named)
        puts = stream.write
        monkeypatch.setattr(stream, "write", lambda text: no_room() if full else puts(text))
        return stream

    monkeypatch.setattr(Path, "open", opens)
    log = make(tmp_path)
    log.begin(0)
    log.add(step(0))
    full = True
    with pytest.raises(ResultsError) as caught:
        log.add(step(1))
    log.close()
    said = f"{tmp_path / 'log.csv'}: cannot be written (No space left on device). "
    assert str(caught.value).startswith(said)
    assert [row["step"] for row in read_log(tmp_path / "log.csv")] == ["1"]


def test_a_run_that_cannot_begin_to_go_on_leaves_the_whole_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = make(tmp_path)
    log.begin(0)
    for number in range(5):
        log.add(step(number))
    log.close()
    before = (tmp_path / "log.csv").read_bytes()
    monkeypatch.setattr(Path, "replace", no_room)
    with pytest.raises(ResultsError, match=r"log\.csv: cannot be written \(No space left"):
        make(tmp_path).begin(3)
    assert (tmp_path / "log.csv").read_bytes() == before
