"""A table of results on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sightglass.cli.printable import printable
from sightglass.evaluation.tables import ResultTable, shown


def print_table(console: Console, table: ResultTable) -> None:
    """Print headings, rows and the note; numbers at the right."""
    drawn = Table(box=None, header_style="bold")
    for at, column in enumerate(table.columns):
        numeric = any(isinstance(row[at], int | float) for row in table.rows)
        drawn.add_column(
            Text(printable(column)), justify="right" if numeric else "left", overflow="fold"
        )
    for row in table.rows:
        drawn.add_row(*(Text(printable(shown(cell))) for cell in row))
    console.print(drawn)
    if table.note:
        console.print(Text(printable(table.note)))
