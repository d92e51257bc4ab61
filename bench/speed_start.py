"""How long whole processes take: help, one picture that is new, one that is known."""

from __future__ import annotations

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


def start_table(picture: Path, checkpoint: Path) -> tuple[str, list[tuple[str, float]]]:
    """Seconds of each command, in turns, as a table and as (row, seconds) pairs."""
    store, out = FOLDER / "start.sqlite", FOLDER / "start"
    classify = [
        *(sys.executable, "-m", "sightglass", "classify", str(picture)),
        *("--classes", ",".join(NAMES), "--store", str(store), "--out", str(out)),
    ]
    loop = (
        "import sys; from transformers import pipeline; "
        "pipe = pipeline('zero-shot-image-classification', model=sys.argv[1]); "
        "print(pipe(sys.argv[2], candidate_labels=sys.argv[3].split(',')))"
    )
    pipe = [sys.executable, "-c", loop, str(checkpoint), str(picture), ",".join(NAMES)]
    hub = [*classify, "--model", f"hf:{checkpoint}"]

    def forget() -> None:
        for suffix in ("", "-wal", "-shm"):
            store.with_name(store.name + suffix).unlink(missing_ok=True)

    commands: dict[str, tuple[list[str], Callable[[], None]]] = {
        "sightglass --help": ([sys.executable, "-m", "sightglass", "--help"], lambda: None),
        "classify one new picture, mini": (classify, forget),
        "classify one known picture, mini": (classify, lambda: None),
        "classify one new picture, ViT-B/32's size": (hub, forget),
        "classify one known picture, ViT-B/32's size": (hub, lambda: None),
        "transformers' pipeline on one picture, ViT-B/32's size": (pipe, lambda: None),
    }
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
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start
