"""Training runs that are killed at random moments, beside one that nobody disturbs."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from adapters.checkpoints import write_clip
from adapters.small_training import NAMES, write_photos
from commands import run
from commands import start as start_command
from forked_commands import Start

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


def kill_once(
    command: Sequence[str],
    checkpoint: Path,
    *,
    home: Path,
    chance: random.Random,
    seconds: float,
    start: Start = start_command,
) -> str | None:
    """Start a training, and kill it; three times of four after its next checkpoint.

    Args:
        command: What to start.
        checkpoint: Its file.
        home: The current folder.
        chance: Draws the moment.
        seconds: The kill comes at most so long after the checkpoint; else, six times that after
            the start.
        start: Begins a command.

    Returns:
        What it met: a run that had written no checkpoint yet, one that trained, or one that was
        writing a checkpoint; None if the run had ended.
    """
    part = checkpoint.with_name(checkpoint.name + ".part")
    before, left = checkpoint.read_bytes() if checkpoint.exists() else b"", _stamp(part)
    process = start(*command, home=home)
    if chance.random() < 0.75:
        while process.poll() is None and not _is_another(checkpoint, before):
            time.sleep(0.002)
        moment = chance.uniform(0, seconds)
    else:
        moment = chance.uniform(0, 6 * seconds)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    landed = process.wait(300) == -signal.SIGKILL
    if process.stderr is not None:
        process.stderr.close()
    if not landed:
        return None
    # What an earlier kill left may still lie there, for this run to cope with.
    if _stamp(part) not in {None, left}:
        return "writing a checkpoint"
    return "training" if _is_another(checkpoint, before) else "before its first checkpoint"


def _stamp(path: Path) -> tuple[int, int] | None:
    """What tells this file from a later one of the name."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


def _is_another(checkpoint: Path, before: bytes) -> bool:
    return checkpoint.exists() and checkpoint.read_bytes() != before


def kill_and_finish(
    home: Path,
    *,
    host: str,
    epochs: int,
    kills: int,
    seed: int,
    start: Start = start_command,
) -> Counter[str]:
    """Kill a run ``kills`` times while it trains, let it finish, and compare every byte.

    Args:
        home: With the inputs.
        host: What is trained.
        epochs: Enough of them that ``kills`` runs do not come to the end.
        kills: How many.
        seed: Of the moments.
        start: Begins a command.

    Returns:
        How many of the kills met a run, by what it was doing.
    """
    chance, met = random.Random(seed), Counter[str]()
    command = arguments(f"{host}-killed", host=host, epochs=epochs)
    checkpoint = home / f"{host}-killed" / CHECKPOINT
    calm = start_command(*arguments(f"{host}-calm", host=host, epochs=epochs), home=home)
    for _ in range(kills):
        # An epoch takes about a tenth of a second: any of its steps, or the checkpoint's writing.
        stage = kill_once(command, checkpoint, home=home, chance=chance, seconds=0.2, start=start)
        met.update([stage] if stage else [])
        assert not (home / f"{host}-killed" / RESULTS[0]).exists()
    _, complaints = calm.communicate(timeout=600)
    assert calm.returncode == 0, complaints
    done = run(*command, home=home, timeout=600)
    assert done.returncode == 0, done.stderr
    for name in RESULTS:
        killed, undisturbed = (home / f"{host}-{kind}" / name for kind in ("killed", "calm"))
        assert killed.read_bytes() == undisturbed.read_bytes(), name
    assert not list(checkpoint.parent.glob("*.part"))
    return met
