"""How long whole processes take: help, one picture that is new, one that is known."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pictures import FOLDER
from speed_ours import NAMES
from tables import markdown, spread

TIMES = 5
CACHE = FOLDER / "start-cache"  # not the user's own: a first run is one that finds nothing there


def start_table(
    picture: Path, another: Path, checkpoint: Path
) -> tuple[str, list[tuple[str, float]]]:
    """Seconds of each command, in turns, as a table and as (row, seconds) pairs.

    Args:
        picture: Classified by every command.
        another: Seen before, where a row is about a second picture.
        checkpoint: Folder of the large model.
    """
    store, out, after_another = FOLDER / "start.sqlite", FOLDER / "start", FOLDER / "another.sqlite"

    def classify(picture: Path, store: Path) -> list[str]:
        return [
            *(sys.executable, "-m", "sightglass", "classify", str(picture)),
            *("--classes", ",".join(NAMES), "--store", str(store), "--out", str(out)),
        ]

    mini = classify(picture, store)
    loop = (
        "import sys; from transformers import pipeline; "
        "pipe = pipeline('zero-shot-image-classification', model=sys.argv[1]); "
        "print(pipe(sys.argv[2], candidate_labels=sys.argv[3].split(',')))"
    )
    pipe = [sys.executable, "-c", loop, str(checkpoint), str(picture), ",".join(NAMES)]
    large = ["--model", f"hf:{checkpoint}"]

    def forget(path: Path = store) -> None:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)

    def forget_all() -> None:
        forget()
        shutil.rmtree(CACHE, ignore_errors=True)

    def know_another() -> None:
        forget()
        shutil.copyfile(after_another, store)

    commands: dict[str, tuple[list[str], Callable[[], None]]] = {
        "sightglass --help": ([sys.executable, "-m", "sightglass", "--help"], lambda: None),
        "classify one new picture, mini": (mini, forget),
        "classify one known picture, mini": (mini, lambda: None),
        "classify one new picture, ViT-B/32's size": ([*mini, *large], forget_all),
        "classify another one, ViT-B/32's size": ([*mini, *large], know_another),
        "classify one known picture, ViT-B/32's size": ([*mini, *large], lambda: None),
        "transformers' pipeline on one picture, ViT-B/32's size": (pipe, lambda: None),
    }
    forget(after_another)
    _seconds([*classify(another, after_another), *large])
    for command, _ in commands.values():
        _seconds(command)
    timed: list[tuple[str, float]] = []
    for _ in range(TIMES):
        for name, (command, before) in commands.items():
            before()
            timed.append((name, _seconds(command)))
    rows = []
    for name in commands:
        seconds = [taken for row, taken in timed if row == name]
        rows.append((name, spread(seconds, ".2f")))
        print(f"{name}: {statistics.median(seconds):.2f} s", file=sys.stderr)
    return markdown(("whole process", "seconds"), "lr", rows) + "\n", timed


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(
        command,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "XDG_CACHE_HOME": str(CACHE)},
    )
    return time.perf_counter() - start
