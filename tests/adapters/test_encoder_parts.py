"""However a batch is cut, into parts and over processes, the same student comes of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from adapters.encoder_processes import train_all
from adapters.pretrained_students import pretrained
from adapters.small_encoder_runs import ROWS, begin, recipe, write_data
from sightglass.distillation.encoder import run
from sightglass.distillation.encoder.run import distil_encoder
from sightglass.distillation.encoder.step_log import read_log
from sightglass.distillation.parallel.launch import launch
from sightglass.distillation.trainer import Step, train

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
SGD = {"kind": "sgd", "lr": 0.01}
LOSSES = {"contrastive": {"weight": 0.5}, "soft": {"kind": "otter"}, "labels": 0.5}


@pytest.fixture(scope="module", autouse=True)
def calm(one_thread: None) -> None:
    """One thread."""


@pytest.fixture(scope="module")
def without_norms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A ViT and a BERT: no batch norms, no dropout."""
    return pretrained(tmp_path_factory.mktemp("towers"), image="vit")


def check_close(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(
            found[name], tensor, **CLOSE, msg=lambda text, n=name: f"{n}: {text}"
        )


def check_same_run(two: Path, one: Path) -> None:
    """Weights, and the log's numbers by step; the rest of the log to the letter."""
    weights = [load_file(folder / "student.safetensors") for folder in (two, one)]
    check_close(*weights)
    for row, other in zip(*(read_log(folder / "log.csv") for folder in (two, one)), strict=True):
        for name, value in row.items():
            if value and name not in ("phase", "step"):
                assert float(value) == pytest.approx(float(other[name]), rel=1e-5, abs=1e-6), name
            else:
                assert value == other[name], name


@pytest.mark.parametrize(("batch_size", "part_size"), [(8, 2), (7, 3), (6, 1)])
def test_parts_end_in_the_parameters_of_the_whole_batch(
    tmp_path: Path, without_norms: dict[str, Any], batch_size: int, part_size: int
) -> None:
    data = write_data(tmp_path / "data.parquet", gaps=True)
    ends, losses = [], []
    for size in (None, part_size):
        asked = recipe(
            data,
            LOSSES,
            student=without_norms,
            optimiser=SGD,
            batch_size=batch_size,
            part_size=size,
        )
        _, course = begin(asked, tmp_path)
        losses.append(train(course))
        ends.append(course.module.state_dict())
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    check_close(ends[1], ends[0])


def test_without_batch_norms_a_run_goes_on_in_parts_of_another_size(
    tmp_path: Path, without_norms: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_data(tmp_path / "data.parquet")
    asked = recipe(data, LOSSES, student=without_norms, optimiser=SGD)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    distil_encoder(asked, whole, store=tmp_path / "store.sqlite")

    def end(_: str, step: Step, __: int) -> None:
        if step.of_run == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(run, "train", partial(train, seconds_between_checkpoints=0))
    with pytest.raises(KeyboardInterrupt):
        distil_encoder(asked, cut, store=tmp_path / "store.sqlite", watch=end)
    assert (cut / run.CHECKPOINT).is_file()
    in_parts = asked.model_copy(update={"part_size": 2})
    distil_encoder(in_parts, cut, store=tmp_path / "store.sqlite")
    check_same_run(cut, whole)


def test_two_processes_end_in_the_parameters_of_one(tmp_path: Path) -> None:
    # A frozen tower's norms are fixed, so that parts are exact; e2e has this of a ViT that learns.
    # Seven pictures are three and four, of which each process makes two parts.
    data = write_data(tmp_path / "data.parquet", gaps=True, bad=(3, 9))
    frozen = [{"name": "text", "pictures": 21, "freeze": ["image"], "losses": LOSSES}]
    in_parts = recipe(data, phases=frozen, optimiser=SGD, batch_size=7, part_size=2)
    # Two pictures have a label: at most steps one process knows of none, the other of some.
    few = write_data(tmp_path / "few.parquet", gaps=True, without_label=range(ROWS - 2))
    named = {"named": [{"model": "labels"}]}
    with_norms = recipe(few, LOSSES | {"named": 0.5}, optimiser=SGD, teachers=named)
    cases = {"in parts": in_parts, "with norms": with_norms}
    (tmp_path / "two").mkdir()
    launch(2, train_all, cases, tmp_path / "two")
    for name, asked in cases.items():
        whole = asked.model_copy(update={"part_size": None})
        distil_encoder(whole, tmp_path / "one" / name, store=tmp_path / "store.sqlite")
        one, two = (tmp_path / count / name for count in ("one", "two"))
        check_same_run(two, one)


def test_no_batch_is_short_and_what_is_left_of_a_pass_begins_the_next(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.parquet")
    phases = [{"name": "two passes", "epochs": 2, "losses": {"contrastive": {}}}]
    _, course = begin(recipe(data, phases=phases), tmp_path)
    drawn = list(course.stretch(0, {}))
    assert course.steps == len(drawn) == 2 * ROWS // 6
    assert {len(batch.captions) for batch in drawn} == {6}
    rows = [int(row) for batch in drawn for row in batch.indices]
    assert sorted(rows[:ROWS]) == list(range(ROWS))
    assert len(set(rows[ROWS:])) == len(rows) - ROWS
