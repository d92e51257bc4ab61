"""Three steps of every loss that image teachers, labels and named teachers give, against the plain
restatement; image teachers are run by onnxruntime there, encoders by transformers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from adapters.checkpoints import write_clip
from adapters.plain_comparison import ADAMW, SGD, Batch, FrozenClip, read, run_both, seen
from adapters.small_encoder_runs import (
    CLASSES,
    SIDE,
    SMALL_IMAGE,
    begin,
    recipe,
    rows_by_step,
    write_data,
)
from onnx_graphs import residual_network, runtime_answer
from plain_encoder import losses as plain
from plain_encoder.run import PlainStudent
from plain_encoder.targets import softmax
from sightglass.distillation.encoder.recipe import Recipe
from sightglass.distillation.trainer import train
from sightglass.encoders import precision
from sightglass.encoders.towers import convolutional
from sightglass.errors import InputError

MAPS = ("first", "second", "last")
LOGIT_NAMES = ("cat", "dog", "red train", "tower", "bridge")
# Stages as wide and as large as the teacher's first two maps; the third's width is the feature's.
IMAGE = SMALL_IMAGE | {"stages": [[8, 1, 1, 1], [12, 2, 1, 1]]}
FEATURES = 20
TEMPERATURE = 1.5


@pytest.fixture(scope="module", autouse=True)
def calm(one_thread: None) -> None:
    """One thread."""


class OnnxTeacher:
    """An image teacher's file, and what onnxruntime says of it."""

    def __init__(self, folder: Path) -> None:
        self.path = residual_network(folder / "teacher.onnx")
        model = onnx.load(self.path)
        for axis in model.graph.input[0].type.tensor_type.shape.dim[2:]:
            axis.dim_value = SIDE
        self._of_our_size = folder / "of our size.onnx"
        onnx.save(model, self._of_our_size)
        self.names = folder / "names.txt"
        self.names.write_text("\n".join(LOGIT_NAMES))

    @property
    def settings(self) -> dict[str, Any]:
        """As a recipe names it."""
        return {
            "model": str(self.path),
            "features": "features",
            "logits": "logits",
            "names": str(self.names),
            "maps": list(MAPS),
        }

    def answer(self, batch: Batch) -> plain.PlainTeacher:
        seen = batch.pixels([0, 0, 0], [1 / 255] * 3).numpy()
        outputs = ("features", "logits", *MAPS)
        found = [torch.from_numpy(one) for one in runtime_answer(self._of_our_size, seen, outputs)]
        return plain.PlainTeacher(features=found[0], logits=found[1], maps=tuple(found[2:]))


@pytest.fixture
def teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OnnxTeacher:
    """With it, students whose feature is as wide as the teacher's."""
    monkeypatch.setattr(convolutional, "_FEATURES", FEATURES)
    return OnnxTeacher(tmp_path)


class Lesson:
    """What a convolutional student says of a batch, and what the teacher said of it."""

    def __init__(
        self,
        student: PlainStudent,
        theirs: plain.PlainTeacher,
        batch: Batch,
        rulers: list[plain.Ruler],
        *,
        staged: bool = False,
    ) -> None:
        if not rulers:  # those of the first batch stay
            rulers += [plain.Ruler.of(one) for one in theirs.maps]
        tower = student.image
        self.student, self.theirs, self.ruler = student, theirs, rulers[-1]
        self.normal = [one.normal(its) for one, its in zip(rulers, theirs.maps, strict=True)]
        now = batch.pixels(tower.image_input.mean, tower.image_input.std)
        self.maps = []
        for number, stage in enumerate(tower.stages):
            if staged and number:
                now = self.normal[number - 1].float()
            now = stage(now)
            self.maps.append(now)
        self.features = now.mean((2, 3))
        self.rows = normalize(tower.head(self.features), dim=1)
        self.logits = tower.classes(self.features)

    def features_loss(self) -> Tensor:
        return plain.squared_error(self.features, self.theirs.features)

    def logits_loss(self) -> Tensor:
        return plain.logits_loss(self.logits, self.theirs.logits, 2.0)

    def maps_loss(self) -> Tensor:
        pairs = zip(self.maps[:-1], self.normal[:-1], strict=True)
        return sum(plain.squared_error(mine, wanted) for mine, wanted in pairs)

    def last_map_loss(self) -> Tensor:
        std = self.ruler.std
        return plain.squared_error(self.maps[-1] / std, self.theirs.maps[-1] / std)

    def anchors_loss(self) -> Tensor:
        names = names_of(self.student, LOGIT_NAMES)
        return plain.anchors_loss(self.rows, names, self.theirs.logits, TEMPERATURE)

    def anchors_cosine_loss(self) -> Tensor:
        names = names_of(self.student, LOGIT_NAMES)
        return plain.anchors_cosine_loss(self.rows, names, self.theirs.logits, TEMPERATURE)


