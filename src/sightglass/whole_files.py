"""Files that are whole or not there, line by line too, whatever happens while they are written."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TextIO, TypeVar

from sightglass.errors import InputError, ResultsError

if TYPE_CHECKING:
    from pydantic import BaseModel

Line = TypeVar("Line", bound="BaseModel")

_PATIENCE = 10.0  # seconds, for a file that is written in one go
_NOT_ELSEWHERE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


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
        ResultsError: If the disk is full, the file cannot be written or put in place, or another
            run is writing it.
    """
    with _taking_the_place_of(path) as stream:
        yield stream


def put_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` into a file that takes ``path``'s place when all of it is on the disk.

    Where another run is writing the file, that is waited for: the last takes its place.

    Raises:
        ResultsError: As for ``replacing``.
    """
    with _taking_the_place_of(path, to_disk=True, patience=_PATIENCE) as stream:
        stream.buffer.write(data)


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Keep other runs from writing into ``folder``; the system forgets it when a run is killed.

    Raises:
        ResultsError: If another run is writing there.
    """
    if sys.platform == "win32":  # there no folder is opened, and the last run to finish wins
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if not locked(descriptor):
            raise ResultsError(
                f"{folder}: another run is writing its results there. Wait for it, or choose "
                f"another folder with --out."
            )
        yield
    finally:
        os.close(descriptor)


@contextmanager
def written_to(path: Path) -> Iterator[None]:
    """What fails inside is about this file: of several that are open, the message names the one.

    Raises:
        ResultsError: If it cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> ResultsError:
    return ResultsError(
        f"{path}: cannot be written ({error.strerror or error}). Free some space or choose "
        f"another folder, and run again: nothing computed is lost."
    )


def locked(descriptor: int) -> bool:
    """Lock an open file until it is closed; False if another run, or thread, has it.

    The system forgets the lock when a process is killed. Where there are no locks, True.
    """
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file still has this name: it may have been deleted before it was locked."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def require_writable(folder: Path, *, needed: str, advice: str) -> None:
    """Make ``folder``, with those above it, and see that files can be written in it.

    Args:
        folder: Left as it was, but for being there.
        needed: How the message begins: where, and what is needed.
        advice: How it ends: what to do.

    Raises:
        InputError: If it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A name of nobody else's: what another run is writing there is not touched.
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".sightglass-", suffix=".part"):
            pass
    except OSError as error:
        raise InputError(f"{needed} ({error.strerror or error}). {advice}") from error


@contextmanager
def _taking_the_place_of(
    path: Path, *, to_disk: bool = False, patience: float = 0.0
) -> Iterator[TextIO]:
    part = path.with_name(path.name + ".part")
    try:
        stream = _begun(part, patience)
    except OSError as error:
        raise _cannot_write(path, error) from error
    with ExitStack() as held:
        if sys.platform != "win32":  # there no file is renamed that is open
            # The lock is kept until the file has its name, after the last byte is written.
            held.callback(os.close, os.dup(stream.fileno()))
        try:
            with stream:
                yield stream
                if to_disk:
                    stream.flush()
                    os.fsync(stream.fileno())
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise _cannot_write(path, error) from error
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def _begun(part: Path, patience: float) -> TextIO:
    """A new file of that name, locked; what a killed run left there is deleted.

    That is never written to: it may be a link, or a second name, to something else.
    """
    give_up = time.monotonic() + patience
    while True:
        try:
            stream = part.open("x", encoding="utf-8", errors="backslashreplace", newline="")
        except FileExistsError:
            if _deleted(part):
                continue
            if time.monotonic() >= give_up:
                raise ResultsError(
                    f"{part}: only one run at a time can write this file, and another is writing "
                    f"it. Wait for it, or choose another folder."
                ) from None
            time.sleep(0.01)
        else:
            if locked(stream.fileno()) and is_at(stream.fileno(), part):
                return stream
            stream.close()  # deleted by another run before it was locked


def _deleted(part: Path) -> bool:
    """Delete what lies there; False if a run that lives is writing it."""
    try:
        left = os.open(part, os.O_RDWR | _NOT_ELSEWHERE)
    except FileNotFoundError:
        return True
    except OSError:  # a link, or not ours
        part.unlink(missing_ok=True)
        return True
    try:
        if not locked(left):
            return False
        if is_at(left, part):
            part.unlink(missing_ok=True)
        return True
    finally:
        os.close(left)
