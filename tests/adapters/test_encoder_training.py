"""Three steps of every loss of pairs, through the real course, against the plain restatement."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from adapters.checkpoints import write_clip
from adapters.plain_comparison import ADAMW, SGD, Batch, FrozenClip, read, run_both, seen
from adapters.pretrained_students import pretrained
from adapters.small_encoder_runs import (
    CAPTIONS,
    SIDE,
    WITHOUT_CAPTION,
    begin,
    pixels,
    recipe,
    rows_by_step,
    write_data,
)
from plain_encoder import losses as plain
from plain_encoder.run import PlainStudent
from sightglass.distillation.trainer import Step, train
from sightglass.encoders import precision
from sightglass.encoders.towers.student import DualStudent
from sightglass.errors import InputError


@pytest.fixture(scope="module", autouse=True)
def calm(one_thread: None) -> None:
    """One thread."""


def pair_loss(
    losses: dict[str, Any],
) -> Callable[[PlainStudent, PlainStudent, Batch], Tensor]:
    """Contrastive and soft losses as METHODS' formulas have them."""

    def loss_of(student: PlainStudent, teacher: PlainStudent, batch: Batch) -> Tensor:
        cosines = seen(student, batch).embeddings[batch.paired] @ read(student, batch.said).T
        total = torch.zeros((), dtype=torch.float64)
        if "contrastive" in losses:
            settings = losses["contrastive"]
            scale = plain.scale_of(student.contrastive_log)
            total = total + settings.get("weight", 1.0) * plain.contrastive(
                cosines, scale, settings.get("smoothing", 0.0)
            )
        if "soft" in losses:
            settings = losses["soft"]
            with torch.no_grad():
                images = seen(teacher, batch).embeddings[batch.paired]
                texts = read(teacher, batch.said)
            total = total + settings["weight"] * plain.soft(
                settings["kind"],
                cosines,
                plain.scale_of(student.distillation_log),
                images=images,
                texts=texts,
            )
        return total

    return loss_of


KD = {"kind": "kd", "weight": 0.5}
OTTER = {"kind": "otter", "weight": 0.5}
HALF = {"weight": 0.5}
PAIR_LOSSES: dict[str, dict[str, Any]] = {
    "infonce": {"contrastive": {}},
    "smoothing": {"contrastive": {"smoothing": 0.1}},
    "kd": {"contrastive": HALF, "soft": KD},
    "otter": {"contrastive": HALF, "soft": OTTER},
    "kd alone": {"soft": KD | {"weight": 1.0}},
}


# Without the pair itself few numbers drive a student far from its teacher, and through AdamW
# rounding soon shows.
@pytest.mark.parametrize(
    ("name", "optimiser"),
    [(name, SGD) for name in PAIR_LOSSES]
    + [(name, ADAMW) for name in PAIR_LOSSES if name != "kd alone"],
    ids=lambda value: value if isinstance(value, str) else value["kind"],
)
def test_three_steps_of_a_pair_loss_end_in_the_plain_parameters(
    tmp_path: Path, name: str, optimiser: dict[str, Any]
) -> None:
    losses = PAIR_LOSSES[name]
    asked = recipe(write_data(tmp_path / "d.parquet"), losses, optimiser=optimiser)
    _, run, _ = run_both(asked, tmp_path, pair_loss(losses))
    # What a loss does not reach has not moved; what it reaches has, the teacher with it.
    logs = [
        float(log.detach()) for log in (run.student.contrastive_log, run.student.distillation_log)
    ]
    moved = [abs(log - np.float32(3.9)) > 1e-5 for log in logs]
    assert moved == ["contrastive" in losses, "soft" in losses]


@pytest.mark.parametrize(
    ("both", "alone"),
    [
        ({"contrastive": {}, "soft": KD | {"weight": 0}}, {"contrastive": {}}),
        ({"contrastive": {"weight": 0}, "soft": KD | {"weight": 1}}, {"soft": KD | {"weight": 1}}),
    ],
    ids=["1", "0"],
)
def test_at_its_ends_alpha_leaves_one_loss(
    tmp_path: Path, both: dict[str, Any], alone: dict[str, Any]
) -> None:
    data = write_data(tmp_path / "d.parquet")
    ends = []
    for losses in (both, alone):
        ready, course = begin(recipe(data, losses), tmp_path)
        train(course)
        ends.append(ready.student.state_dict())
    assert all(torch.equal(ends[0][name], tensor) for name, tensor in ends[1].items())