def names_of(student: PlainStudent, names: tuple[str, ...]) -> Tensor:
    return read(student, [f"a photo of a {name}." for name in names])


def asked_of(
    folder: Path,
    losses: dict[str, float],
    teachers: dict[str, Any],
    *,
    optimiser: dict[str, Any] = SGD,
    gaps: bool = False,
    **phase: Any,
) -> Recipe:
    return recipe(
        write_data(folder / "data.parquet", gaps=gaps),
        student={"image": IMAGE},
        phases=[{"name": "only", "pictures": 18, "losses": losses, **phase}],
        optimiser=optimiser,
        teachers=teachers,
    )


CASES: dict[str, tuple[dict[str, float], dict[str, Any]]] = {
    "features": ({"features": 2.0}, {}),
    "logits": ({"logits": 0.5}, {}),
    "maps": ({"maps": 1.0, "last_map": 0.5}, {}),
    "maps, staged": ({"maps": 1.0, "last_map": 0.5}, {"staged": True}),
    "all, staged": (
        {"maps": 1.0, "last_map": 0.5, "logits": 0.2, "features": 1.0},
        {"staged": True},
    ),
    "anchors": ({"anchors": 0.7}, {}),
    "anchors, cosine": ({"anchors": 0.1, "anchors_cosine": 0.5}, {}),
    "anchors, text frozen": ({"anchors": 0.1, "anchors_cosine": 0.5}, {"freeze": ["text"]}),
}


@pytest.mark.parametrize("optimiser", [SGD, ADAMW], ids=["sgd", "adamw"])
@pytest.mark.parametrize("name", CASES)
def test_three_steps_with_an_image_teacher_end_in_the_plain_parameters(
    tmp_path: Path, teacher: OnnxTeacher, name: str, optimiser: dict[str, Any]
) -> None:
    losses, phase = CASES[name]
    asked = asked_of(tmp_path, losses, {"image": teacher.settings}, optimiser=optimiser, **phase)
    rulers: list[plain.Ruler] = []

    def loss_of(student: PlainStudent, _: PlainStudent, batch: Batch) -> Tensor:
        staged = bool(phase.get("staged"))
        lesson = Lesson(student, teacher.answer(batch), batch, rulers, staged=staged)
        return sum(weight * getattr(lesson, f"{loss}_loss")() for loss, weight in losses.items())

    run_both(asked, tmp_path, loss_of)


def test_three_steps_on_the_cosine_of_features_end_in_the_plain_parameters(
    tmp_path: Path, teacher: OnnxTeacher
) -> None:
    losses: dict[str, Any] = {"features": 2.0, "features_kind": "cosine"}
    asked = asked_of(tmp_path, losses, {"image": teacher.settings})

    def loss_of(student: PlainStudent, _: PlainStudent, batch: Batch) -> Tensor:
        lesson = Lesson(student, teacher.answer(batch), batch, [])
        return 2.0 * plain.cosine_distance(lesson.features, lesson.theirs.features)

    run_both(asked, tmp_path, loss_of)


@pytest.mark.parametrize("part_size", [None, 3, 1])
def test_maps_are_measured_by_the_whole_first_batch_however_it_is_cut(
    tmp_path: Path, teacher: OnnxTeacher, part_size: int | None
) -> None:
    asked = asked_of(tmp_path, CASES["maps"][0], {"image": teacher.settings})
    ready, course = begin(asked.model_copy(update={"part_size": part_size}), tmp_path)
    train(course)
    first = teacher.answer(Batch.of(rows_by_step(ready, asked.seed)[0], gaps=False)).maps
    for norm, theirs in zip(course.module.norms, first, strict=True):
        wanted = plain.Ruler.of(theirs)
        for found, expected in ((norm.mean, wanted.mean), (norm.std, wanted.std)):
            torch.testing.assert_close(found.double(), expected.flatten(), atol=1e-6, rtol=1e-6)


