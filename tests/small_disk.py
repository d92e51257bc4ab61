"""A place with little room: a tiny file system where one may be mounted, else a limit."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commands import COMMAND, environment
from mounting import succeeds

_KIB = 1024


class SmallDisk:
    """A folder with little room, and commands that meet it.

    Attributes:
        folder: The only place where there is little room, on a mounted disk. Without one no file
            of a command may be larger than the room, wherever it lies.
        mounted: Which of the two it is.
    """

    def __init__(self, folder: Path, *, mounted: bool) -> None:
        self.folder, self.mounted = folder, mounted
        self._limit: int | None = None

    def leave(self, kib: int) -> None:
        """Leave so much room."""
        self.free()
        if not self.mounted:
            self._limit = kib * _KIB
            return
        room = os.statvfs(self.folder)
        filler = room.f_bavail * room.f_frsize - kib * _KIB
        assert filler >= 0
        (self.folder / "filler").write_bytes(bytes(filler))

    def free(self) -> None:
        """Give room again."""
        self._limit = None
        (self.folder / "filler").unlink(missing_ok=True)

    def run(self, *arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
        """The finished command; its current folder is ``home``."""
        limit = self._limit

        def limited() -> None:
            if limit is not None:
                # Python ignores the signal that goes with it: writing fails with EFBIG.
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        return subprocess.run(
            [COMMAND, *map(str, arguments)],
            cwd=home,
            env=environment(home),
            preexec_fn=limited,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


@contextmanager
def small_disk(folder: Path, *, mib: int, mount: bool) -> Iterator[SmallDisk]:
    """A disk of that size in ``folder``; or a limit where none is wanted or may be mounted."""
    folder.mkdir()
    mounted = mount and succeeds("mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", folder)
    try:
        yield SmallDisk(folder, mounted=mounted)
    finally:
        if mounted:
            assert succeeds("umount", folder)
