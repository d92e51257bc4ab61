"""Files of the data sets' authors line by line: each line counts, for places in them are labels."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from sightglass.errors import InputError
from sightglass.evaluation.dataset_folders import inner_file
from sightglass.evaluation.public_sources import PublicSource

_SHOWN = 60


def first_file(place: Path, names: Sequence[str], source: PublicSource) -> Path:
    """The first of ``names`` that is a file in ``place``.

    Raises:
        InputError: If none is; says where people get it.
    """
    found = present_file(place, names)
    if found is None:
        raise InputError(
            f"'{place}' needs the file {' or '.join(names)}, has none. {source.wanted}"
        )
    return found


def present_file(place: Path, names: Sequence[str]) -> Path | None:
    """The first of ``names`` that is a file in ``place``, or None."""
    return next(filter(None, (inner_file(place, name) for name in names)), None)


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Every line with its number from 1, without outer space; empty ones too.

    Raises:
        InputError: If the file cannot be read or is no UTF-8 text.
    """
    with _opened(path) as stream:
        for number, line in enumerate(stream, start=1):
            yield number, line.strip()


def numbered_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file with the number of the line that each ends on; no empty ones.

    Raises:
        InputError: If the file cannot be read or is no UTF-8 text.
    """
    with _opened(path, newline="") as stream:
        reader = csv.reader(stream)
        for row in reader:
            if row:
                yield reader.line_num, row


def bad_line(path: Path, number: int, wanted: str, line: str) -> InputError:
    """The sentence about a line that is not what it must be."""
    return InputError(
        f"{path}, line {number:,}: {wanted} is needed, got '{line[:_SHOWN]}'. Get the file anew."
    )


@contextmanager
def _opened(path: Path, newline: str | None = None) -> Iterator[TextIO]:
    try:
        with path.open(encoding="utf-8-sig", newline=newline) as stream:
            yield stream
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: UTF-8 text is needed, got another encoding. Save it as UTF-8."
        ) from error
    except csv.Error as error:
        raise InputError(f"{path}: a CSV file is needed, got none ({error}).") from error
    except OSError as error:
        raise InputError(
            f"{path}: the file cannot be read ({error.strerror or error}). Check its permissions."
        ) from error
