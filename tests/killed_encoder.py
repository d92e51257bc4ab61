"""Encoder trainings that are killed at random moments, beside one that nobody disturbs."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from pathlib import Path

from adapters.small_encoder_runs import recipe, write_data
from commands import start as start_command
from forked_commands import Start
from killed_training import kill_once
from sightglass.distillation.encoder.recipe import read_recipe
from sightglass.distillation.encoder.run import distil_encoder

RESULTS = ("student.safetensors", "student.json", "log.csv", "left_out.jsonl")
CHECKPOINT = "checkpoint.safetensors"
BAD = (3, 9)
_KD = {"contrastive": {"weight": 0.5}, "soft": {"kind": "kd"}}
_NAMES = {"labels": 1.0}


def write_inputs(home: Path, *, phases: int) -> None:
    """17 pictures, two of them damaged, and a recipe of phases of two steps each."""
    write_data(home / "data.parquet", bad=BAD)
    made = recipe(
        Path("data.parquet"),
        phases=[
            {"name": f"phase {number}", "pictures": 12, "losses": (_KD, _NAMES)[number % 2]}
            for number in range(phases)
        ],
        average=0.9,
        view={"area": [0.5, 1]},
    )
    # JSON is YAML too.
    (home / "recipe.yaml").write_text(json.dumps(made.model_dump(mode="json")))


def kill_and_finish(
    home: Path, *, kills: int, seed: int, start: Start = start_command
) -> Counter[str]:
    """Kill the command ``kills`` times while it trains, then let the run finish; compare all bytes.

    Args:
        home: With the inputs; so many phases that ``kills`` runs do not come to the end.
        kills: How many.
        seed: Of the moments.
        start: Begins a command.

    Returns:
        How many of the kills met a run, by what it was doing.
    """
    chance, met = random.Random(seed), Counter[str]()
    command = ("distill", "encoder", "--recipe", "recipe.yaml", "--out", "killed")
    command = (*command, "--store", "killed.sqlite")
    checkpoint = home / "killed" / CHECKPOINT
    for _ in range(kills):
        # A phase takes less than that: any of its steps, or the checkpoint's writing.
        stage = kill_once(command, checkpoint, home=home, chance=chance, seconds=0.1, start=start)
        met.update([stage] if stage else [])
        assert not (home / "killed" / RESULTS[0]).exists()
    for out in ("killed", "calm"):
        _finish(home, out)
    for name in RESULTS:
        killed, calm = (home / out / name for out in ("killed", "calm"))
        assert killed.read_bytes() == calm.read_bytes(), name
    assert not list(checkpoint.parent.glob("*.part"))
    return met


def _finish(home: Path, out: str) -> None:
    """A run from where it stands to its end, in this process, where everything is loaded."""
    before = Path.cwd()
    os.chdir(home)
    try:
        distil_encoder(read_recipe(Path("recipe.yaml")), Path(out), store=f"{out}.sqlite")
    finally:
        os.chdir(before)
