"""The tables that benchmarks end in: on a page, and as CSV."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

PAGES = Path(__file__).parents[1] / "docs" / "benchmarks"
_MARKS = {"l": "---", "r": "---:"}


def markdown(titles: Sequence[str], sides: str, rows: Iterable[Sequence[str]]) -> str:
    """A table as lines of a page, without a newline behind the last.

    Args:
        titles: Of the columns.
        sides: For each, ``l`` for words, ``r`` for numbers.
        rows: Cells of each line.
    """
    marks = "|".join(_MARKS[side] for side in sides)
    return "\n".join([_line(titles), f"|{marks}|", *(_line(row) for row in rows)])


def spread(values: Iterable[float], form: str = ",.0f") -> str:
    """Median, and in brackets the smallest and the largest."""
    ordered = sorted(values)
    middle = statistics.median(ordered)
    return f"{middle:{form}} ({ordered[0]:{form}} – {ordered[-1]:{form}})"


def write_csv(path: Path, titles: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """The numbers of a page; the folder is made where it is absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(titles)
        table.writerows(rows)


def write_records(path: Path, records: Sequence[dict[str, Any]]) -> None:
    """As ``write_csv``, of rows by title that all have the same titles."""
    titles = list(records[0])
    write_csv(path, titles, ([record[title] for title in titles] for record in records))


def _line(cells: Sequence[str]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)
