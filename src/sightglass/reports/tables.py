"""predictions.csv and predictions.jsonl, written row by row and put in place whole."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, TextIO

from sightglass.reports.prediction import Prediction
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


def csv_row(prediction: Prediction) -> list[str]:
    """The cells of one line, in the order of ``CSV_COLUMNS``; empty where there is nothing."""
    decision = prediction.decision
    cells = [prediction.path, prediction.outcome.status]
    if decision is None:
        cells += [""] * 7
    else:
        score = decision.unknown_score
        cells += [decision.label, f"{decision.confidence:.6f}"]
        cells.append("" if math.isnan(score) else f"{score:.6f}")
        for rank in (1, 2):
            if rank < len(decision.top):
                name, probability = decision.top[rank]
                cells += [name, f"{probability:.6f}"]
            else:
                cells += ["", ""]
    notes = [prediction.outcome.detail] if prediction.outcome.detail else []
    if decision is not None and decision.label != decision.top[0][0]:
        notes.append(f"nearest class: {decision.top[0][0]}")
    return [*cells, "; ".join(notes)]


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

    def write(self, prediction: Prediction) -> None:
        """Add one row."""
        if self._csv is not None:
            self._csv.writerow(csv_row(prediction))
        else:
            self._stream.write(json.dumps(prediction.as_row()) + "\n")


def write_csv(path: Path, predictions: Iterable[Prediction]) -> None:
    """Write all ``predictions`` with the columns of ``CSV_COLUMNS``."""
    _write(path, predictions, form="csv")


def write_jsonl(path: Path, predictions: Iterable[Prediction]) -> None:
    """Write all ``predictions``, one JSON object a line."""
    _write(path, predictions, form="jsonl")


def _write(path: Path, predictions: Iterable[Prediction], *, form: Literal["csv", "jsonl"]) -> None:
    with replacing(path) as stream:
        table = PredictionTable(stream, form=form)
        for prediction in predictions:
            table.write(prediction)


def read_rows(jsonl_path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a predictions.jsonl, one at a time."""
    with jsonl_path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
