"""Folders that nobody can write to; permissions alone are none for root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mounting import succeeds


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """The folder as it is, read-only; where that cannot be had, another that nobody can write to.

    Root mounts the folder onto itself. Where it may not, a place in ``/proc`` is as good.
    """
    if os.geteuid() != 0:
        folder.chmod(0o555)
        try:
            yield folder
        finally:
            folder.chmod(0o755)
    elif succeeds("mount", "--bind", folder, folder):
        try:
            assert succeeds("mount", "-o", "remount,bind,ro", folder)
            yield folder
        finally:
            assert succeeds("umount", folder)
    else:
        yield Path("/proc/self")
