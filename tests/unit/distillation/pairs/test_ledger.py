from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sightglass.distillation.pairs.first_rows import FirstRows
from sightglass.distillation.pairs.ledger import BadPicture, Ledger
from sightglass.errors import InputError, ResultsError


def bad(where: str, status: str = "corrupt", detail: str = "words") -> BadPicture:
    return BadPicture(where=where, status=status, detail=detail)


def test_a_bad_picture_is_written_once_with_its_place_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "run" / "bad.jsonl"
    ledger = Ledger(path)
    ledger.add([bad("a row 1"), bad("a row 2", "truncated"), bad("a row 1")])
    ledger.add([bad("a row 2"), bad("a row 3")])
    ledger.add([])
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"where": "a row 1", "status": "corrupt", "detail": "words"},
        {"where": "a row 2", "status": "truncated", "detail": "words"},
        {"where": "a row 3", "status": "corrupt", "detail": "words"},
    ]


def test_a_resumed_run_knows_what_was_found_before(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    Ledger(path).add([bad("a"), bad("b")])
    again = Ledger(path)
    again.add([bad("b"), bad("c")])
    assert [one.where for one in again.entries] == ["a", "b", "c"]
    assert Ledger(path).entries == again.entries


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_line_that_a_crash_cut_off_is_forgotten_and_can_be_found_again(
    tmp_path: Path, cut: int
) -> None:
    path = tmp_path / "bad.jsonl"
    Ledger(path).add([bad("a"), bad("b")])
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    ledger = Ledger(path)
    ledger.add([bad("b"), bad("c")])
    assert [json.loads(line)["where"] for line in path.read_text().splitlines()] == ["a", "b", "c"]


def test_a_line_that_is_no_entry_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    Ledger(path).add([bad("a"), bad("b")])
    path.write_bytes(b'{"where": "a"}\n' + path.read_bytes())
    with pytest.raises(InputError) as caught:
        Ledger(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: line 1 must be an entry of a ledger of bad pictures, but: ")
    assert message.endswith("Correct or remove the line.")


def test_file_names_that_are_not_text_can_be_told(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    path = tmp_path / "bad.jsonl"
    Ledger(path).add([bad(name, detail=f"cannot open {name}")])
    again = Ledger(path)
    again.add([bad(name)])
    (only,) = again.entries
    assert (only.where, only.detail) == (r"caf\udce9.jpg", r"cannot open caf\udce9.jpg")


def test_a_ledger_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    ledger = Ledger(tmp_path / "bad.jsonl")
    ledger.path = tmp_path / "file" / "bad.jsonl"
    with pytest.raises(ResultsError, match="cannot be written"):
        ledger.add([bad("a")])
    assert not ledger.entries


def test_the_first_few_are_told_with_a_count_of_each_kind() -> None:
    ledger = Ledger()
    assert ledger.told() == ""
    ledger.add([bad("x row 9", detail="empty file (0 bytes)")])
    assert ledger.told() == "1 picture left out: 1 corrupt\nx row 9: empty file (0 bytes)"
    ledger.add(bad(f"row {n}", "truncated", "short") for n in range(1200))
    assert ledger.told(first=2).splitlines() == [
        "1,201 pictures left out: 1 corrupt, 1,200 truncated",
        "x row 9: empty file (0 bytes)",
        "row 0: short",
        "… and 1,199 more",
    ]


def seen(limit: int, verdicts: str) -> int:
    """After how many rows a source of ``limit`` rows is given up; ``-`` is a bad one."""
    rows = FirstRows("photos", limit)
    for index, verdict in enumerate(verdicts):
        try:
            if verdict == "-":
                # A bad row always comes with the good one that is taken in its place.
                rows.see(0, [(index, bad(f"row {index}"))])
            else:
                rows.see(index, [])
        except InputError:
            return index + 1
    return 0


@pytest.mark.parametrize(
    ("limit", "verdicts", "expected"),
    [
        (10, "+----+++++", 0),
        (10, "+-----++++", 0),  # five of ten are not more than half
        (10, "+------+++", 7),  # the sixth is
        (3000, "+" + "-" * 500 + "+" * 2000, 0),
        (3000, "+" + "-" * 501, 502),
        (3000, "+" * 1000 + "-" * 2000, 0),  # after the first 1,000 any number may be
        (1, "+", 0),
    ],
)
def test_a_source_is_given_up_when_more_than_half_of_its_first_rows_are_bad(
    limit: int, verdicts: str, expected: int
) -> None:
    assert seen(limit, verdicts) == expected


def test_a_row_that_is_tried_again_counts_once() -> None:
    rows = FirstRows("photos", 10)
    for _ in range(20):
        rows.see(0, [(7, bad("row 7")), (8, bad("row 8"))])