@pytest.mark.parametrize("tower", ["image", "text", "trunk"])
def test_three_steps_with_a_frozen_tower_or_trunk_end_in_the_plain_parameters(
    tmp_path: Path, tower: str
) -> None:
    losses = PAIR_LOSSES["otter"]
    phase = {"name": "only", "pictures": 18, "freeze": [tower], "losses": losses}
    asked = recipe(write_data(tmp_path / "d.parquet"), phases=[phase], optimiser=SGD)
    run_both(asked, tmp_path, pair_loss(losses))


def test_rows_of_names_are_new_in_every_phase(tmp_path: Path) -> None:
    by_name = {"pictures": 6, "freeze": ["text"], "losses": {"labels": 1.0}}
    phases = [
        {"name": "before", **by_name},
        {"name": "between", "pictures": 6, "losses": {"contrastive": {}}},
        {"name": "after", **by_name},
    ]
    asked = recipe(write_data(tmp_path / "d.parquet"), phases=phases, optimiser=SGD)
    ready, course = begin(asked, tmp_path)
    seen: list[torch.Tensor] = []
    train(course, watch=lambda _: seen.append(ready.names.of(ready.student, "0")))
    assert not torch.allclose(seen[0], seen[1], atol=1e-4)
    assert torch.equal(ready.names.rows("0"), seen[2])


