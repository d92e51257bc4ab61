from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from sightglass.distillation.encoder.loss_settings import Losses
from sightglass.distillation.encoder.picture_losses import Taught, picture_losses
from sightglass.distillation.losses.map_loss import MapNorm
from sightglass.distillation.teachers.image_teachers import TeacherAnswer
from sightglass.encoders.towers.contract import ImageAnswer
from sightglass.errors import ShapeError

ROOT = math.sqrt(0.5)
# Three pictures, in the plane: along the first axis, between both, along the second.
ROWS = torch.tensor([[1.0, 0.0], [ROOT, ROOT], [0.0, 1.0]])
NAMES = {"anchors": torch.eye(2), "named": torch.eye(2), "0": torch.eye(2), "1": -torch.eye(2)}


class Names:
    """Rows of two names, along the axes."""

    def __contains__(self, key: str) -> bool:
        return key in NAMES

    def rows(self, key: str) -> torch.Tensor:
        return NAMES[key]


def taught(
    image: TeacherAnswer | None = None,
    *,
    labels: tuple[int, ...] = (-1, -1, -1),
    sources: tuple[str, ...] = ("0", "0", "0"),
    named: Any = None,
) -> Taught:
    return Taught(image=image, labels=torch.tensor(labels), sources=sources, named=named)


def losses_of(
    weights: dict[str, float],
    says: Taught,
    *,
    answer: ImageAnswer | None = None,
    norms: Any = (),
    scale: float = 2.0,
) -> dict[str, float]:
    made = picture_losses(
        answer or ImageAnswer(ROWS, torch.zeros(3, 2)),
        says,
        Losses.model_validate(weights),
        norms=norms,
        names=Names(),  # type: ignore[arg-type]
        scale=scale,
    )
    return {name: float(value) for name, value in made.items()}


def test_the_feature_loss_is_the_mean_square_times_its_weight() -> None:
    answer = ImageAnswer(ROWS, torch.tensor([[1.0, 2.0], [0.0, 0.0], [3.0, 0.0]]))
    teacher = TeacherAnswer(torch.tensor([[1.0, 0.0], [1.0, 0.0], [3.0, 1.0]]), None)
    # Squares 4, 1 and 1 of six numbers.
    made = losses_of({"features": 3}, taught(teacher), answer=answer)
    assert made == {"features": pytest.approx(3 * 6 / 6)}


def test_the_recipes_word_makes_the_feature_loss_one_of_cosines() -> None:
    answer = ImageAnswer(ROWS, torch.tensor([[3.0, 4.0], [0.0, 2.0], [1.0, 0.0]]))
    teacher = TeacherAnswer(torch.tensor([[9.0, 0.0], [0.0, 7.0], [-1.0, 0.0]]), None)
    # Cosines 3/5, 1 and -1: distances 2/5, 0 and 2.
    weights: dict[str, Any] = {"features": 3, "features_kind": "cosine"}
    made = losses_of(weights, taught(teacher), answer=answer)
    assert made == {"features": pytest.approx(3 * (2 / 5 + 0 + 2) / 3)}


def test_the_logit_loss_is_kl_times_the_temperature_squared() -> None:
    answer = ImageAnswer(ROWS, torch.zeros(3, 1), logits=torch.zeros(3, 2))
    teacher = TeacherAnswer(None, torch.tensor([[2 * math.log(3), 0.0]] * 3))
    # At T = 2 the teacher says (3/4, 1/4), the student (1/2, 1/2).
    kl = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    made = losses_of({"logits": 0.5, "logits_temperature": 2}, taught(teacher), answer=answer)
    assert made == {"logits": pytest.approx(0.5 * 4 * kl, rel=1e-6)}


