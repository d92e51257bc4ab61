"""The rows of a CSV or TSV file, each with the number of its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from sightglass.errors import InputError

SUFFIXES = {".csv": ",", ".tsv": "\t", ".tab": "\t"}


def table_rows(path: Path, data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Line number, from 1, and fields; the first are the names of the columns.

    CSV as spreadsheets write it. In TSV every line is a row, and a field is in quotation marks
    only if it begins and ends with one and has none but doubled ones within: captions often have
    a mark of their own, which must not swallow the lines behind it.

    Raises:
        InputError: If the suffix is another, the text is not UTF-8, or a row has another number
            of fields than the first.
    """
    delimiter = SUFFIXES.get(path.suffix.casefold())
    if delimiter is None:
        raise InputError(
            f"{path}: a table's name must end in {', '.join(SUFFIXES)}, which says how its columns "
            f"are divided. Rename it."
        )
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: must be UTF-8 text, got another encoding (byte {error.start + 1:,} makes no "
            f"sense as UTF-8). Save it as UTF-8."
        ) from error
    width = 0
    for line, fields in _csv(path, data) if delimiter == "," else _tsv(data):
        width = width or len(fields)
        if len(fields) != width:
            raise InputError(
                f"{path}: every row needs the {width} fields of the first, got {len(fields)} in "
                f"line {line:,}. Put quotation marks around a caption that contains the "
                f"delimiter, or remove the line."
            )
        yield line, fields


def _csv(path: Path, data: bytes) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(_lines(data, ends=""), strict=True)
    line = 1
    try:
        for fields in reader:
            if fields:
                yield line, fields
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{path}: must be CSV, but the row that begins in line {line:,} cannot be read "
            f"({error}). Correct its quotation marks."
        ) from error


def _tsv(data: bytes) -> Iterator[tuple[int, list[str]]]:
    # Not splitlines(): that would also cut at form feeds and Unicode separators within a line.
    for line, row in enumerate(_lines(data, ends=None), start=1):
        if row := row.removesuffix("\n"):
            yield line, [_unquoted(field) for field in row.split("\t")]


def _lines(data: bytes, *, ends: str | None) -> io.TextIOWrapper:
    # Decoded as it is read: as one text, a table of millions of rows takes four times its size.
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline=ends)


def _unquoted(field: str) -> str:
    if len(field) < 2 or not field.startswith('"') or not field.endswith('"'):
        return field
    inside = field[1:-1]
    return field if '"' in inside.replace('""', "") else inside.replace('""', '"')