def test_the_result_is_the_mean_of_what_all_steps_left_the_last_included(tmp_path: Path) -> None:
    asked = recipe(write_data(tmp_path / "d.parquet"), optimiser=SGD, average=0.2)
    ready, course = begin(asked, tmp_path)
    states = [deepcopy(ready.student.state_dict())]
    train(course, watch=lambda _: states.append(deepcopy(ready.student.state_dict())))
    expected = states[0]
    for number, state in enumerate(states[1:], start=1):
        keeps = min(0.2, (1 + number) / (10 + number))  # 2/11 at the first step
        for name, tensor in expected.items():
            moves = tensor.is_floating_point()  # a count of batches is the last one
            expected[name] = keeps * tensor + (1 - keeps) * state[name] if moves else state[name]
    result = course.module.finished()
    assert not result.training
    assert result is not ready.student
    for name, tensor in result.state_dict().items():
        torch.testing.assert_close(tensor, expected[name], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", ["kd", "otter"])
def test_three_steps_of_a_resnet_and_a_bert_end_in_the_plain_parameters(
    tmp_path: Path, name: str
) -> None:
    # Not by AdamW: a key's bias has no effect, so that its gradient is rounding alone.
    losses = PAIR_LOSSES[name]
    asked = recipe(
        write_data(tmp_path / "d.parquet"),
        losses,
        student=pretrained(tmp_path),
        optimiser=SGD | {"clip": 0.5},
    )
    run_both(asked, tmp_path, pair_loss(losses))


@pytest.mark.parametrize("name", ["infonce", "otter"])
def test_pictures_without_caption_are_left_out_of_the_comparison(tmp_path: Path, name: str) -> None:
    losses = PAIR_LOSSES[name]
    asked = recipe(write_data(tmp_path / "d.parquet", gaps=True), losses, optimiser=SGD)
    ready, _, _ = run_both(asked, tmp_path, pair_loss(losses), gaps=True)
    drawn = {row for rows in rows_by_step(ready, asked.seed) for row in rows}
    assert drawn & set(WITHOUT_CAPTION)


@pytest.mark.parametrize("kind", ["kd", "otter"])
def test_three_steps_with_a_frozen_pair_teacher_end_in_the_plain_parameters(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A hub's encoder then computes in fp32, whatever the processor likes best.
    monkeypatch.setattr(precision, "processor_features", frozenset)
    teacher = FrozenClip(write_clip(tmp_path / "clip"))
    losses = {"contrastive": HALF, "soft": {"kind": kind, "weight": 0.5, "teacher": "pairs"}}
    asked = recipe(
        write_data(tmp_path / "d.parquet", gaps=True),
        losses,
        optimiser=SGD,
        teachers={"pairs": [{"model": f"hf:{teacher.folder}"}]},
    )

    def loss_of(student: PlainStudent, _: PlainStudent, batch: Batch) -> Tensor:
        cosines = seen(student, batch).embeddings[batch.paired] @ read(student, batch.said).T
        taught = plain.soft(
            kind,
            cosines,
            plain.scale_of(student.distillation_log),
            images=teacher.pictures(batch)[batch.paired],
            texts=teacher.texts(batch.said),
        )
        own = plain.contrastive(cosines, plain.scale_of(student.contrastive_log))
        return 0.5 * own + 0.5 * taught

    run_both(asked, tmp_path, loss_of, gaps=True)


@pytest.mark.parametrize("side", ["image", "text"])
@pytest.mark.parametrize("towers", ["own", "resnet and bert"])
def test_the_average_of_a_tower_that_is_frozen_after_it_has_learned_answers_as_the_tower(
    tmp_path: Path, towers: str, side: str
) -> None:
    losses = PAIR_LOSSES["kd"]
    phases = [
        {"name": "both", "pictures": 18, "losses": losses},
        {"name": "one", "pictures": 12, "freeze": [side], "losses": losses},
    ]
    asked = recipe(
        write_data(tmp_path / "d.parquet"),
        student=None if towers == "own" else pretrained(tmp_path),
        phases=phases,
    )
    ready, course = begin(asked, tmp_path)
    follower = course.module.follower
    assert follower is not None
    pictures = torch.from_numpy(np.stack([pixels(number) for number in range(4)]))
    looked_at = {"image": pictures.permute(0, 3, 1, 2) / 127.5 - 1}
    assert ready.student.text is not None
    looked_at["text"] = ready.student.text.tokenise(list(CAPTIONS[:4]))

    def rows(student: DualStudent) -> Tensor:
        answer = getattr(student, side)(looked_at[side])
        return answer if side == "text" else answer.embeddings

    phases_seen = []

    @torch.no_grad()
    def compare(step: Step) -> None:
        phases_seen.append(step.epoch)
        if step.epoch:
            assert not getattr(follower, side).training
            assert torch.equal(rows(follower), rows(ready.student))

    train(course, watch=compare)
    assert phases_seen == [0, 0, 0, 1, 1]


def test_a_batch_with_a_single_caption_teaches_nothing_by_comparison(tmp_path: Path) -> None:
    asked = recipe(write_data(tmp_path / "d.parquet"), {"contrastive": {"smoothing": 0.1}})
    ready, course = begin(asked, tmp_path)
    batch = next(course.stretch(0, {}))
    assert course.learn(batch, 0)[0] > 1
    ready.student.zero_grad()
    alone = replace(batch, captions=[batch.captions[0], *[None] * 5])
    assert course.learn(alone, 0) == (0.0, {"contrastive": 0.0})
    gradients = [one.grad for one in ready.student.parameters() if one.grad is not None]
    assert not any(gradient.abs().max() > 1e-7 for gradient in gradients)


def test_a_size_that_a_tower_cannot_look_at_is_refused_before_the_first_phase(
    tmp_path: Path,
) -> None:
    phases = [
        {"name": "as it is", "pictures": 6, "losses": {"contrastive": {}}},
        {"name": "larger", "pictures": 6, "size": 2 * SIDE, "losses": {"contrastive": {}}},
    ]
    student = pretrained(tmp_path, image="vit")
    asked = recipe(write_data(tmp_path / "d.parquet"), student=student, phases=phases)
    with pytest.raises(InputError) as caught:
        begin(asked, tmp_path)
    sentence = str(caught.value)
    assert sentence.startswith("Recipe: the image tower cannot look at pictures of 64 x 64 (")
    assert sentence.endswith("). Choose another size for the phases.")
    assert ".)" not in sentence
