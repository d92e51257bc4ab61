"""The column of a manifest that holds paths: which one it is, and its cells."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TextIO

from sightglass.errors import InputError, closest, first_line
from sightglass.inputs.remote import is_url
from sightglass.inputs.spreadsheet_cells import plain_cell

COLUMNS = ("path", "url", "file", "filename", "image")
# How the header of our own predictions.csv begins.
OURS = ("path", "outcome", "label")
# No path and no URL is as long; a line of a predictions.jsonl may come near.
LONGEST_LINE = 1 << 20

_MARKS = {",": "commas", "\t": "tabs", ";": "semicolons"}
# A quoted cell of the first line, with all marks in it; it may go on in the next line.
_QUOTED = re.compile(r"(?:^|(?<=[,\t;]))\"(?:[^\"]|\"\")*")
_A_PATH = re.compile(
    r"[/\\]|\.(?:avif|bmp|gif|hei[cf]|jpe?g|png|ppm|tiff?|webp)\s*$", re.IGNORECASE
)
_ESCAPED_BYTE = re.compile(r"\\udc([89a-f][0-9a-f])")


def choose_column(names: Sequence[str], *, column: str | None, where: str) -> str:
    """Which of a table's columns holds the paths.

    Args:
        names: Of all its columns.
        column: The person's choice.
        where: How a message begins.

    Raises:
        InputError: If there is no such column, or several; or none was chosen and none is known.
    """
    chosen = _chosen(names, column, where)
    if names.count(chosen) > 1:
        raise InputError(
            f"{where} must have one column '{chosen}', got {names.count(chosen)}. Rename the "
            f"others."
        )
    return chosen


def _chosen(names: Sequence[str], column: str | None, where: str) -> str:
    if column is not None:
        if column in names:
            return column
        near = closest(column, names)
        hint = f" Did you mean '{near}'?" if near else ""
        raise InputError(f"{where} has no column '{column}'.{hint} It has {_listed(names)}.")
    if len(names) == 1:
        return names[0]
    folded = {name.strip().lower(): name for name in reversed(names)}
    for known in COLUMNS:
        if known in folded:
            return folded[known]
    raise InputError(
        f"{where} needs a column {', '.join(COLUMNS[:-1])} or {COLUMNS[-1]}, got "
        f"{_listed(names)}. Say which one holds the paths with --manifest-column."
    )


def csv_cells(text: TextIO, *, column: str | None, where: str, tabs: bool = False) -> Iterator[str]:
    """The cells of one column; columns end at commas, tabs or semicolons, as the header's do.

    Args:
        text: The table.
        column: The person's choice.
        where: How a message begins.
        tabs: Columns end at tabs, also where the header is one column and shows none.

    Raises:
        InputError: If the table has no such column, or a row is malformed or ends before it.
    """
    lines = _lines(text, where)
    first = next(lines, "")
    mark = _mark_of(first, tabs=tabs)
    rows = _csv_rows(chain((first,), lines), mark, where)
    _, header = next(rows, (1, []))
    chosen = choose_column(header, column=column, where=where)
    if column is None and len(header) == 1 and _is_no_heading(chosen):
        raise InputError(
            f"{where} must name its columns in the first line, got '{chosen}' there. Put a line "
            f"'path' in front, or call the file .txt; where it is a name, say so with "
            f"--manifest-column."
        )
    at = header.index(chosen)
    exact: Callable[[str], str] = _as_it_was if tuple(header[:3]) == OURS else str
    for number, row in rows:
        if any(row[len(header) :]):
            raise InputError(
                f"{where} must have {len(header)} cells in each row, got {len(row)} in line "
                f"{number}. Put quotes round names that hold {_MARKS[mark]}."
            )
        if at < len(row):
            yield exact(row[at])
        elif any(cell.strip() for cell in row):
            raise InputError(
                f"{where} must have a cell '{chosen}' in each row, but line {number} ends before "
                f"it. Complete or remove it."
            )


def jsonl_cells(text: TextIO, *, column: str | None, where: str) -> Iterator[str]:
    """What one key of the objects, one a line, holds; the first object says which key.

    Raises:
        InputError: If a line is no object, or has no such key, or its value is no text.
    """
    key = None
    for number, line in enumerate(_lines(text, where), start=1):
        if line.isspace():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{where} must hold a JSON object per line, but line {number} is none "
                f"({first_line(error)}). Correct or remove it."
            ) from error
        if not isinstance(row, dict):
            raise InputError(
                f"{where} must hold a JSON object per line, got {type(row).__name__} in line "
                f"{number}. Correct or remove it."
            )
        if key is None:
            key = choose_column(list(row), column=column, where=where)
        if key not in row:
            raise InputError(
                f"{where} must have the key '{key}' in each object, got none in line {number}. "
                f"Add it (null for no picture) or remove the line."
            )
        yield text_of(row[key], f"{where}, line {number}, '{key}'")


def text_of(value: object, where: str) -> str:
    """A cell that holds text, or nothing.

    Raises:
        InputError: If it holds something else.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(
            f"{where} must be a path or a URL, got {type(value).__name__}. Correct it, or name "
            f"another column with --manifest-column."
        )
    return value


def from_escapes(name: str) -> str:
    r"""The name of a file that is not UTF-8, of how our tables write it (``\udcff``).

    A file that is really called like that is meant if there is one.
    """
    if not _ESCAPED_BYTE.search(name) or os.path.lexists(name):
        return name
    return _ESCAPED_BYTE.sub(lambda found: chr(0xDC00 + int(found[1], 16)), name)


def _as_it_was(cell: str) -> str:
    return plain_cell(from_escapes(cell))  # the last that was done is undone first


def _is_no_heading(lone: str) -> bool:
    """Whether the only cell of the first line is a picture's name rather than a column's."""
    if lone.strip().lower() in COLUMNS:
        return False
    return is_url(lone) or _A_PATH.search(lone) is not None or os.path.lexists(lone)


def _mark_of(first: str, *, tabs: bool) -> str:
    """What ends the columns of a table with this first line; in quoted cells it ends none."""
    bare = _QUOTED.sub("", first)
    marks = {mark: bare.count(mark) for mark in _MARKS}
    if tabs and (marks["\t"] or not any(marks.values())):
        return "\t"
    return max(marks, key=lambda one: marks[one])


def _csv_rows(lines: Iterable[str], mark: str, where: str) -> Iterator[tuple[int, list[str]]]:
    """All rows that are not blank, the header first, each with the line that it ends in."""
    rows = csv.reader(lines, delimiter=mark, strict=True)
    try:
        yield from ((rows.line_num, row) for row in rows if row)
    except csv.Error as error:
        raise InputError(
            f"{where} must be CSV, but line {rows.line_num} makes no sense ({first_line(error)}). "
            f"Correct it: names with quotation marks are quoted, and the marks in them doubled."
        ) from error


def _lines(text: TextIO, where: str) -> Iterator[str]:
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise InputError(
                f"{where} must have lines of less than {LONGEST_LINE:,} characters, got a longer "
                f"one. Give a list of paths or URLs."
            )
        yield line


def _listed(names: Sequence[str]) -> str:
    most = 20
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return (shown or "none") + (f" and {len(names) - most} more" if len(names) > most else "")
