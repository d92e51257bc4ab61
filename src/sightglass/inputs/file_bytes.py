"""The bytes of one file, and a stamp that tells whether it has changed since."""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from sightglass.errors import PictureError

DEFAULT_MAX_BYTES = 1 << 30
_GRAIN_NS = 50_000_000

_NOT_FILES = (
    (stat.S_ISDIR, "a folder that cannot be listed"),
    (stat.S_ISFIFO, "a named pipe, not a file"),
    (stat.S_ISSOCK, "a socket, not a file"),
    (stat.S_ISCHR, "a device, not a file"),
    (stat.S_ISBLK, "a device, not a file"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStamp:
    """What tells a changed file from an unchanged one.

    Attributes:
        size: In bytes.
        mtime_ns: Time of the last change, nanoseconds since 1970.
        settled: False for a file that was changed a moment before it was read: it may change again
            within the clock's grain, and the stamp would not show it.
    """

    size: int
    mtime_ns: int
    settled: bool = True


def read_bytes(
    path: str | os.PathLike[str], *, max_bytes: int = DEFAULT_MAX_BYTES
) -> tuple[bytes, FileStamp]:
    """The whole file, and the stamp that belongs to exactly these bytes.

    Raises:
        PictureError: ``unreadable`` if the file is missing, may not be read, is no regular file
            or changes meanwhile; ``too_large`` above ``max_bytes``.
    """
    try:
        # Asked before opening: a named pipe would block for ever, a device may act.
        _require_regular(Path(path).stat())
        with open(path, "rb", opener=_open_without_waiting) as file:
            before = os.fstat(file.fileno())
            _require_regular(before)
            if before.st_size > max_bytes:
                raise PictureError(
                    "too_large", f"{before.st_size:,} bytes; the limit is {max_bytes:,}"
                )
            data = file.read(before.st_size + 1)
            after = os.fstat(file.fileno())
    except PictureError:
        raise
    except (OSError, ValueError) as error:
        raise PictureError("unreadable", _refusal(error, path)) from error
    settled = after.st_mtime_ns < time.time_ns() - _GRAIN_NS
    stamp = FileStamp(size=after.st_size, mtime_ns=after.st_mtime_ns, settled=settled)
    if before.st_mtime_ns != stamp.mtime_ns or not before.st_size == stamp.size == len(data):
        raise PictureError("unreadable", "changed while it was being read")
    return data, stamp


def _open_without_waiting(path: str, flags: int) -> int:
    # Should the file have become a pipe since it was asked; Windows has neither pipe nor flag.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _require_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kinds = (words for test, words in _NOT_FILES if test(status.st_mode))
        raise PictureError("unreadable", next(kinds, "not a regular file"))


def _refusal(error: Exception, path: str | os.PathLike[str]) -> str:
    if isinstance(error, FileNotFoundError):
        return "a link to nothing" if os.path.islink(path) else "not found"  # noqa: PTH114
    if isinstance(error, PermissionError):
        return "permission denied"
    return str(getattr(error, "strerror", None) or error).lower()
