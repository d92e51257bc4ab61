"""A run that begins from a finished student goes on with exactly that student."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.pretrained_students import pretrained
from adapters.small_encoder_runs import BATCH, CLASSES, STEPS, WHOLE, begin, write_data
from adapters.small_students import DIM, small_student, write_small_student
from sightglass.distillation.encoder.plan import plan_lines
from sightglass.distillation.encoder.recipe import Recipe, recipe_of
from sightglass.distillation.encoder.run import distil_encoder
from sightglass.encoders.towers.building import build_image_tower
from sightglass.encoders.towers.convolutional import ConvolutionalTower
from sightglass.encoders.towers.student import DualStudent
from sightglass.encoders.towers.student_file import read_about, read_student, write_student
from sightglass.errors import InputError, ModelError

pytestmark = pytest.mark.usefixtures("one_thread")

STATED = 12.5  # what write_small_student states


def recipe(folder: Path, start: Path, **changes: Any) -> Recipe:
    """Three steps by captions, from ``start``, with the text tower as it is."""
    data = folder / "data.parquet"
    if not data.exists():
        write_data(data)
    phase = {
        "name": "only",
        "pictures": BATCH * STEPS,
        "losses": {"contrastive": {}},
        "freeze": ["text"],
    }
    phase |= changes.pop("phase", {})
    content = {
        "data": [{"path": str(data)}],
        "student": {"start": str(start), **changes.pop("student", {})},
        "phases": [phase],
        "optimiser": {"warmup_steps": 0, "weight_decay": 0.0, "lr": 1e-3} | changes.pop("by", {}),
        "view": WHOLE,
        "batch_size": BATCH,
    }
    return recipe_of(content | changes, where="a test")


def without_second_head(folder: Path, *, seed: int = 0) -> Path:
    """A student whose image tower answers with its head alone."""
    folder.mkdir()
    torch.manual_seed(seed)
    image = ConvolutionalTower(DIM, size=32, stages=((8, 2, 1, 2), (12, 2, 1, 2)))
    write_student(folder, DualStudent(image, small_student().text))
    return folder


def test_steps_of_no_length_leave_the_student_that_the_run_began_from(tmp_path: Path) -> None:
    start = write_small_student(tmp_path / "start")
    asked = recipe(tmp_path, start, by={"kind": "sgd", "lr": 1e-30})
    made = distil_encoder(asked, tmp_path / "out", store=None)
    before, after = (dict(read_student(at)[0].named_parameters()) for at in (start, made.folder))
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        torch.testing.assert_close(after[name], tensor, rtol=0, atol=0, msg=name)
    anchors = [read_student(at)[0].image.anchors for at in (start, made.folder)]
    assert torch.equal(*anchors)


def test_steps_of_some_length_change_the_image_tower_and_leave_the_frozen_one(
    tmp_path: Path,
) -> None:
    start = write_small_student(tmp_path / "start")
    made = distil_encoder(recipe(tmp_path, start), tmp_path / "out", store=None)
    before, after = (read_student(at)[0] for at in (start, made.folder))
    for (name, old), new in zip(before.named_parameters(), after.parameters(), strict=True):
        assert torch.equal(old, new) == (name.startswith(("text.", "distillation"))), name


@pytest.mark.parametrize("kind", ["own", "vit", "resnet"])
def test_with_a_frozen_trunk_nothing_but_the_image_towers_head_changes(
    tmp_path: Path, kind: str
) -> None:
    if kind == "own":
        start = write_small_student(tmp_path / "start")
    else:
        start = tmp_path / "start"
        start.mkdir()
        settings = {"image": kind} if kind == "vit" else {}
        towers = pretrained(tmp_path / "towers", **settings)["image"]
        image = build_image_tower(towers | {"dim": DIM})
        write_student(start, DualStudent(image, small_student().text))
    frozen = recipe(tmp_path, start, phase={"freeze": ["text", "trunk"]})
    made = distil_encoder(frozen, tmp_path / "out", store=None)
    before, after = (read_student(at)[0].state_dict() for at in (start, made.folder))
    changed = {name for name, old in before.items() if not torch.equal(old, after[name])}
    assert changed - {"contrastive_scale.log_scale"} == {"image.head.weight", "image.head.bias"}


@pytest.mark.parametrize(("asked", "found"), [({}, STATED), ({"logit_scale": 7.0}, 7.0)])
def test_the_stated_scale_is_the_starts_unless_the_recipe_says_another(
    tmp_path: Path, asked: dict[str, float], found: float
) -> None:
    start = write_small_student(tmp_path / "start")
    distil_encoder(recipe(tmp_path, start, student=asked), tmp_path / "out", store=None)
    assert read_about(tmp_path / "out").logit_scale == found


def test_a_start_without_a_stated_scale_leaves_the_learned_one(tmp_path: Path) -> None:
    start = without_second_head(tmp_path / "start")
    distil_encoder(recipe(tmp_path, start), tmp_path / "out", store=None)
    assert read_about(tmp_path / "out").logit_scale is None


def test_a_run_does_not_go_on_once_its_start_is_another_student(tmp_path: Path) -> None:
    start, out = write_small_student(tmp_path / "start"), tmp_path / "out"
    asked = recipe(tmp_path, start)
    distil_encoder(asked, out, store=None)
    kept = (out / "student.safetensors").read_bytes()
    distil_encoder(asked, out, store=None)
    assert (out / "student.safetensors").read_bytes() == kept
    write_student(start, small_student(seed=1), logit_scale=STATED)
    with pytest.raises(InputError, match="start_digest"):
        distil_encoder(asked, out, store=None)
    assert (out / "student.safetensors").read_bytes() == kept


def test_a_run_does_not_write_over_the_student_that_it_begins_from(tmp_path: Path) -> None:
    start = write_small_student(tmp_path / "start")
    kept = (start / "student.safetensors").read_bytes()
    with pytest.raises(InputError, match="folder of its own"):
        distil_encoder(recipe(tmp_path, start), start, store=None)
    assert (start / "student.safetensors").read_bytes() == kept


def test_a_damaged_start_is_refused(tmp_path: Path) -> None:
    start = write_small_student(tmp_path / "start")
    weights = start / "student.safetensors"
    content = bytearray(weights.read_bytes())
    content[-5] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelError, match="sha256"):
        begin(recipe(tmp_path, start), tmp_path / "run")


def test_a_start_that_is_no_folder_of_a_student_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"student\.json"):
        begin(recipe(tmp_path, tmp_path / "nowhere"), tmp_path / "run")


@pytest.mark.parametrize(
    "more", [{"dim": 16}, {"image": {"kind": "convolutional"}}, {"text": {"kind": "word_table"}}]
)
def test_a_start_and_towers_beside_it_are_refused(tmp_path: Path, more: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"'{next(iter(more))}' must stay out"):
        recipe(tmp_path, tmp_path, student=more)


def test_a_start_and_lessons_in_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="had its words"):
        recipe(tmp_path, tmp_path, words={"teachers": [{"model": "mini"}]})


def test_losses_that_need_texts_refuse_a_start_without_a_text_tower(tmp_path: Path) -> None:
    start = write_small_student(tmp_path / "start", texts=False)
    with pytest.raises(InputError, match="no text tower"):
        begin(recipe(tmp_path, start), tmp_path / "run")


def test_a_text_tower_may_not_leave_the_anchors_of_a_second_head_behind(tmp_path: Path) -> None:
    start = write_small_student(tmp_path / "start")
    with pytest.raises(InputError, match=r"freeze: \[text\]"):
        begin(recipe(tmp_path, start, phase={"freeze": []}), tmp_path / "run")
    begin(
        recipe(tmp_path, without_second_head(tmp_path / "one"), phase={"freeze": []}),
        tmp_path / "other",
    )


@pytest.mark.parametrize("whole", [False, True])
def test_a_tower_learns_whole_where_it_begins_as_a_finished_one(
    tmp_path: Path, whole: bool
) -> None:
    ready, course = begin(
        recipe(tmp_path, write_small_student(tmp_path / "start")), tmp_path / "run"
    )
    tower = ready.student.image
    assert isinstance(tower, ConvolutionalTower)
    assert tower.learns_whole
    tower.learns_whole = whole
    course.module.train()
    with torch.no_grad():
        answer = tower(torch.randn(3, 3, 32, 32))
    for row, feature in zip(answer.embeddings, answer.features, strict=True):
        head = tower.head.weight @ feature + tower.head.bias
        logits = (tower.classes.weight @ feature + tower.classes.bias) / 1.5
        shares = logits.exp() / logits.exp().sum()
        anchored = sum(share * anchor for share, anchor in zip(shares, tower.anchors, strict=True))
        expected = head / head.norm()
        if whole:
            expected = expected + anchored / anchored.norm()
        torch.testing.assert_close(row, expected / expected.norm(), rtol=0, atol=1e-5)


def test_the_plan_says_where_the_run_begins(tmp_path: Path) -> None:
    start = write_small_student(tmp_path / "start")
    lines = plan_lines(recipe(tmp_path, start), processes=1)
    assert f"begins from     {start}" in lines
    about = json.loads((start / "student.json").read_text())
    assert any(line.startswith(f"text tower      {about['text']['kind']}") for line in lines)
    assert len(CLASSES) == 3


def test_the_plan_counts_the_batch_norms_of_a_finished_student(tmp_path: Path) -> None:
    start = write_small_student(tmp_path / "start")
    noted = [
        [line for line in plan_lines(asked, processes=1) if line.startswith("note")]
        for asked in (recipe(tmp_path, start), recipe(tmp_path, start, part_size=3))
    ]
    # Of the stem, of each stage's wide and narrow convolution, and before pooling.
    told = "6 batch norms take their statistics from each part of 3, not from the whole batch"
    assert noted == [[], [f"note            {told}"]]


@pytest.mark.parametrize("average", [0, 0.9])
def test_a_scale_that_has_left_its_range_is_told(tmp_path: Path, average: float) -> None:
    # The first step of AdamW is as long as the rate, up or down: one of these two leaves the range.
    remarks = []
    for log in (0.1, math.log(100) - 0.1):
        student = without_second_head(tmp_path / f"start {log:.2f}")
        torn, _ = read_student(student)
        torch.nn.init.constant_(torn.contrastive_scale.log_scale, log)
        write_student(student, torn, logit_scale=STATED)
        asked = recipe(
            tmp_path, student, by={"lr": 0.11}, phase={"pictures": BATCH}, average=average
        )
        made = distil_encoder(asked, tmp_path / f"out {log:.2f}", store=None)
        remarks.append([line.split(",")[0] for line in made.remarks])
    limit = "The contrastive scale ended at its limit of"
    assert remarks in ([[f"{limit} 1"], []], [[], [f"{limit} 100"]])