def test_maps_but_the_last_are_compared_with_normal_ones_and_the_last_at_its_own_scale() -> None:
    norms = [MapNorm(1), MapNorm(1)]
    theirs = torch.tensor([1.0, 3.0]).view(1, 1, 1, 2)  # mean 2, deviation 1
    last = torch.tensor([10.0, 30.0]).view(1, 1, 1, 2)  # mean 20, deviation 10
    for norm, one in zip(norms, (theirs, last), strict=True):
        norm.learn(one)
    answer = ImageAnswer(
        ROWS[:1],
        torch.zeros(1, 1),
        maps=(
            torch.tensor([0.0, 1.0]).view(1, 1, 1, 2),
            torch.tensor([10.0, 50.0]).view(1, 1, 1, 2),
        ),
    )
    says = Taught(
        image=TeacherAnswer(None, None, (theirs, last)),
        labels=torch.tensor([-1]),
        sources=["0"],
        named=None,
    )
    made = losses_of({"maps": 2, "last_map": 0.5}, says, answer=answer, norms=norms)
    # Normal: (-1, 1) against (0, 1). The last: a difference of 20, in deviations 2.
    assert made == {"maps": pytest.approx(2 * 0.5), "last_map": pytest.approx(0.5 * 4 / 2)}


def test_anchors_compare_with_the_names_of_the_image_teachers_classes() -> None:
    # At T = 1.5 the teacher says (3/4, 1/4) of every picture.
    teacher = TeacherAnswer(None, torch.tensor([[1.5 * math.log(3), 0.0]] * 3))
    made = losses_of({"anchors": 1, "anchors_cosine": 1}, taught(teacher))
    total = 0.0
    for first, second in ((2.0, 0.0), (2 * ROOT, 2 * ROOT), (0.0, 2.0)):
        norm = math.log(math.exp(first) + math.exp(second))
        total += 0.75 * (math.log(0.75) - first + norm) + 0.25 * (math.log(0.25) - second + norm)
    assert made["anchors"] == pytest.approx(total / 3, rel=1e-5)
    # What is meant: (3, 1) / sqrt(10); the cosines with it are 3, 4 / sqrt(2) and 1 over sqrt(10).
    cosines = (3 + 4 * ROOT + 1) / math.sqrt(10) / 3
    assert made["anchors_cosine"] == pytest.approx(1 - cosines, rel=1e-5)


def test_labels_are_of_the_pictures_own_source_and_unlabelled_pictures_give_0() -> None:
    made = losses_of({"labels": 1}, taught(labels=(0, -1, 0), sources=("0", "0", "1")))
    # Source 0: logits (2, 0), class 0. Source 1, whose names point the other way: (0, -2), class 0.
    both = 2 * (math.log(math.exp(2) + 1) - 2)
    assert made["labels"] == pytest.approx(both / 3, rel=1e-5)


def test_a_source_without_names_has_no_labels_to_learn() -> None:
    assert losses_of({"labels": 1}, taught(labels=(0, 1, 1), sources=("9", "9", "9"))) == {
        "labels": 0.0
    }


def test_named_teachers_count_over_all_pictures_also_those_that_they_do_not_know() -> None:
    known = torch.tensor([True, False, False])
    says = taught(named=(torch.tensor([[0.5, 0.5]]), known))
    norm = math.log(math.exp(2) + 1)
    kl = math.log(0.5) - 1 + norm
    assert losses_of({"named": 1}, says) == {"named": pytest.approx(kl / 3, rel=1e-5)}


def test_where_nobody_knows_a_picture_named_teachers_say_nothing() -> None:
    says = taught(named=(torch.zeros(0, 2), torch.zeros(3, dtype=torch.bool)))
    assert losses_of({"named": 1}, says) == {"named": 0.0}
    assert losses_of({"named": 1}, taught()) == {}


@pytest.mark.parametrize("name", ["maps", "last_map"])
def test_a_map_of_one_place_is_not_compared_with_every_place_of_another(name: str) -> None:
    norms = [MapNorm(1), MapNorm(1)]
    theirs = torch.arange(4.0).view(1, 1, 2, 2)
    for norm in norms:
        norm.learn(theirs)
    mine = torch.zeros(1, 1, 1, 1)
    answer = ImageAnswer(ROWS[:1], torch.zeros(1, 1), maps=(mine, mine))
    says = taught(TeacherAnswer(None, None, (theirs, theirs)), labels=(-1,), sources=("0",))
    with pytest.raises(ShapeError, match=r"need one shape, got \(1, 1, 1, 1\) and \(1, 1, 2, 2\)"):
        losses_of({name: 1}, says, answer=answer, norms=norms)
