"""What is wrong with a file, whether it is ours, and how it is put out of the way."""

from __future__ import annotations

import errno
import sqlite3
import time
from pathlib import Path

from sightglass.errors import InputError, StoreError
from sightglass.store.layout import (
    APPLICATION,
    TABLES,
    NotThisLayoutError,
    OtherVersionError,
    code_of,
    kind_of,
)

# Kinds of error that speak of the file's content. Others speak of the disk, rights or memory.
_DAMAGE = {
    sqlite3.SQLITE_ERROR,  # our statements are right: a table or column of theirs is not there
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_NOTADB,
}
# A quota, or no room for the log's index, is an error of writing to SQLite, not a full disk.
_NO_ROOM = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_SHMOPEN,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_SHMMAP,
}
_MAGIC = b"SQLite format 3\0"
_APPLICATION_AT = 68  # Source: sqlite.org/fileformat2.html, section 1.3
_WRITE_VERSION_AT = 18
_FIRST_PAGE = 4096

_TEMPORARY = "a temporary file"
_UNREAD = ".damaged-unread"

FileId = tuple[int, int]


def shows_damage(error: sqlite3.Error | UnicodeDecodeError, path: Path) -> bool:
    """Whether this is about what is in the file, not about the disk or who may write there."""
    if isinstance(error, NotThisLayoutError | UnicodeDecodeError):
        return True
    kind = kind_of(error)
    if kind == sqlite3.SQLITE_READONLY:
        # Above 2 SQLite takes the file for one of a later format, which it may only read.
        return _head(path)[_WRITE_VERSION_AT : _WRITE_VERSION_AT + 1] > b"\2"
    return kind in _DAMAGE


def is_full(error: Exception) -> bool:
    """Whether there was, or may have been, no room on the disk, or no more was allowed."""
    return code_of(error) in _NO_ROOM or getattr(error, "errno", None) in {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
    }


def what_it_was(error: Exception) -> str:
    """Why a file is put aside, for a sentence."""
    kind = "of another version" if isinstance(error, OtherVersionError) else "damaged"
    return f"{kind} ({error})"


def cannot_open(path: Path | None, error: Exception) -> InputError | StoreError:
    """The error for a file that cannot be used from the beginning."""
    where = f"store: {path or _TEMPORARY} cannot be opened for writing ({error})."
    if is_full(error):
        return StoreError(f"{where} Free some space, or choose another file with --store.")
    return InputError(f"{where} Choose another file with --store.")


def broken(path: Path | None, error: Exception) -> StoreError:
    """The error for a file that could be used until now."""
    room = "Free some space, or choose" if is_full(error) else "Choose"
    return StoreError(
        f"store: {path or _TEMPORARY} cannot be used any more ({error}). What was saved before is "
        f"kept. {room} another file with --store, and run again."
    )


def is_ours(path: Path) -> bool:
    """Whether this package made the file, as far as its first page still tells."""
    head = _head(path)
    if head[_APPLICATION_AT : _APPLICATION_AT + 4] == APPLICATION.to_bytes(4, "big"):
        return True
    return head.startswith(_MAGIC) and any(table.encode() in head for table in TABLES.values())


def file_id(path: Path) -> FileId | None:
    """What tells this file from another one that took its name; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def unread(path: Path) -> Path:
    """Where a damaged file lies until all that is whole in it was taken over."""
    return path.with_name(f"{path.name}{_UNREAD}")


def set_aside(path: Path) -> Path:
    """Rename the file, and its log with it: together they can still be looked into.

    Returns:
        Its new name, ``unread(path)`` unless another file waits there.

    Raises:
        OSError: If it cannot be renamed.
    """
    aside = unread(path)
    return _renamed(path, _dated(path.name, aside) if aside.exists() else aside)


def keep(aside: Path) -> Path:
    """Give a file that was put aside, and gone through, the name under which it stays."""
    if not aside.name.endswith(_UNREAD):
        return aside
    return _renamed(aside, _dated(aside.name.removesuffix(_UNREAD), aside))


def _renamed(path: Path, aside: Path) -> Path:
    # The log goes first: without it the name cannot be taken for the log of a new file.
    for suffix in ("-wal", "-shm", ""):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.replace(aside.with_name(aside.name + suffix))
    return aside


def _dated(name: str, beside: Path) -> Path:
    first = beside.with_name(f"{name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    free, number = first, 1
    while free.exists():
        number += 1
        free = first.with_name(f"{first.name}-{number}")
    return free


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_FIRST_PAGE)
    except OSError:
        return b""
