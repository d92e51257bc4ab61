"""One process at a time opens a store's file, or puts it aside."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sightglass.whole_files import is_at, locked

_PATIENCE = 60.0


@contextmanager
def one_at_a_time(path: Path, *, patience: float | None = None) -> Iterator[None]:
    """Keep other processes from opening or renaming ``path`` meanwhile.

    SQLite finds a file's log by its name: who opened a file just before it was renamed, and its
    log just after, would write into another file's log. The lock lies beside the file while it is
    held; the system forgets it when a process is killed.

    Args:
        path: The file.
        patience: How many seconds are waited for others, a minute if None.

    Raises:
        TimeoutError: If another process holds it all that time.
    """
    real = Path(os.path.realpath(path))
    lock = real.with_name(f".{real.name}.lock")
    descriptor = _taken(lock, _PATIENCE if patience is None else patience)
    try:
        yield
    finally:
        if descriptor is not None:
            # Before it is given up: whoever waits for a lock that is deleted takes a new one.
            with suppress(OSError):
                lock.unlink()
            os.close(descriptor)


def _taken(lock: Path, patience: float) -> int | None:
    if sys.platform == "win32":  # there no file is renamed while another has it open
        return None
    give_up = time.monotonic() + patience
    while True:
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        except OSError:  # no room, or another user's: whoever is alone needs no lock
            return None
        if locked(descriptor) and is_at(descriptor, lock):
            return descriptor
        os.close(descriptor)
        if time.monotonic() >= give_up:
            raise TimeoutError(f"another process has been opening it for {patience:.0f} seconds")
        time.sleep(0.01)
