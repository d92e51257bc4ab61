"""What the learner is told: labels where the loss is supervised, and never more than it may."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from kdpl_layouts import write_prepared
from planned_learner import PlannedLearner
from sightglass.evaluation.kdpl.dataset import KdplDataset
from sightglass.evaluation.kdpl.learning import Learned, learn
from sightglass.evaluation.kdpl.located import locate
from sightglass.evaluation.kdpl.measured import About
from sightglass.evaluation.kdpl.methods import HOSTS, KDPL, KDPL_CA, Method, methods_of
from sightglass.evaluation.kdpl.shots import Shots, draw_shots
from sightglass.evaluation.kdpl.source_trained import transfer, untrained

ABOUT = About(student="small", teacher="large", shots=2)


@pytest.fixture
def pets(tmp_path: Path) -> KdplDataset:
    write_prepared(tmp_path, "oxford_pets")
    return locate(tmp_path, ("oxford_pets",)).datasets["oxford_pets"]


def told(pets: KdplDataset, method: Method, shots: Shots | None = None) -> dict[str, object]:
    learner = PlannedLearner()
    shots = shots or draw_shots(pets, per_class=2, seed=1)
    learn(learner, method, pets, shots, seed=1, setting="base_to_novel")
    (one,) = learner.learnt
    return one


def test_every_host_learns_supervised_and_distilled_with_and_without_the_class_names() -> None:
    assert [method.title for method in methods_of(("coop", "maple"))] == [
        *("CoOp", "CoOp+KDPL", "CoOp+KDPL-CA", "MaPLe", "MaPLe+KDPL", "MaPLe+KDPL-CA"),
    ]
    assert len(methods_of(tuple(HOSTS))) == 15


def test_a_supervised_host_gets_labels_and_names(pets: KdplDataset) -> None:
    one = told(pets, Method("coop", "cross_entropy"))
    assert one["labels"] == (0, 0, 1, 1, 3, 3, 4, 4, 2, 2)
    assert one["class_names"] == ("alpha", "beta", "gamma ray", "delta", "epsilon")


@pytest.mark.parametrize("loss", [KDPL, KDPL_CA])
def test_a_distilled_host_gets_no_labels_and_would_not_notice_others(
    loss: str, pets: KdplDataset
) -> None:
    method = Method("coop", loss)  # type: ignore[arg-type]
    shots = draw_shots(pets, per_class=2, seed=1)
    one = told(pets, method, shots)
    assert one["labels"] is None
    wrong = Shots(pictures=shots.pictures, labels=shots.labels[::-1], fewest=2, digest=shots.digest)
    assert told(pets, method, wrong) == one
    # Careless: the same call as for the supervised host, with the labels in it.
    supervised = Method("coop", "cross_entropy")
    assert told(pets, supervised, wrong) != told(pets, supervised, shots)


def test_the_order_of_the_pictures_is_that_of_their_paths_not_of_their_labels(
    pets: KdplDataset,
) -> None:
    pictures = told(pets, Method("coop", KDPL))["pictures"]
    assert isinstance(pictures, tuple)
    assert list(pictures) == sorted(pictures)


def test_class_agnostic_training_hears_neither_the_names_nor_the_template(
    pets: KdplDataset,
) -> None:
    aware, agnostic = (told(pets, Method("coop", loss)) for loss in (KDPL, KDPL_CA))
    assert aware["class_names"] == pets.class_names
    assert aware["teacher_template"] == "a photo of a {}, a type of pet."
    assert agnostic["class_names"] == ()
    assert agnostic["teacher_template"] == "a photo of a {}."


def test_class_agnostic_prompts_are_tested_on_the_names_of_the_target(pets: KdplDataset) -> None:
    learner = PlannedLearner()
    shots = draw_shots(pets, per_class=2, seed=1)
    method = Method("coop", KDPL_CA)
    targets = {"cross_dataset": {"oxford_pets": pets}}
    (row,) = transfer(learner, method, pets, shots, targets, seed=1, about=ABOUT)
    assert learner.asked == [{"who": "learned", "class_names": pets.class_names}]
    assert (row.value, row.encoders, row.mode) == (0.25, "small+large", "2_shots")


def test_a_learned_context_is_the_only_template_of_a_learned_student(pets: KdplDataset) -> None:
    # There is no way to hand a template over, and the names are bare.
    assert list(inspect.signature(Learned.logits).parameters) == ["self", "pictures", "class_names"]
    learner = PlannedLearner()
    shots = draw_shots(pets, per_class=2, seed=1)
    targets = {"cross_dataset": {"oxford_pets": pets}}
    list(transfer(learner, Method("coop", KDPL), pets, shots, targets, seed=1, about=ABOUT))
    careless = tuple(pets.template.format(name) for name in pets.class_names)
    assert learner.asked[0]["class_names"] == pets.class_names != careless


def test_only_the_teacher_hears_the_templates_of_the_data_set(pets: KdplDataset) -> None:
    learner = PlannedLearner()
    student, teacher = untrained(learner, pets, protocol="cross_dataset", about=ABOUT)
    assert [(one["who"], one["template"]) for one in learner.asked] == [
        ("student", "a photo of a {}."),
        ("teacher", "a photo of a {}, a type of pet."),
    ]
    # Levels 1 to 4 of each class: the student's skill is 1, the teacher's 4.
    assert (student.value, student.encoders, student.split) == (0.25, "small", None)
    assert (teacher.value, teacher.encoders, teacher.split) == (1.0, "large", None)
