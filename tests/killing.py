"""Runs that are cut off, and pictures that take long enough to cut a run off in the middle."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from commands import run, start

NAMES = "cat,cup of coffee,rocket,person,brick wall"


def write_pictures(folder: Path, count: int) -> None:
    """Distinct crops of real photographs, as JPEG; every 17th is damaged."""
    folder.mkdir(parents=True)
    photographs = [data.chelsea(), data.coffee(), data.rocket(), data.astronaut()]
    rng = np.random.default_rng(0)
    for number in range(count):
        whole = photographs[number % len(photographs)]
        top = int(rng.integers(0, whole.shape[0] - 200))
        left = int(rng.integers(0, whole.shape[1] - 200))
        path = folder / f"{number:04d}.jpg"
        Image.fromarray(whole[top : top + 200, left : left + 200]).save(path, quality=85)
        if number % 17 == 3:
            path.write_bytes(path.read_bytes()[:900])


def arguments(out: Path, store: Path) -> list[str]:
    """A run in small batches, so that there is much to interrupt."""
    return [
        *("classify", "photos", "--classes", NAMES, "--batch-size", "8"),
        *("--out", str(out), "--store", str(store)),
    ]


def undisturbed(home: Path) -> tuple[bytes, float]:
    """predictions.csv of a run that nobody disturbs, and how long it took."""
    begun = time.monotonic()
    done = run(*arguments(home / "calm", home / "calm.sqlite"), home=home)
    seconds = time.monotonic() - begun
    assert done.returncode == 0, done.stderr
    return (home / "calm" / "predictions.csv").read_bytes(), seconds


def killed_then_finished(
    home: Path, *, name: str, seconds: float, kills: int, seed: int
) -> tuple[bytes, int]:
    """predictions.csv of a run that was killed at random moments and then left alone.

    Returns:
        The table, and how many of the kills met a run that was writing its own.
    """
    chance = random.Random(seed)
    out, store = home / name, home / f"{name}.sqlite"
    part, landed = out / "predictions.csv.part", 0
    for _ in range(kills):
        part.unlink(missing_ok=True)
        process = start(*arguments(out, store), home=home)
        try:
            process.wait(chance.uniform(0.1, seconds))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        landed += process.wait(30) == -signal.SIGKILL and part.exists()
        if process.stderr is not None:
            process.stderr.close()
    done = run(*arguments(out, store), home=home)
    assert done.returncode == 0, done.stderr
    return (out / "predictions.csv").read_bytes(), landed
