"""The bytes of one file, and a stamp that tells whether it has changed since."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

from sightglass.errors import PictureError
from sightglass.inputs import remote
from sightglass.inputs.file_stamp import FileStamp

DEFAULT_MAX_BYTES = 1 << 30
_GRAIN_NS = 50_000_000

_NOT_FILES = (
    (stat.S_ISDIR, "a folder that cannot be listed"),
    (stat.S_ISFIFO, "a named pipe, not a file"),
    (stat.S_ISSOCK, "a socket, not a file"),
    (stat.S_ISCHR, "a device, not a file"),
    (stat.S_ISBLK, "a device, not a file"),
)


def read_bytes(
    path: str | os.PathLike[str], *, max_bytes: int = DEFAULT_MAX_BYTES
) -> tuple[bytes, FileStamp]:
    """The whole file, and the stamp that belongs to exactly these bytes.

    Args:
        path: A path, or a URL.
        max_bytes: Larger files are not read.

    Raises:
        PictureError: ``unreadable`` if the file is missing, may not be read, is no regular file
            or changes meanwhile; ``too_large`` above ``max_bytes``.
    """
    if isinstance(path, str) and remote.is_url(path):
        here = remote.local_path(path)
        if here is None:
            return remote.fetch(path, max_bytes=max_bytes)
        path = here
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


def stamp_of(path: str) -> FileStamp | None:
    """The stamp that the file has now, without reading it.

    None where there is none to be had: reading it will say why.
    """
    if remote.is_url(path):
        here = remote.local_path(path)
        if here is None:
            return remote.stamp_of(path)
        path = here
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return FileStamp(size=status.st_size, mtime_ns=status.st_mtime_ns)


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
