"""fp32 gives the same bits each time, bf16 learns."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.small_encoder_runs import recipe, write_data
from sightglass.distillation.encoder import run
from sightglass.distillation.encoder.run import distil_encoder
from sightglass.distillation.encoder.step_log import read_log


@pytest.fixture(scope="module", autouse=True)
def calm(one_thread: None) -> None:
    """One thread."""


@pytest.fixture(autouse=True)
def without_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "draw_curve", lambda *_, **__: None)


def test_two_runs_in_fp32_are_the_same_to_the_bit(tmp_path: Path) -> None:
    losses = {"contrastive": {"weight": 0.5}, "soft": {"kind": "otter"}, "labels": 0.5}
    asked = recipe(write_data(tmp_path / "data.parquet"), losses, view={})
    for out in ("first", "second"):
        distil_encoder(asked, tmp_path / out, store=tmp_path / f"{out}.sqlite")
    for name in ("student.safetensors", "student.json", "log.csv"):
        first, second = (tmp_path / out / name for out in ("first", "second"))
        assert first.read_bytes() == second.read_bytes(), name


@pytest.mark.parametrize("part_size", [None, 4])
def test_in_bf16_the_loss_falls(tmp_path: Path, part_size: int | None) -> None:
    losses = {"contrastive": {}, "labels": 1.0}
    asked = recipe(
        write_data(tmp_path / "data.parquet"),
        phases=[{"name": "only", "pictures": 8 * 25, "losses": losses}],
        optimiser={"lr": 3e-3, "warmup_steps": 5},
        batch_size=8,
        part_size=part_size,
        precision="bf16",
    )
    distil_encoder(asked, tmp_path / "out", store=tmp_path / "store.sqlite")
    told = [float(row["loss"]) for row in read_log(tmp_path / "out" / "log.csv")]
    assert sum(told[-5:]) < 0.5 * sum(told[:5])
