"""What lies where a training run keeps its checkpoint, and is none."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from sightglass.distillation.training_state import TrainingState, restore_state
from sightglass.errors import InputError


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/null")])
def test_a_checkpoint_that_is_no_file_is_refused_before_training_and_left_alone(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path, module = tmp_path / "checkpoint.safetensors", nn.Linear(2, 1)
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1)
    assert restore_state(path, module, optimiser, identity={}) == TrainingState()
    make(path)
    before = path.lstat()
    with pytest.raises(InputError) as caught:
        restore_state(path, module, optimiser, identity={})
    assert str(caught.value) == (
        f"{path}: checkpoints are written to a file of this name, this is none. Move it away, or "
        f"choose another --out."
    )
    assert path.lstat().st_mode == before.st_mode
