"""What a run found, on standard output: a table and where to look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sightglass.cli.printable import printable, show_line
from sightglass.inputs.url_secrets import without_secrets
from sightglass.reports.folder import CSV, JSONL, REPORT
from sightglass.reports.tables import read_rows
from sightglass.reports.work import Work

MOST_PICTURES_SHOWN = 30


def print_summary(folder: Path, work: Work) -> None:
    """Print each picture's answer where they are few, else how many each class got.

    Args:
        folder: Holds the results.
        work: The run's tally.
    """
    console = Console()
    rows = read_rows(folder / JSONL)
    table = _picture_table(rows) if work.found <= MOST_PICTURES_SHOWN else _class_table(work)
    console.print(table)
    seconds = sum(work.seconds.values())
    console.print(
        f"{work.found:,} files in {seconds:.1f} s; {work.encoded:,} encoded now, "
        f"{work.found - work.failed - work.encoded:,} known from before."
    )
    if work.failed:
        first = next(row for row in read_rows(folder / JSONL) if row["label"] is None)
        show_line(
            console,
            f"{work.failed:,} of {work.found:,} files could not be used; the first is "
            f"{without_secrets(first['path'])} ({first['outcome']}: {first['detail']}). "
            f"All are listed in {CSV} and in the report; --strict stops at the first.",
        )
    show_line(console, f"Report: {folder / REPORT}")


def _picture_table(rows: Iterator[dict[str, Any]]) -> Table:
    table = Table(box=None, header_style="bold")
    table.add_column("picture", overflow="fold")  # a path that is cut names no file
    for heading in ("label", "confidence", "next"):
        table.add_column(heading)
    for row in rows:
        name = Text(printable(without_secrets(row["path"])))
        if row["label"] is None:
            table.add_row(name, Text(f"– {row['outcome']}"), "", "")
            continue
        others = [one for one in row["top"] if one["label"] != row["label"]][:1]
        following = [f"{printable(one['label'])} {one['probability']:.2f}" for one in others]
        table.add_row(
            name,
            Text(printable(row["label"])),
            f"{row['confidence']:.2f}",
            Text("".join(following)),
        )
    return table


def _class_table(work: Work) -> Table:
    table = Table("label", "pictures", box=None, header_style="bold")
    for label, count in work.labels.most_common():
        table.add_row(Text(printable(label)), f"{count:,}")
    return table
