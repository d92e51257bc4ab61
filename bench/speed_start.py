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
from speed_ours import NAMES, forget

TIMES = 5
CACHE = FOLDER / "start-cache"  # not the user's own: a first run is one that finds nothing there


HELP = "sightglass --help"
NEW_MINI, KNOWN_MINI = "classify one new picture, mini", "classify one known picture, mini"
NEW, ANOTHER, KNOWN = (
    f"classify {which}, ViT-B/32's size"
    for which in ("one new picture", "another one", "one known picture")
)
PIPELINE = "transformers' pipeline on one picture, ViT-B/32's size"
# What the peer is, and what of ours is compared with it.
RATIOS = {PIPELINE: (NEW, ANOTHER, KNOWN)}


def start_times(picture: Path, another: Path, checkpoint: Path) -> list[tuple[str, float]]:
    """Seconds of each command, in turns, as (row, seconds) pairs.

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

    def forget_all() -> None:
        forget(store)
        shutil.rmtree(CACHE, ignore_errors=True)

    def know_another() -> None:
        forget(store)
        shutil.copyfile(after_another, store)

    commands: dict[str, tuple[list[str], Callable[[], None]]] = {
        HELP: ([sys.executable, "-m", "sightglass", "--help"], lambda: None),
        NEW_MINI: (mini, lambda: forget(store)),
        KNOWN_MINI: (mini, lambda: None),
        NEW: ([*mini, *large], forget_all),
        ANOTHER: ([*mini, *large], know_another),
        KNOWN: ([*mini, *large], lambda: None),
        PIPELINE: (pipe, lambda: None),
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
    for name in commands:
        middle = statistics.median(taken for row, taken in timed if row == name)
        print(f"{name}: {middle:.2f} s", file=sys.stderr)
    return timed


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
