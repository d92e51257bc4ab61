"""However a batch is cut, into parts and over processes, the same student comes of it."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from adapters.encoder_processes import train_all
from adapters.pretrained_students import pretrained
from adapters.small_encoder_runs import CLASSES, ROWS, SMALL_IMAGE, begin, recipe, write_data
from onnx_graphs import residual_network
from sightglass.distillation.encoder import part, run
from sightglass.distillation.encoder.run import distil_encoder
from sightglass.distillation.encoder.step_log import read_log
from sightglass.distillation.pairs.ledger import BadPicture, Ledger
from sightglass.distillation.parallel.launch import launch
from sightglass.distillation.trainer import Step, train
from sightglass.encoders.towers import convolutional

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
SGD = {"kind": "sgd", "lr": 0.01}
FEATURES = 20  # as wide as the teacher's last map
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


@pytest.mark.parametrize("part_size", [2, 1])
def test_names_go_through_the_text_tower_once_in_a_step_and_parts_have_the_whole_gradient(
    tmp_path: Path, without_norms: dict[str, Any], part_size: int
) -> None:
    data = write_data(tmp_path / "data.parquet")
    found = []
    for size in (None, part_size):
        asked = recipe(data, LOSSES, student=without_norms, part_size=size)
        ready, course = begin(asked, tmp_path)
        assert ready.student.text is not None
        read: list[int] = []
        ready.student.text.register_forward_hook(
            lambda _, given, __, read=read: read.append(len(given[0]))
        )
        course.learn(next(iter(course.stretch(0, {}))), 0)
        # Captions once, or where there are several parts once more to rehearse; names once.
        captions = [6] if size is None else [size] * (6 // size) * 2
        assert sorted(read) == sorted([*captions, len(CLASSES)])
        found.append({name: one.grad for name, one in ready.student.named_parameters()})
    whole, parts = found
    for name, gradient in whole.items():
        if gradient is None:
            assert parts[name] is None
        else:
            # Sums in other orders, at a scale of 50; a part that was lost would be a share of all.
            torch.testing.assert_close(parts[name], gradient, atol=1e-4, rtol=1e-4)


def test_with_dropout_captions_beside_names_are_read_as_they_were_rehearsed(
    tmp_path: Path, without_norms: dict[str, Any]
) -> None:
    data = write_data(tmp_path / "data.parquet")
    losses = {"contrastive": {}, "labels": 0.5}
    asked = recipe(data, losses, student=without_norms, part_size=2)
    ready, course = begin(asked, tmp_path)
    first = next(iter(course.stretch(0, {})))
    assert ready.student.text is not None
    rehearsed: list[Tensor] = []
    again: list[Tensor] = []

    def drop(_: object, given: tuple[Tensor], rows: Tensor) -> Tensor:
        dropped = functional.dropout(rows, 0.5)
        if len(given[0]) == 2:  # a part's captions; the names are three
            (again if torch.is_grad_enabled() else rehearsed).append(dropped.detach())
        return dropped

    ready.student.text.register_forward_hook(drop)
    course.learn(first, 0)
    assert len(again) == len(rehearsed) == 3
    assert all(torch.equal(mine, its) for mine, its in zip(again, rehearsed, strict=True))


@pytest.mark.parametrize(("worn", "times"), [(0.0, 3), (1.0, 6)])
def test_a_parts_pictures_are_put_side_by_side_once_for_each_view(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worn: float, times: int
) -> None:
    stacked: list[int] = []

    def stack(arrays: list[np.ndarray]) -> np.ndarray:
        stacked.append(len(arrays))
        return np.array(arrays)

    view = {"worn": worn, "worn_to": [8, 8]}
    data = write_data(tmp_path / "data.parquet")
    named = {"named": [{"model": "labels"}]}
    losses = LOSSES | {"named": 0.5}
    asked = recipe(data, losses, part_size=2, view=view, teachers=named)
    _, course = begin(asked, tmp_path)
    first = next(iter(course.stretch(0, {})))
    monkeypatch.setattr(part, "np", SimpleNamespace(stack=stack, ndarray=np.ndarray))
    course.learn(first, 0)
    # Three parts of two; a worn picture is another one for its teacher.
    assert stacked == [2] * times


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


def test_two_processes_end_in_the_parameters_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A frozen tower's norms are fixed, so that parts are exact; e2e has this of a ViT that learns.
    # Seven pictures are three and four, of which each process makes two parts.
    data = write_data(tmp_path / "data.parquet", gaps=True, bad=(3, 9))
    frozen = [{"name": "text", "pictures": 21, "freeze": ["image"], "losses": LOSSES}]
    in_parts = recipe(data, phases=frozen, optimiser=SGD, batch_size=7, part_size=2)
    # Two pictures have a label: at most steps one process knows of none, the other of some.
    few = write_data(tmp_path / "few.parquet", gaps=True, without_label=range(ROWS - 2))
    named = {"named": [{"model": "labels"}]}
    with_norms = recipe(few, LOSSES | {"named": 0.5}, optimiser=SGD, teachers=named)
    # The teacher's maps are measured over the pictures of both.
    teacher = residual_network(tmp_path / "teacher.onnx")
    image = {"model": str(teacher), "maps": ["first", "second", "last"]}
    with_maps = recipe(
        data,
        {"maps": 1.0, "last_map": 0.5},
        student={"image": SMALL_IMAGE | {"stages": [[8, 1, 1, 1], [12, 2, 1, 1]]}},
        optimiser=SGD,
        teachers={"image": image},
    )
    cases = {"in parts": in_parts, "with norms": with_norms, "with maps": with_maps}
    (tmp_path / "two").mkdir()
    launch(2, train_all, cases, tmp_path / "two", FEATURES)
    monkeypatch.setattr(convolutional, "_FEATURES", FEATURES)
    for name, asked in cases.items():
        whole = asked.model_copy(update={"part_size": None})
        distil_encoder(whole, tmp_path / "one" / name, store=tmp_path / "store.sqlite")
        one, two = (tmp_path / count / name for count in ("one", "two"))
        check_same_run(two, one)
    one, two = (tmp_path / count / "in parts" for count in ("one", "two"))
    assert left_out(two / "left_out.jsonl.1"), "the second process must meet one of the two"
    assert left_out(two / run.LEFT_OUT) == left_out(one / run.LEFT_OUT)
    assert [json.loads((out / run.RUN).read_text())["left_out"] for out in (two, one)] == [2, 2]


def test_bad_pictures_that_only_an_earlier_process_met_are_counted(tmp_path: Path) -> None:
    asked = recipe(write_data(tmp_path / "data.parquet", bad=(3,)))
    # Two processes began, and one goes on: what the second met comes no more.
    met = BadPicture(where="another row", status="corrupt", detail="words")
    Ledger(tmp_path / "run" / "left_out.jsonl.1").add([met])
    made = distil_encoder(asked, tmp_path / "run", store=tmp_path / "store.sqlite")
    assert made.left_out.startswith("2 pictures left out: ")
    found = left_out(tmp_path / "run" / run.LEFT_OUT)
    assert len(found) == 2
    assert met.where in found


def left_out(ledger: Path) -> set[str]:
    return {entry.where for entry in Ledger(ledger).entries}


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
