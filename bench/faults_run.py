"""One run of ``sightglass classify`` under watch: its peak memory, and whether it goes on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from peak_memory import launched, taken

SECONDS_WITHOUT_PROGRESS = 60
_PROGRESS = re.compile(r"[\d,]+ of [\d,]+ files, ")


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedRun:
    """What a finished or stopped run left.

    Attributes:
        code: Exit code; negative for the signal that ended it.
        hung: True where it was stopped because nothing came for a minute.
        seconds: From start to end.
        megabytes: The most memory that was resident at once, in units of 1,000,000 bytes.
        remarks: Lines on standard error that are no progress.
    """

    code: int
    hung: bool
    seconds: float
    megabytes: float
    remarks: tuple[str, ...]


class _Listener(threading.Thread):
    """Reads standard error; knows when it last heard of progress."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        super().__init__(daemon=True)
        self._process = process
        self.heard = time.monotonic()
        self.remarks: list[str] = []

    def run(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if _PROGRESS.match(line):
                self.heard = time.monotonic()
            else:
                self.remarks.append(line.rstrip("\n"))


def watched(arguments: list[str], *, out: Path) -> WatchedRun:
    """Run the command line in a process of its own.

    A run that says nothing new for a minute is made to write the stacks of all its threads to
    standard error, and ended.

    Args:
        arguments: Behind ``sightglass``.
        out: File for its standard output.
    """
    command = [sys.executable, "-m", "sightglass", *arguments]
    started = time.monotonic()
    with subprocess.Popen(
        launched(command, out=out, as_anybody=True),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="backslashreplace",
        # Makes SIGABRT write every thread's stack.
        env={**os.environ, "PYTHONFAULTHANDLER": "1", "HF_HUB_OFFLINE": "1"},
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        listener = _Listener(process)
        listener.start()
        hung = False
        while process.poll() is None:
            time.sleep(0.2)
            if not hung and time.monotonic() - listener.heard > SECONDS_WITHOUT_PROGRESS:
                hung = True
                os.kill(int(first), signal.SIGABRT)
        listener.join()
        code, megabytes = taken(process.stdout.read())
    return WatchedRun(
        code=code,
        hung=hung,
        seconds=time.monotonic() - started,
        megabytes=megabytes,
        remarks=tuple(listener.remarks),
    )
