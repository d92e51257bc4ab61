"""Commands that are killed at any moment of their run, again and again, and then left alone."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from forked_commands import start_forked

KILLS_IN_A_ROW = 5


@dataclass(frozen=True, kw_only=True)
class Job:
    """A command whose results are known from a run that nobody disturbed.

    Attributes:
        arguments: The command, given where its results go and its store.
        results: The files that must be equal to the byte.
        stage: How far a run came that was killed, given both and when it began.
        aims: Files in the folder of results; every fourth kill waits for one that is new.
    """

    arguments: Callable[[Path, Path], list[str]]
    results: tuple[str, ...]
    stage: Callable[[Path, Path, int], str]
    aims: tuple[str, ...]


def kill_often(home: Path, job: Job, *, kills: int, seed: int) -> Counter[str]:
    """Kill runs until ``kills`` of them were met alive; let each finish, and compare.

    A row of kills of one run ends after five, or when it came to its end before the next.

    Returns:
        How many kills met which stage.
    """
    calm, seconds = _undisturbed(home, job)
    chance, met = random.Random(seed), Counter[str]()
    row = 0
    while met.total() < kills:
        row += 1
        assert row <= 2 * kills, f"only {met.total()} kills met a run"
        out, store = home / f"killed-{row}", home / f"killed-{row}.sqlite"
        for _ in range(KILLS_IN_A_ROW):
            stage = _kill_once(home, job, (out, store), chance, seconds)
            if stage is None:
                break
            met[stage] += 1
        else:
            process = start_forked(*job.arguments(out, store), home=home)
            assert process.wait(600) == 0, (home / "said.txt").read_text()
        for name in job.results:
            assert (out / name).read_bytes() == calm[name], (row, name)
        left = sorted(path.name for path in out.iterdir() if path.name.endswith(".part"))
        assert not left, (row, left)
        shutil.rmtree(out)
    return met


def _undisturbed(home: Path, job: Job) -> tuple[dict[str, bytes], float]:
    start_forked("--version", home=home).wait(120)  # what every command needs is loaded now
    begun = time.monotonic()
    out = home / "calm"
    process = start_forked(*job.arguments(out, home / "calm.sqlite"), home=home)
    assert process.wait(600) == 0, (home / "said.txt").read_text()
    seconds = time.monotonic() - begun
    return {name: (out / name).read_bytes() for name in job.results}, seconds


def _kill_once(
    home: Path, job: Job, places: tuple[Path, Path], chance: random.Random, seconds: float
) -> str | None:
    """The stage that a kill at a random moment met; None if the run came to its end before."""
    out, store = places
    begun = time.time_ns()
    process = start_forked(*job.arguments(out, store), home=home)
    if job.aims and chance.random() < 0.25:
        aim = out / chance.choice(job.aims)
        while process.poll() is None and not is_new(aim, begun):
            time.sleep(0.0005)
        moment = chance.uniform(0, 0.02)
    else:
        moment = chance.uniform(0, seconds)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    code = process.wait(600)
    if code != -signal.SIGKILL:
        assert code == 0, (home / "said.txt").read_text()
        return None
    return job.stage(out, store, begun)


def say(capsys: pytest.CaptureFixture[str], what: str, met: Counter[str]) -> None:
    """One line with the counts, whatever pytest captures."""
    stages = ", ".join(f"{stage} {count}" for stage, count in met.most_common())
    with capsys.disabled():
        sys.stdout.write(f"\n{what}: {met.total()} kills met a run ({stages})\n")


def is_new(path: Path, begun: int) -> bool:
    """Whether the file was written after ``begun`` (nanoseconds), the clock's grain allowed for."""
    try:
        return path.stat().st_mtime_ns >= begun - 10_000_000
    except FileNotFoundError:
        return False


def remembered(store: Path) -> int:
    """How many pictures a killed run left in its store, which is left as the run left it."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.sqlite"
        for suffix in ("", "-wal"):
            beside = store.with_name(store.name + suffix)
            if beside.exists():
                shutil.copy(beside, copy.with_name(copy.name + suffix))
        with closing(sqlite3.connect(copy)) as connection:
            try:
                (count,) = connection.execute("SELECT count(*) FROM pictures").fetchone()
            except sqlite3.OperationalError:  # its tables are not made yet
                return 0
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return int(count)
