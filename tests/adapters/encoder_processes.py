"""Whole training runs in several processes; they import it by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from sightglass.distillation.encoder import run
from sightglass.distillation.encoder.recipe import Recipe
from sightglass.distillation.parallel.processes import Processes
from sightglass.encoders.towers import convolutional


def train_all(
    processes: Processes, asked: Mapping[str, Recipe], folder: Path, features: int
) -> None:
    """What ``distil_encoder`` lets each process do, one recipe after the other.

    Our own image towers have features of that width.
    """
    convolutional._FEATURES = features
    torch.set_num_threads(1)
    options = run._Options(store=folder / "store.sqlite", board=False, command=())
    for name, recipe in asked.items():
        (folder / name).mkdir(exist_ok=True)
        run._run(processes, recipe, folder / name, options)
