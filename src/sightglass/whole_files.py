"""Files that appear whole or not at all, whatever happens while they are written, and by whom."""

from __future__ import annotations

import os
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
    """Write ``data`` into a file that takes ``path``'s place when all of it is on the disk.

    Raises:
        ResultsError: As for ``replacing``.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _cannot_write(path, error) from error


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Keep other runs from writing into ``folder``; the system forgets it when a run is killed.

    Raises:
        ResultsError: If another run is writing there.
    """
    try:
        import fcntl
    except ImportError:  # not a POSIX system: there the last run to finish wins
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ResultsError(
                f"{folder}: another run is writing its results there. Wait for it, or choose "
                f"another folder with --out."
            ) from error
        yield
    finally:
        os.close(descriptor)


def _cannot_write(path: Path, error: OSError) -> ResultsError:
    return ResultsError(
        f"{path}: cannot be written ({error.strerror or error}). Free some space or choose "
        f"another folder, and run again: nothing computed is lost."
    )
