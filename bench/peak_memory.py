"""Runs a command by way of a small program that tells the most memory that it held at once.

A process counts the memory of the one that started it as its own until it is another program. The
one between is smaller than any run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

_LAUNCHER = """
import resource, subprocess, sys
with open(sys.argv[1], "wb") as out:
    child = subprocess.Popen(sys.argv[2:], stdout=out)
    print(child.pid, flush=True)
    code = child.wait()
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
# Before that: root's right to read what nobody may read goes. Without it (capabilities 1 and 2 of
# Linux, by prctl 24) the modes of files mean for root what they mean for everybody.
_WITHOUT_RIGHTS = """
import ctypes, os, sys
if hasattr(os, "geteuid") and os.geteuid() == 0 and sys.platform == "linux":
    for capability in (1, 2):
        if ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) != 0:
            sys.exit("root must be able to lay down rights over files")
"""
# getrusage counts in bytes on macOS, in units of 1,024 bytes elsewhere
_UNIT = 1 if sys.platform == "darwin" else 1024


def launched(command: Sequence[str], *, out: Path, as_anybody: bool = False) -> list[str]:
    """What to start in place of ``command``: prints its process id, and at the end what it took.

    Args:
        command: Gets standard input and standard error as they are.
        out: File for its standard output.
        as_anybody: Whether root lays down its right to read what nobody may read.
    """
    program = _WITHOUT_RIGHTS + _LAUNCHER if as_anybody else _LAUNCHER
    return [sys.executable, "-c", program, str(out), *command]


def taken(last_line: str) -> tuple[int, float]:
    """Exit code (negative for a signal) and most memory at once, in units of 1,000,000 bytes.

    Args:
        last_line: What the launcher printed last; nothing where it was ended itself.
    """
    code, peak = last_line.split() or ("-1", "0")
    return int(code), int(peak) * _UNIT / 1e6
