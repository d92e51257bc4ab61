"""One process at a time opens a store's file, or puts it aside."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Keep this user's other processes from opening or renaming ``path`` meanwhile.

    SQLite finds a file's log by its name: who opened a file just before it was renamed, and its
    log just after, would write into another file's log. The system forgets the lock when a process
    is killed. It lies in the folder for temporary files, out of the way of what is beside ``path``.
    """
    try:
        import fcntl
    except ImportError:  # not a POSIX system: there no file is renamed while another has it open
        yield
        return
    name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:32]
    try:
        lock = Path(tempfile.gettempdir()) / f"sightglass-{os.getuid()}-{name}.lock"
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:  # no room, or no such folder: whoever is alone needs no lock
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
