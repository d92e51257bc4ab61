"""One run at a time on one file or folder, by a lock beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sightglass.errors import ResultsError


def lock_of(out: Path) -> Path:
    """The empty file that is locked while ``out`` is being written."""
    return out.with_name(f".{out.name}.lock")


@contextmanager
def only_run_on(out: Path) -> Iterator[None]:
    """Keep other runs from writing ``out``; the system forgets it when a run is killed.

    What is written takes the place of ``out`` when it is whole, so that ``out`` itself cannot hold
    the lock. The lock's file goes with the run; one that a kill left is taken over.

    Args:
        out: In a folder that exists.

    Raises:
        ResultsError: If another run is writing it, or its folder cannot be written.
    """
    try:
        import fcntl
    except ImportError:  # not a POSIX system: there the last run to finish wins
        yield
        return
    lock = lock_of(out)
    while True:
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        except OSError as error:
            raise ResultsError(
                f"{lock}: must be a file that can be written ({error.strerror}). Choose another "
                f"place with --out."
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise ResultsError(
                f"{out}: another run is writing it. Wait for it, or choose another with --out."
            ) from error
        except OSError:
            pass  # a file system without locks: there the last run to finish wins
        if _is_at(lock, descriptor):
            break
        os.close(descriptor)  # the run that held it ended meanwhile, and took its file along
    try:
        yield
    finally:
        # Before it is let go, or it would be another run's by then. One with something in it is a
        # person's.
        if _is_at(lock, descriptor) and os.fstat(descriptor).st_size == 0:
            lock.unlink()
        os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
