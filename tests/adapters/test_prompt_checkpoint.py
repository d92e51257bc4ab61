from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save

from adapters.checkpoints import write_clip
from adapters.small_training import (
    NAMES,
    SmallTraining,
    Weights,
    same_bits,
    weights_of,
    write_photos,
)
from sightglass.distillation import trainer, training_state
from sightglass.distillation.trainer import Step
from sightglass.distillation.training_pictures import PictureBatch, usable_pictures
from sightglass.encoders.prompted.host import PromptHost
from sightglass.encoders.prompted.hosts import HOST_NAMES
from sightglass.encoders.prompted.student import load_student
from sightglass.errors import InputError, ModelError

# 11 pictures in threes are 3 steps in each of 4 epochs.
NUMBERS: dict[str, Any] = {"batch_size": 3, "epochs": 4, "average": (2.0, 1.0)}
STEPS, PER_EPOCH = 12, 3


class Cut(BaseException):
    """The end of a run that was not asked for."""


@pytest.fixture(scope="module")
def small(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> SmallTraining:
    return SmallTraining.make(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="module")
def undisturbed(small: SmallTraining) -> dict[str, tuple[Weights, list[float]]]:
    ends = {}
    for name in HOST_NAMES:
        host = small.host(name)
        losses = small.train(host, **NUMBERS)
        ends[name] = (weights_of(host), losses)
    return ends


def cut_run(small: SmallTraining, name: str, path: Path, *, steps: int, taken: bool) -> None:
    """A fresh process's run that is cut off at its ``steps``-th step from where it began.

    Args:
        small: What is trained.
        name: The host's.
        path: The checkpoint.
        steps: From 1; with more than are left the run comes to its end.
        taken: Whether the step was taken, but not yet written down; else its loss was asked for.
    """
    host, calls = small.host(name, seed=0), 0
    objective = small.objective(host)

    def counted(batch: PictureBatch) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == steps and not taken:
            raise Cut
        return objective(batch)

    def watch(_: Step) -> None:
        if calls == steps and taken:
            raise Cut

    try:
        small.train(host, objective=counted, watch=watch, checkpoint=path, **NUMBERS)
    except Cut:
        assert calls == steps


def finished(small: SmallTraining, name: str, path: Path) -> tuple[Weights, list[float]]:
    host = small.host(name)
    losses = small.train(host, checkpoint=path, **NUMBERS)
    return weights_of(host), losses


def place_of(path: Path) -> tuple[int, int]:
    """Epoch and step that a checkpoint goes on with."""
    with safe_open(path, framework="pt") as stored:
        about = json.loads(stored.metadata()["sightglass"])
    return len(about["state"]["losses"]), about["state"]["steps_of_stretch"]


@settings(max_examples=12)
@given(
    st.sampled_from(HOST_NAMES),
    st.lists(st.tuples(st.integers(1, 8), st.booleans()), min_size=1, max_size=5),
)
@example("coop", [(1, False), (1, True), (2, True)])
@example("promptsrc", [(PER_EPOCH + 1, False), (1, True), (PER_EPOCH, True), (2, False)])
def test_a_run_that_was_cut_off_again_and_again_ends_in_the_same_bits(
    small: SmallTraining,
    undisturbed: dict[str, tuple[Weights, list[float]]],
    name: str,
    cuts: list[tuple[int, bool]],
) -> None:
    with TemporaryDirectory(dir=small.folder) as folder:
        path = Path(folder) / "checkpoint"
        for steps, taken in cuts:
            cut_run(small, name, path, steps=steps, taken=taken)
        weights, losses = finished(small, name, path)
    assert same_bits(weights, undisturbed[name][0])
    assert losses == undisturbed[name][1]


@pytest.mark.parametrize("name", ["maple", "promptsrc"])
@pytest.mark.parametrize("steps", range(1, STEPS + 1))
def test_every_step_is_a_place_to_go_on_from(
    small: SmallTraining,
    undisturbed: dict[str, tuple[Weights, list[float]]],
    tmp_path: Path,
    name: str,
    steps: int,
) -> None:
    path = tmp_path / "checkpoint"
    cut_run(small, name, path, steps=steps, taken=False)
    if steps > 1:
        assert place_of(path) == divmod(steps - 1, PER_EPOCH)
    weights, losses = finished(small, name, path)
    assert same_bits(weights, undisturbed[name][0])
    assert losses == undisturbed[name][1]


def test_no_checkpoint_lies_between_an_epochs_last_step_and_its_end(
    small: SmallTraining, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, places = tmp_path / "checkpoint", []

    def noting(*arguments: Any, **named: Any) -> None:
        training_state.save_state(*arguments, **named)
        places.append(place_of(path))

    monkeypatch.setattr(trainer, "save_state", noting)
    small.train(small.host("promptsrc"), checkpoint=path, seconds=0, **NUMBERS)
    # Before each step there is one, and after each epoch: the latter is the next epoch's place 0.
    epochs = NUMBERS["epochs"]
    assert sorted(set(places)) == sorted(
        [(epoch, step) for epoch in range(epochs) for step in range(PER_EPOCH)] + [(epochs, 0)]
    )


def test_a_checkpoint_is_written_after_every_epoch_however_long_the_interval(
    small: SmallTraining, undisturbed: dict[str, tuple[Weights, list[float]]], tmp_path: Path
) -> None:
    path, places = tmp_path / "checkpoint", []

    def watch(step: Step) -> None:
        places.append(place_of(path) if path.exists() else None)
        if (step.epoch, step.step) == (2, 1):
            raise Cut

    with pytest.raises(Cut):
        small.train(
            small.host("promptsrc"), checkpoint=path, seconds=math.inf, watch=watch, **NUMBERS
        )
    assert places == [None] * 3 + [(1, 0)] * 3 + [(2, 0)] * 2
    weights, _ = finished(small, "promptsrc", path)
    assert same_bits(weights, undisturbed["promptsrc"][0])


def test_a_finished_run_is_not_trained_further(
    small: SmallTraining, undisturbed: dict[str, tuple[Weights, list[float]]], tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint"
    finished(small, "promptsrc", path)
    written = path.read_bytes()
    cut_run(small, "promptsrc", path, steps=1, taken=False)  # asks for no loss at all
    weights, losses = finished(small, "promptsrc", path)
    assert same_bits(weights, undisturbed["promptsrc"][0])
    assert losses == undisturbed["promptsrc"][1]
    assert path.read_bytes() == written


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A checkpoint's contents, to be changed and sealed again."""

    tensors: Weights
    about: dict[str, Any]

    @classmethod
    def of(cls, path: Path) -> Opened:
        with safe_open(path, framework="pt") as stored:
            return cls(tensors=load_file(path), about=json.loads(stored.metadata()["sightglass"]))

    def sealed(self) -> bytes:
        text = json.dumps(self.about)
        digest = training_state._digest(text, self.tensors)
        return save(self.tensors, metadata={"sightglass": text, "sha256": digest})


def half_done(small: SmallTraining, name: str, path: Path) -> Path:
    """A checkpoint in the middle of the third epoch."""
    cut_run(small, name, path, steps=8, taken=False)
    assert place_of(path) == (2, 1)
    return path


@pytest.mark.parametrize(
    ("name", "part"), [("coop", "optimiser.momentum"), ("maple", "optimiser.momentum")]
)
def test_a_run_that_goes_on_without_part_of_its_state_ends_elsewhere(
    small: SmallTraining,
    undisturbed: dict[str, tuple[Weights, list[float]]],
    tmp_path: Path,
    name: str,
    part: str,
) -> None:
    path = half_done(small, name, tmp_path / "checkpoint")
    opened = Opened.of(path)
    path.write_bytes(opened.sealed())
    assert same_bits(finished(small, name, path)[0], undisturbed[name][0])
    kept = {key: value for key, value in opened.tensors.items() if not key.startswith(part)}
    assert len(kept) < len(opened.tensors)
    path.write_bytes(replace(opened, tensors=kept).sealed())
    weights, _ = finished(small, name, path)
    assert any(
        float((weights[key] - value).abs().max()) > 1e-4
        for key, value in undisturbed[name][0].items()
    )


def test_a_checkpoint_without_promptsrcs_average_is_refused(
    small: SmallTraining, tmp_path: Path
) -> None:
    path = half_done(small, "promptsrc", tmp_path / "checkpoint")
    opened = Opened.of(path)
    kept = {key: value for key, value in opened.tensors.items() if "average" not in key}
    assert len(kept) < len(opened.tensors)
    path.write_bytes(replace(opened, tensors=kept).sealed())
    with pytest.raises(ModelError, match="not this model's tensors"):
        finished(small, "promptsrc", path)


def refusal(small: SmallTraining, path: Path, **changed: Any) -> str:
    """The sentence with which a run's checkpoint is refused; nothing may have changed."""
    host = small.host("coop")
    before, written = weights_of(host), path.read_bytes()
    with pytest.raises(InputError) as caught:
        small.train(host, checkpoint=path, **NUMBERS | changed)
    assert same_bits(weights_of(host), before)
    assert path.read_bytes() == written
    return str(caught.value)


def test_another_runs_checkpoint_is_refused_by_what_differs(
    small: SmallTraining, tmp_path: Path
) -> None:
    path = half_done(small, "coop", tmp_path / "checkpoint")
    assert refusal(small, path, lr=0.02) == (
        f"{path}: a run is to go on with the settings that it began with, these are others: "
        "lr (0.01 then, 0.02 now). Choose another --out, or delete the file to begin anew."
    )
    assert "others: batch_size (3 then, 4 now), seed (1 then, 2 now). " in refusal(
        small, path, batch_size=4, seed=2
    )
    assert "others: top_k (None then, 3 now). " in refusal(small, path, top_k=3)
    assert "others: teacher (None then, dino now). " in refusal(
        small, path, identity={"teacher": "dino"}
    )
    assert "others: names. " in refusal(small, path, identity={"names": list(NAMES)})
    paths = write_photos(tmp_path / "photos", 12)
    pictures, _ = usable_pictures(paths)
    assert "others: pictures. " in refusal(replace(small, pictures=pictures), path)
    student = load_student(f"hf:{write_clip(tmp_path / 'other', seed=5)}")
    assert "others: student. " in refusal(replace(small, student=student), path)


def test_another_hosts_checkpoint_is_refused(small: SmallTraining, tmp_path: Path) -> None:
    path = half_done(small, "vpt", tmp_path / "checkpoint")
    assert "host (vpt then, coop now)" in refusal(small, path)


def test_tensors_of_another_size_are_refused(small: SmallTraining, tmp_path: Path) -> None:
    path = half_done(small, "coop", tmp_path / "checkpoint")
    opened = Opened.of(path)
    shorter = opened.tensors | {
        "module.host.context": opened.tensors["module.host.context"][:2].clone()
    }
    path.write_bytes(replace(opened, tensors=shorter).sealed())
    assert_damaged(small, path)


def assert_damaged(small: SmallTraining, path: Path) -> None:
    """Refused in a sentence, and nothing has changed."""
    host = small.host("coop")
    before, written = weights_of(host), path.read_bytes()
    with pytest.raises(ModelError) as caught:
        small.train(host, checkpoint=path, **NUMBERS)
    message = str(caught.value)
    assert message.startswith(f"{path}: not ")
    assert message.endswith(" Delete it to begin anew.")
    assert "\n" not in message
    assert same_bits(weights_of(host), before)
    assert path.read_bytes() == written


@pytest.fixture(scope="module")
def whole(small: SmallTraining) -> bytes:
    return half_done(small, "coop", small.folder / "whole").read_bytes()


@given(st.data())
def test_a_checkpoint_that_stops_early_is_refused(
    small: SmallTraining, whole: bytes, data: st.DataObject
) -> None:
    path = small.folder / "stopped"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    assert_damaged(small, path)


@given(st.data())
def test_a_checkpoint_with_one_bit_the_other_way_is_refused(
    small: SmallTraining, whole: bytes, data: st.DataObject
) -> None:
    # The header is a third of the file: half of the draws go there.
    header = 8 + int.from_bytes(whole[:8], "little")
    first = data.draw(st.booleans())
    at = data.draw(st.integers(0, header - 1) if first else st.integers(header, len(whole) - 1))
    if whole[at : at + 1] == b" " and at < header and not whole[at:header].strip():
        return  # blanks behind the header's JSON mean nothing
    damaged = bytearray(whole)
    damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    path = small.folder / "flipped"
    path.write_bytes(bytes(damaged))
    assert_damaged(small, path)


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"not a checkpoint",
        save({"a": torch.zeros(2)}),
        save({"a": torch.zeros(2)}, metadata={"sightglass": "{}"}),
        save({"a": torch.zeros(2)}, metadata={"sightglass": "[1", "sha256": ""}),
    ],
    ids=["empty", "text", "no metadata", "no digest", "no JSON"],
)
def test_a_file_that_is_no_checkpoint_is_refused(
    small: SmallTraining, tmp_path: Path, contents: bytes
) -> None:
    path = tmp_path / "checkpoint"
    path.write_bytes(contents)
    assert_damaged(small, path)


@pytest.mark.parametrize("change", ["step", "losses", "memory", "identity", "state"])
@pytest.mark.parametrize("value", [None, "x", [["x"]]])
def test_a_checkpoint_with_a_wrong_entry_is_refused(
    small: SmallTraining, whole: bytes, tmp_path: Path, change: str, value: Any
) -> None:
    path = tmp_path / "checkpoint"
    path.write_bytes(whole)
    opened = Opened.of(path)
    if change in opened.about:
        about = opened.about | {change: value}
    else:
        about = opened.about | {"state": opened.about["state"] | {change: value}}
    path.write_bytes(replace(opened, about=about).sealed())
    assert_damaged(small, path)


def root_of_zero(host: PromptHost) -> torch.Tensor:
    """Value 0, gradient NaN."""
    return (host.context - host.context.detach()).abs().sum().sqrt()


@pytest.mark.parametrize("name", ["coop", "promptsrc"])
@pytest.mark.parametrize(
    "fail", [lambda host: host.context.sum() * math.nan, root_of_zero], ids=["loss", "gradient"]
)
def test_what_is_not_finite_is_never_written_and_a_mended_run_goes_on(
    small: SmallTraining,
    undisturbed: dict[str, tuple[Weights, list[float]]],
    tmp_path: Path,
    name: str,
    fail: Callable[[PromptHost], torch.Tensor],
) -> None:
    path, host, calls = tmp_path / "checkpoint", small.host(name), 0
    objective = small.objective(host)

    def failing(batch: PictureBatch) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return fail(host) if calls == 6 else objective(batch)

    with pytest.raises(ModelError, match="finite"):
        small.train(host, objective=failing, checkpoint=path, **NUMBERS)
    assert place_of(path) == (1, 2)
    assert all(tensor.isfinite().all() for tensor in load_file(path).values())
    assert same_bits(finished(small, name, path)[0], undisturbed[name][0])
