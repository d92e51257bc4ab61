"""A ViT and a BERT that learn in two processes of two parts each; `make e2e`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from adapters.pretrained_students import pretrained
from adapters.small_encoder_runs import recipe, write_data
from sightglass.distillation.encoder.run import distil_encoder


def test_two_processes_of_two_parts_train_what_one_process_trains(tmp_path: Path) -> None:
    asked = recipe(
        write_data(tmp_path / "data.parquet", gaps=True, bad=(3, 9)),
        {"contrastive": {"weight": 0.5}, "soft": {"kind": "otter"}, "labels": 0.5},
        student=pretrained(tmp_path, image="vit"),
        optimiser={"kind": "sgd", "lr": 0.01},
        batch_size=8,
        part_size=2,
    )
    whole = asked.model_copy(update={"part_size": None})
    store = tmp_path / "store.sqlite"
    one = distil_encoder(whole, tmp_path / "one", store=store)
    two = distil_encoder(asked, tmp_path / "two", processes=2, store=store)
    assert two.losses == pytest.approx(one.losses, rel=1e-5)
    expected = load_file(one.folder / "student.safetensors")
    for name, tensor in load_file(two.folder / "student.safetensors").items():
        torch.testing.assert_close(tensor, expected[name], atol=1e-5, rtol=1e-5)