# Strides of the two stages, after a stem of 2: the teacher's maps are a half and a quarter as high.
@pytest.mark.parametrize(
    ("strides", "sides"), [((2, 2), (8, 4, 4)), ((1, 16), (16, 1, 1))], ids=["other", "one place"]
)
def test_maps_of_other_heights_are_refused_before_training_with_both_sizes(
    tmp_path: Path, teacher: OnnxTeacher, strides: tuple[int, int], sides: tuple[int, ...]
) -> None:
    asked = asked_of(tmp_path, {"maps": 1.0}, {"image": teacher.settings})
    image = IMAGE | {"stages": [[8, strides[0], 1, 1], [12, strides[1], 1, 1]]}
    student = asked.student.model_copy(update={"image": image})
    with pytest.raises(InputError) as caught:
        begin(asked.model_copy(update={"student": student}), tmp_path)
    mine = [(width, side, side) for width, side in zip((8, 12, 20), sides, strict=True)]
    theirs = [(8, 16, 16), (12, 8, 8), (20, 8, 8)]
    assert f"the student has {mine}, the teacher {theirs}. " in str(caught.value)
    assert str(caught.value).startswith("Pictures of 32 x 32: ")


def test_three_steps_on_labels_end_in_the_plain_parameters(tmp_path: Path) -> None:
    asked = asked_of(tmp_path, {"labels": 0.8}, {}, gaps=True)

    def loss_of(student: PlainStudent, _: PlainStudent, batch: Batch) -> Tensor:
        rows, names = seen(student, batch).embeddings, names_of(student, CLASSES)
        return 0.8 * plain.labels_loss(rows, names, batch.labels)

    run_both(asked, tmp_path, loss_of, gaps=True)


@pytest.mark.parametrize("kinds", [("labels",), ("clip",), ("clip", "labels")])
def test_three_steps_of_named_teachers_end_in_the_plain_parameters(
    tmp_path: Path, kinds: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "processor_features", frozenset)  # a hub's encoder in fp32
    clip = FrozenClip(write_clip(tmp_path / "clip"))
    teachers = {
        "labels": {"model": "labels", "smoothing": 0.1, "weight": 3.0},
        "clip": {"model": f"hf:{clip.folder}", "logit_scale": 10.0},
    }
    named = {"named": [teachers[kind] | {"classes": ",".join(CLASSES)} for kind in kinds]}
    asked = asked_of(tmp_path, {"named": 0.6, "name_scale": None}, named, gaps=True)
    texts = clip.texts([f"a photo of a {name}" for name in CLASSES])

    def wanted(batch: Batch) -> list[list[float]]:
        """The mean of the teachers that know a picture; empty where none does."""
        rows = []
        for seen_by_clip, label in zip(clip.pictures(batch), batch.labels, strict=True):
            said: list[tuple[float, list[float]]] = []
            if "clip" in kinds:
                said.append((1.0, softmax((10 * texts @ seen_by_clip).tolist())))
            if "labels" in kinds and label >= 0:
                said.append((3.0, [0.9 if number == label else 0.05 for number in range(3)]))
            total = sum(weight for weight, _ in said)
            rows.append(
                [sum(weight * row[at] for weight, row in said) / total for at in range(3)]
                if said
                else []
            )
        return rows

    def loss_of(student: PlainStudent, _: PlainStudent, batch: Batch) -> Tensor:
        rows, names = seen(student, batch).embeddings, names_of(student, CLASSES)
        scale = plain.scale_of(student.contrastive_log)
        return 0.6 * plain.named_loss(rows, names, wanted(batch), scale)

    _, run, _ = run_both(asked, tmp_path, loss_of, gaps=True)
    # With name_scale null the learned scale takes part.
    assert abs(float(run.student.contrastive_log.detach()) - np.float32(3.9)) > 1e-5
