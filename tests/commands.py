"""Runs the installed command as a person would, away from the checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("sightglass"))


def environment(home: Path) -> dict[str, str]:
    """A fresh person's: their own cache, no colours, no hub."""
    return {
        **os.environ,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "HF_HUB_OFFLINE": "1",
        "COLUMNS": "200",
        "NO_COLOR": "1",
    }


def run(
    *arguments: str | Path, home: Path, stdin: str = "", timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """The finished command; its current folder is ``home``."""
    return subprocess.run(
        [COMMAND, *map(str, arguments)],
        cwd=home,
        env=environment(home),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def run_python(code: str, *, home: Path) -> subprocess.CompletedProcess[str]:
    """The finished program, run by the Python that has the package; its folder is ``home``."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )


def start(*arguments: str | Path, home: Path) -> subprocess.Popen[bytes]:
    """The command, begun."""
    return subprocess.Popen(
        [COMMAND, *map(str, arguments)],
        cwd=home,
        env=environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def rows_of(folder: Path) -> list[dict[str, str]]:
    """predictions.csv as dictionaries."""
    import csv

    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def complaints(stderr: str) -> str:
    """What a command said but for its progress, which only slow machines see."""
    lines = stderr.splitlines(keepends=True)
    return "".join(line for line in lines if not re.match(r"[\d,]+ of [\d,]+ files, ", line))
