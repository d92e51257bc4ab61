from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.errors import InputError, ResultsError
from sightglass.generation.image_ledger import Entry, ImageLedger


def entry(number: int, **fields: object) -> Entry:
    given = {
        "event": "asked",
        "time": "2026-01-01T00:00:00+00:00",
        "class_name": "Ça\nva",
        "slot": number,
        "attempt": 0,
        "file": f"Ça va/imagined-00{number}-1.png",
        "prompt": "A photograph.",
        "generator": "painter",
    }
    return Entry.model_validate(given | fields)


FULL = entry(
    2,
    event="rejected",
    partner="dog",
    features=("fur", "legs"),
    seed=7,
    licence="CC0",
    sha256="0" * 64,
    pixels="1" * 64,
    score=0.25,
    reason="black",
)


def test_lines_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ledger.jsonl"
    ledger = ImageLedger(path)
    assert ledger.entries == []
    for one in (entry(1), FULL):
        ledger.add(one)
    assert ImageLedger(path).entries == ledger.entries == [entry(1), FULL]
    assert path.read_bytes().count(b"\n") == 2


@given(st.data())
def test_a_ledger_cut_off_anywhere_keeps_its_whole_lines_and_goes_on(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("cut") / "ledger.jsonl"
    ledger = ImageLedger(path)
    for number in range(3):
        ledger.add(entry(number))
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    kept = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:kept])
    # A line whose last byte, the newline, is missing says all that it has to say.
    expected = sum(len(b"".join(lines[: n + 1])) - 1 <= kept for n in range(3))
    cut = ImageLedger(path)
    assert cut.entries == [entry(number) for number in range(expected)]
    cut.add(FULL)
    assert ImageLedger(path).entries == [*cut.entries]
    assert path.read_bytes().endswith(b"\n")


def test_a_damaged_line_in_the_middle_is_reported_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = ImageLedger(path)
    for number in range(3):
        ledger.add(entry(number))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b'{"event": "lost"}\n' + lines[2])
    with pytest.raises(InputError, match=r"ledger\.jsonl: line 2 must be an entry"):
        ImageLedger(path)


def test_a_ledger_that_cannot_be_read_or_written_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = ImageLedger(path)
    path.mkdir()
    with pytest.raises(ResultsError, match="no picture is lost"):
        ledger.add(FULL)
    with pytest.raises(InputError, match="must be readable"):
        ImageLedger(path)


@pytest.mark.parametrize(
    "file",
    ["../imagined-001-1.png", "a/../../imagined-001-1.png", "/a/imagined-001-1.png", "a/b.png"],
)
def test_an_entry_cannot_point_out_of_the_folder(tmp_path: Path, file: str) -> None:
    path = tmp_path / "ledger.jsonl"
    line = FULL.model_dump_json().replace(FULL.file, file)
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1 must be an entry"):
        ImageLedger(path)
