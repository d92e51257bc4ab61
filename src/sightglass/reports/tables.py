"""predictions.csv and predictions.jsonl, written row by row and put in place whole."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, TextIO

from sightglass.inputs.spreadsheet_cells import inert_cell
from sightglass.reports.prediction import Row
from sightglass.whole_files import replacing

CSV_COLUMNS = (
    "path",
    "outcome",
    "label",
    "confidence",
    "unknown_score",
    "label_2",
    "confidence_2",
    "label_3",
    "confidence_3",
    "detail",
)


def csv_row(row: Row) -> list[str]:
    """The cells of one line, in the order of ``CSV_COLUMNS``; empty where there is nothing.

    Text that a spreadsheet could take for a formula has an apostrophe in front, which
    ``inputs.spreadsheet_cells.plain_cell`` takes away; the rows of predictions.jsonl are exact.
    """
    top = row["top"]
    label = inert_cell(row["label"] or "")
    cells = [inert_cell(row["path"]), row["outcome"], label, _six(row["confidence"])]
    cells.append(_six(row["unknown_score"]))
    for rank in (1, 2):
        if rank < len(top):
            cells += [inert_cell(top[rank]["label"]), _six(top[rank]["probability"])]
        else:
            cells += ["", ""]
    notes = [row["detail"]] if row["detail"] else []
    if top and row["label"] != top[0]["label"]:
        notes.append(f"nearest class: {top[0]['label']}")
    return [*cells, inert_cell("; ".join(notes))]


def _six(number: float | None) -> str:
    return "" if number is None else f"{number:.6f}"


class _UnixLines:
    """What ``csv.writer`` writes to: its line ends of two characters become one.

    It quotes a carriage return inside a cell only where its own line end has one, and file names
    may hold one: unquoted it would break the line.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        self._stream.write(line.removesuffix("\r\n") + "\n")


class PredictionTable:
    """One table that grows by a row at a time; as ``csv`` or as JSON lines."""

    def __init__(self, stream: TextIO, *, form: Literal["csv", "jsonl"]) -> None:
        self._stream = stream
        self._csv = csv.writer(_UnixLines(stream)) if form == "csv" else None
        if self._csv is not None:
            self._csv.writerow(CSV_COLUMNS)

    def write(self, row: Row) -> None:
        """Add one row."""
        if self._csv is not None:
            self._csv.writerow(csv_row(row))
        else:
            self._stream.write(json.dumps(row) + "\n")


def write_csv(path: Path, rows: Iterable[Row]) -> None:
    """Write all ``rows`` with the columns of ``CSV_COLUMNS``."""
    _write(path, rows, form="csv")


def write_jsonl(path: Path, rows: Iterable[Row]) -> None:
    """Write all ``rows``, one JSON object a line."""
    _write(path, rows, form="jsonl")


def _write(path: Path, rows: Iterable[Row], *, form: Literal["csv", "jsonl"]) -> None:
    with replacing(path) as stream:
        table = PredictionTable(stream, form=form)
        for row in rows:
            table.write(row)


def read_rows(jsonl_path: Path) -> Iterator[Row]:
    """The rows of a predictions.jsonl, one at a time."""
    with jsonl_path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
