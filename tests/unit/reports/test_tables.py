from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest

from sightglass.decisions import Decision
from sightglass.errors import ResultsError
from sightglass.inputs.outcome import Outcome
from sightglass.reports.prediction import Prediction, Row
from sightglass.reports.tables import (
    CSV_COLUMNS,
    csv_row,
    read_rows,
    write_csv,
    write_jsonl,
)
from sightglass.whole_files import replacing

HOSTILE = [
    'say "cheese".jpg',
    "a,b;c\td.jpg",
    "two\nlines.jpg",
    "old\rmac.jpg",
    "dos\r\nline.jpg",
    " spaces .jpg",
    "\u2028line\u2029separators\x85.jpg",
    "日本語 🐈 עברית.jpg",
    "<script>alert(1)</script>.jpg",
    "'",
    '"',
]


def prediction(
    path: str = "a.jpg",
    label: str = "cat",
    names: tuple[str, ...] = ("cat", "dog", "eel"),
    detail: str = "",
) -> Prediction:
    shares = [0.5, 0.25, 0.125, 0.0625][: len(names)]
    return Prediction(
        outcome=Outcome(path=path, status="duplicate" if detail else "ok", detail=detail),
        decision=Decision(
            label=label,
            confidence=0.5,
            top=tuple(zip(names, shares, strict=True)),
            margin=0.25,
            unknown_score=1 / 3,
            probabilities=np.array(shares, np.float32),
        ),
        width=40,
        height=30,
        sha256="ab" * 32,
    )


FAILED = Prediction(outcome=Outcome(path="b.jpg", status="corrupt", detail="empty file (0 bytes)"))


def test_the_columns_are_those_that_other_tools_build_on() -> None:
    assert ",".join(CSV_COLUMNS) == (
        "path,outcome,label,confidence,unknown_score,label_2,confidence_2,label_3,confidence_3,detail"
    )


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (prediction(), "a.jpg,ok,cat,0.500000,0.333333,dog,0.250000,eel,0.125000,"),
        (
            prediction(names=("cat", "dog", "eel", "fox")),
            "a.jpg,ok,cat,0.500000,0.333333,dog,0.250000,eel,0.125000,",
        ),
        (prediction(names=("cat", "dog")), "a.jpg,ok,cat,0.500000,0.333333,dog,0.250000,,,"),
        (prediction(names=("cat",)), "a.jpg,ok,cat,0.500000,0.333333,,,,,"),
        (FAILED, "b.jpg,corrupt,,,,,,,,empty file (0 bytes)"),
        (
            prediction(label="unknown"),
            "a.jpg,ok,unknown,0.500000,0.333333,dog,0.250000,eel,0.125000,nearest class: cat",
        ),
        (
            prediction(label="unknown", names=("cat",), detail="same bytes as 0.jpg"),
            "a.jpg,duplicate,unknown,0.500000,0.333333,,,,,same bytes as 0.jpg; nearest class: cat",
        ),
    ],
)
def test_each_kind_of_answer_is_one_line(given: Prediction, line: str) -> None:
    assert ",".join(csv_row(given.as_row())) == line
    assert len(csv_row(given.as_row())) == len(CSV_COLUMNS)


def test_the_file_has_a_header_unix_line_ends_and_one_line_each(tmp_path: Path) -> None:
    write_csv(tmp_path / "p.csv", [prediction().as_row(), FAILED.as_row()])
    assert (tmp_path / "p.csv").read_bytes().decode().split("\n") == [
        ",".join(CSV_COLUMNS),
        "a.jpg,ok,cat,0.500000,0.333333,dog,0.250000,eel,0.125000,",
        "b.jpg,corrupt,,,,,,,,empty file (0 bytes)",
        "",
    ]


@pytest.mark.parametrize("path", HOSTILE)
def test_hostile_names_come_back_whole_from_two_readers(tmp_path: Path, path: str) -> None:
    file = tmp_path / "p.csv"
    given = [prediction(path, names=(path, "dog", "eel")), prediction("after.jpg")]
    write_csv(file, [one.as_row() for one in given])
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["path"], row["label_2"]) for row in rows] == [(path, "dog"), ("after.jpg", "dog")]
    assert rows[0]["detail"] == f"nearest class: {path}"
    table = pyarrow.csv.read_csv(
        file, parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True)
    )
    assert table["path"].to_pylist() == [path, "after.jpg"]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@a", "\t=1", "＝1", ' "=1'])
def test_no_name_is_a_formula_in_any_column_and_json_keeps_it(tmp_path: Path, name: str) -> None:
    given = prediction(name, label=name, names=("cat", name, name))
    assert csv_row(given.as_row()) == [
        *(f"'{name}", "ok", f"'{name}", "0.500000", "0.333333"),
        *(f"'{name}", "0.250000", f"'{name}", "0.125000", "nearest class: cat"),
    ]
    failed = Prediction(outcome=Outcome(path="a.jpg", status="corrupt", detail=name))
    assert csv_row(failed.as_row())[-1] == f"'{name}"
    write_jsonl(tmp_path / "p.jsonl", [given.as_row()])
    (row,) = read_rows(tmp_path / "p.jsonl")
    assert (row["path"], row["label"]) == (name, name)


def test_names_that_are_not_text_are_written_as_escapes_in_valid_utf8(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    write_csv(tmp_path / "p.csv", [prediction(name).as_row()])
    write_jsonl(tmp_path / "p.jsonl", [prediction(name).as_row()])
    assert (tmp_path / "p.csv").read_bytes().decode("utf-8").split("\n")[1].split(",")[0] == (
        r"caf\udce9.jpg"
    )
    assert (tmp_path / "p.jsonl").read_bytes().isascii()
    (row,) = read_rows(tmp_path / "p.jsonl")
    assert os.fsencode(row["path"]) == b"caf\xe9.jpg"


def test_json_lines_are_one_object_a_line_whatever_the_names(tmp_path: Path) -> None:
    given = [one.as_row() for one in (*map(prediction, HOSTILE), FAILED)]
    write_jsonl(tmp_path / "p.jsonl", given)
    lines = (tmp_path / "p.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == given
    assert list(read_rows(tmp_path / "p.jsonl")) == given


def test_no_predictions_make_a_header_and_no_lines(tmp_path: Path) -> None:
    write_csv(tmp_path / "p.csv", [])
    write_jsonl(tmp_path / "p.jsonl", [])
    assert (tmp_path / "p.csv").read_text() == ",".join(CSV_COLUMNS) + "\n"
    assert (tmp_path / "p.jsonl").read_text() == ""


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("old")
    with replacing(path) as stream:
        stream.write("new")
        stream.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["p.csv"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "p.csv"
    path.write_text("old")

    def failing() -> Iterator[Row]:
        yield prediction().as_row()
        raise error

    with pytest.raises(error):
        write_csv(path, failing())
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["p.csv"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("folder", "Is a directory"), ("absent/p.jsonl", "No such file or directory")],
)
def test_a_place_that_cannot_be_written_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, name: str, reason: str
) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ResultsError) as caught:
        write_jsonl(tmp_path / name, [prediction().as_row()])
    assert str(caught.value) == (
        f"{tmp_path / name}: cannot be written ({reason}). Free some space or choose another "
        "folder, and run again: nothing computed is lost."
    )
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]
