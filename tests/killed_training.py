"""Training runs that are killed at random moments, beside one that nobody disturbs."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from adapters.checkpoints import write_clip
from adapters.small_training import NAMES, write_photos
from commands import run, start

RESULTS = ("prompts.safetensors", "log.csv")
CHECKPOINT = "checkpoint.safetensors"


def arguments(out: str, *, host: str, epochs: int) -> list[str]:
    """A run over the pictures in the current folder, in many short epochs."""
    return [
        *("distill", "prompts", "photos", "--classes", ",".join(NAMES), "--host", host),
        *("--student", "hf:student", "--teacher", "hf:teacher", "--store", f"{out}.sqlite"),
        *("--epochs", str(epochs), "--batch-size", "3", "--lr", "0.01", "--out", out),
    ]


def write_inputs(home: Path) -> None:
    """Two tiny checkpoints and twenty pictures: an epoch is six steps."""
    write_clip(home / "student")
    write_clip(home / "teacher", seed=3)
    write_photos(home / "photos", 20)


def kill_once(command: Sequence[str], checkpoint: Path, *, home: Path, after: float) -> bool:
    """Start a training, and kill it ``after`` seconds from its next checkpoint on.

    Returns:
        Whether the kill met it alive.
    """
    before = checkpoint.read_bytes() if checkpoint.exists() else b""
    process = start(*command, home=home)
    while process.poll() is None and not (
        checkpoint.exists() and checkpoint.read_bytes() != before
    ):
        time.sleep(0.002)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    landed = process.wait(30) == -signal.SIGKILL
    if process.stderr is not None:
        process.stderr.close()
    return landed


def kill_and_finish(home: Path, *, host: str, epochs: int, kills: int, seed: int) -> int:
    """Kill a run ``kills`` times while it trains, let it finish, and compare every byte.

    Args:
        home: With the inputs.
        host: What is trained.
        epochs: Enough of them that ``kills`` runs do not come to the end.
        kills: How many.
        seed: Of the moments.

    Returns:
        How many of the kills met a run that was training.
    """
    chance, landed = random.Random(seed), 0
    command = arguments(f"{host}-killed", host=host, epochs=epochs)
    checkpoint = home / f"{host}-killed" / CHECKPOINT
    calm = start(*arguments(f"{host}-calm", host=host, epochs=epochs), home=home)
    for _ in range(kills):
        # An epoch takes about a tenth of a second: any of its steps, or the checkpoint's writing.
        landed += kill_once(command, checkpoint, home=home, after=chance.uniform(0, 0.2))
        assert not (home / f"{host}-killed" / RESULTS[0]).exists()
    _, complaints = calm.communicate(timeout=120)
    assert calm.returncode == 0, complaints
    done = run(*command, home=home)
    assert done.returncode == 0, done.stderr
    for name in RESULTS:
        killed, undisturbed = (home / f"{host}-{kind}" / name for kind in ("killed", "calm"))
        assert killed.read_bytes() == undisturbed.read_bytes(), name
    return landed
