"""Files that are whole or not there, line by line too, whatever happens while they are written."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TextIO, TypeVar

from sightglass.errors import InputError, ResultsError

if TYPE_CHECKING:
    from pydantic import BaseModel

Line = TypeVar("Line", bound="BaseModel")


class GrowingFile(Generic[Line]):
    """A file of JSON lines that only grows.

    Args:
        path: Read if it exists; None to keep nothing beyond this run.
        kind: What each line holds.
        line: What one is, for messages.
        advice: How to go on where it cannot be written.

    Attributes:
        entries: All lines, oldest first.

    Raises:
        InputError: If a line other than the last is no entry; a last line that a crash cut off is
            forgotten.
    """

    def __init__(self, path: Path | None, kind: type[Line], *, line: str, advice: str) -> None:
        self.path = path
        self.entries: list[Line] = []
        self._line, self._advice = line, advice
        self._whole = 0  # bytes that hold the entries
        self._gap = b""  # what the last of them lacks: editors drop a file's last newline
        if path is not None:
            self._read(path, kind)

    def append(self, new: Collection[Line], *, to_disk: bool = False) -> None:
        """Append lines; on return they are with the system, or on the disk itself.

        Raises:
            ResultsError: If the disk is full or the file cannot be written.
        """
        if self.path is not None:
            jsons = (one.model_dump_json(exclude_defaults=True) for one in new)
            lines = self._gap + b"".join(json.encode() + b"\n" for json in jsons)
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("ab") as stream:
                    stream.truncate(self._whole)
                    stream.write(lines)
                    stream.flush()
                    if to_disk:
                        os.fsync(stream.fileno())
            except OSError as error:
                raise ResultsError(
                    f"{self.path}: cannot be written ({error.strerror}). {self._advice}"
                ) from error
            self._whole += len(lines)
            self._gap = b""
        self.entries.extend(new)

    def _read(self, path: Path, kind: type[Line]) -> None:
        from pydantic import ValidationError

        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise InputError(
                f"{path}: must be readable ({error.strerror}). Change its permissions."
            ) from error
        for number, line in enumerate(data.splitlines(keepends=True), start=1):
            ended = line.endswith(b"\n")
            try:
                self.entries.append(kind.model_validate_json(line))
            except ValidationError as error:
                if not ended:
                    return
                first = error.errors()[0]["msg"]
                raise InputError(
                    f"{path}: line {number} must be {self._line}, but: {first}. "
                    f"Correct or remove the line."
                ) from error
            self._whole += len(line)
            self._gap = b"" if ended else b"\n"


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
