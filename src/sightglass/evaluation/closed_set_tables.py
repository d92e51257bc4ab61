"""A closed-set run as tables: the metrics, each class, and which classes are mixed up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sightglass.evaluation.closed_set import ClosedSetScores
from sightglass.evaluation.metrics.per_class import accuracies_of
from sightglass.evaluation.metrics_json import MetricRow, write_metrics
from sightglass.evaluation.tables import Cell, ResultTable, render_csv, write_table
from sightglass.whole_files import replacing

METRICS, PER_CLASS, CONFUSION = "metrics.json", "per_class.csv", "confusion.csv"
OWN_FILES = (METRICS, "table.csv", "table.md", "table.html", PER_CLASS, CONFUSION)


def metric_table(
    rows: Sequence[MetricRow], *, title: str, note: str = "", command: str = ""
) -> ResultTable:
    """One line per metric, in percent, with its 95 % interval."""
    cells = tuple(
        (row.metric, *(None if x is None else 100 * x for x in (row.value, row.low, row.high)))
        for row in rows
    )
    columns = ("metric", "value %", "low %", "high %")
    return ResultTable(title=title, columns=columns, rows=cells, note=note, command=command)


def per_class_table(scores: ClosedSetScores, names: Sequence[str]) -> ResultTable:
    """Of each class how many pictures there were and how many were told; top-1 in percent."""
    totals, right = scores.confusion.sum(axis=1), scores.confusion.diagonal()
    shares = accuracies_of(scores.confusion)
    rows: list[tuple[Cell, ...]] = [
        (name, int(n), int(hits), 100 * float(share) if n else None)
        for name, n, hits, share in zip(names, totals, right, shares, strict=True)
    ]
    columns = ("class", "pictures", "right", "accuracy %")
    return ResultTable(title="Accuracy by class", columns=columns, rows=tuple(rows))


def confusion_table(scores: ClosedSetScores, names: Sequence[str]) -> ResultTable:
    """Counts; a row for each true class, a column for each answer."""
    rows = zip(names, scores.confusion.tolist(), strict=True)
    return ResultTable(
        title="Confusion",
        columns=("class", *names),
        rows=tuple((name, *counts) for name, counts in rows),
    )


def write_closed_set(
    folder: Path,
    scores: ClosedSetScores,
    names: Sequence[str],
    rows: Sequence[MetricRow],
    table: ResultTable,
) -> None:
    """Write metrics.json, table.csv, .md and .html, per_class.csv and confusion.csv.

    Raises:
        ResultsError: If a file cannot be written.
    """
    write_table(folder, table)
    for name, part in (
        (PER_CLASS, per_class_table(scores, names)),
        (CONFUSION, confusion_table(scores, names)),
    ):
        with replacing(folder / name) as stream:
            stream.write(render_csv(part))
    write_metrics(folder / METRICS, rows)
