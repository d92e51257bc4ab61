"""One table of results in the three forms in which people take it along."""

from __future__ import annotations

import csv
import html
import io
import re
from dataclasses import dataclass
from pathlib import Path

from sightglass.errors import ShapeError
from sightglass.inputs.spreadsheet_cells import inert_cell
from sightglass.whole_files import replacing

Cell = str | int | float | None

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:1rem;color:#1a1a1a;background:#fff}"
    "figure{margin:0;overflow-x:auto}table{border-collapse:collapse}"
    "caption{text-align:left;font-weight:600;padding-bottom:.5rem}"
    "th,td{text-align:left;padding:.25rem .5rem;border-bottom:1px solid #ddd}"
    ".number{text-align:right;font-variant-numeric:tabular-nums}"
    "figcaption{max-width:45rem;padding-top:.75rem}code{overflow-wrap:anywhere}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultTable:
    """What was measured, ready to be shown.

    Attributes:
        title: What the table is, in a few words.
        columns: Headings.
        rows: As many cells as headings each. A number stays a number; None is an empty cell.
        note: What a reader must know to use the numbers; plain text.
        command: What makes the table again.

    Raises:
        ShapeError: If a row has another number of cells.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    command: str = ""

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows, start=1):
            if len(row) != len(self.columns):
                raise ShapeError(
                    f"ResultTable: row {number} of '{self.title}' needs {len(self.columns)} cells, "
                    f"got {len(row)}."
                )


def shown(cell: Cell) -> str:
    """A cell for the eye: two decimals, commas between thousands, nothing for None."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.2f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def render_csv(table: ResultTable) -> str:
    """Headings and rows only; numbers with all their digits, no text that is a formula."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for row in (table.columns, *table.rows):
        writer.writerow(inert_cell(cell) if isinstance(cell, str) else cell for cell in row)
    return stream.getvalue()


def render_markdown(table: ResultTable) -> str:
    """A heading, the table, the note and the command."""
    marks = ["---:" if _is_numeric(table, at) else "---" for at in range(len(table.columns))]
    lines = [
        f"### {_for_markdown(table.title)}",
        "",
        _markdown_row(table.columns),
        f"|{'|'.join(marks)}|",
        *(_markdown_row(tuple(map(shown, row))) for row in table.rows),
    ]
    if table.note:
        lines += ["", _for_markdown(table.note)]
    if table.command:
        # The fence must be longer than any in the text.
        longest = max((len(run) for run in re.findall("`+", table.command)), default=0)
        fence = "`" * max(3, longest + 1)
        lines += ["", fence, table.command, fence]
    return "\n".join(lines) + "\n"


def render_html(table: ResultTable) -> str:
    """A ``<figure>`` to be put into a page; everything in it is text."""
    heads = "".join(
        f'<th scope="col"{_kind(_is_numeric(table, at))}>{html.escape(column)}</th>'
        for at, column in enumerate(table.columns)
    )
    lines = [
        f"<figure><table><caption>{html.escape(table.title)}</caption>",
        f"<thead><tr>{heads}</tr></thead><tbody>",
        *(f"<tr>{''.join(map(_html_cell, row))}</tr>" for row in table.rows),
        "</tbody></table>",
    ]
    below = [html.escape(table.note)] if table.note else []
    below += [f"<code>{html.escape(table.command)}</code>"] if table.command else []
    if below:
        lines.append(f"<figcaption>{'<br>'.join(below)}</figcaption>")
    return "\n".join([*lines, "</figure>"]) + "\n"


def render_page(table: ResultTable) -> str:
    """A whole page that holds the table and needs nothing but itself."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(table.title)}</title>\n<style>{_STYLE}</style></head><body>\n"
        f"{render_html(table)}</body></html>\n"
    )


def write_table(folder: Path, table: ResultTable, *, name: str = "table") -> tuple[Path, ...]:
    """Write ``name`` as .csv, .md and .html into ``folder``.

    Returns:
        The three paths.

    Raises:
        ResultsError: If a file cannot be written.
    """
    forms = {"csv": render_csv, "md": render_markdown, "html": render_page}
    for suffix, render in forms.items():
        with replacing(folder / f"{name}.{suffix}") as stream:
            stream.write(render(table))
    return tuple(folder / f"{name}.{suffix}" for suffix in forms)


def _is_numeric(table: ResultTable, column: int) -> bool:
    cells = [row[column] for row in table.rows if row[column] is not None]
    return bool(cells) and all(isinstance(cell, int | float) for cell in cells)


def _html_cell(cell: Cell) -> str:
    return f"<td{_kind(isinstance(cell, int | float))}>{html.escape(shown(cell))}</td>"


def _kind(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def _markdown_row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(_for_markdown, cells))} |"


def _for_markdown(text: str) -> str:
    """Text that no Markdown reader takes for markup, on one line."""
    return re.sub(r"([\\`*_|<>\[\]&])", r"\\\1", " ".join(text.split()))
