"""Files that appear whole or not at all, whatever happens while they are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from sightglass.errors import ResultsError


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    r"""A text file that takes ``path``'s place when all is written, and never half of it.

    File names that are not valid text are written as escapes (``\udcff``), so that the file is
    valid UTF-8.

    Raises:
        ResultsError: If the disk is full or the file cannot be written or put in place.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            yield stream
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _cannot_write(path, error) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def put_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` into a file that takes ``path``'s place when all of it is there.

    Raises:
        ResultsError: As for ``replacing``.
    """
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> ResultsError:
    return ResultsError(
        f"{path}: cannot be written ({error.strerror or error}). Free some space or choose "
        f"another folder, and run again: nothing computed is lost."
    )
