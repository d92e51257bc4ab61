from __future__ import annotations

import pytest

from sightglass.distillation.encoder.loss_settings import Contrastive, Otter, SelfTaught
from sightglass.distillation.encoder.quick_recipe import LOSSES, quick_recipe
from sightglass.distillation.encoder.teacher_settings import NamedTeacher, PairTeacher
from sightglass.errors import InputError, UnknownNameError


def test_the_pair_alone_or_with_a_little_of_all_others() -> None:
    losses = quick_recipe(["a.csv"], loss="infonce").phases[0].losses
    assert losses.weights == {"contrastive": 1.0}
    assert losses.contrastive == Contrastive(weight=1.0, smoothing=0.0)
    losses = quick_recipe(["a.csv"], loss="smoothing").phases[0].losses
    assert losses.contrastive == Contrastive(weight=1.0, smoothing=0.1)


@pytest.mark.parametrize("loss", ["kd", "otter"])
def test_soft_targets_are_half_and_the_pair_is_half_as_published(loss: str) -> None:
    recipe = quick_recipe(["a.csv"], loss=loss)
    losses = recipe.phases[0].losses
    assert losses.weights == {"contrastive": 0.5, loss: 0.5}
    # kd: T_t = 100, no picture-picture and text-text; otter: 0.15, five times, no diagonal.
    by_hand = {
        "kd": SelfTaught(scale=100.0, image_weight=0, text_weight=0, remove_diagonal=False),
        "otter": Otter(
            image_weight=1, text_weight=1, regularisation=0.15, iterations=5, remove_diagonal=True
        ),
    }
    assert losses.soft == by_hand[loss]
    assert recipe.teachers.pairs == ()


def test_given_teachers_take_the_place_of_the_average() -> None:
    recipe = quick_recipe(["a.csv"], loss="otter", teachers=["hf:a/b=2", "mini", "onnx:x=0.5"])
    soft = recipe.phases[0].losses.soft
    assert soft is not None
    assert soft.teacher == "pairs"
    assert recipe.teachers.pairs == (
        PairTeacher(model="hf:a/b", weight=2),
        PairTeacher(model="mini", weight=1),
        PairTeacher(model="onnx:x", weight=0.5),
    )


def test_names_need_no_captions_and_are_compared_at_the_learned_scale() -> None:
    recipe = quick_recipe(
        ["pics"], loss="named", teachers=["mini=3"], classes="a,b", references="refs"
    )
    assert recipe.data[0].captions == "none"
    assert recipe.phases[0].losses.weights == {"named": 1.0}
    assert recipe.phases[0].losses.name_scale is None
    assert recipe.teachers.named == (
        NamedTeacher(model="mini", weight=3, classes="a,b", references="refs"),
    )


def test_options_come_where_they_belong() -> None:
    recipe = quick_recipe(
        ["a.csv", "b.parquet"],
        loss="infonce",
        image_tower="hf:a/vision",
        text_tower="hf:a/text",
        captions="title",
        dim=64,
        epochs=2.5,
        batch_size=12,
        part_size=3,
        lr=0.5,
        seed=9,
        precision="bf16",
    )
    assert [one.path for one in recipe.data] == ["a.csv", "b.parquet"]
    assert [one.caption_column for one in recipe.data] == ["title", "title"]
    assert recipe.student.dim == 64
    assert recipe.student.image == {"kind": "transformers", "checkpoint": "hf:a/vision"}
    assert recipe.student.text == {"kind": "transformers", "checkpoint": "hf:a/text"}
    # 2.5 passes over 100 rows, 12 at a time.
    assert recipe.phases[0].steps(100, recipe.batch_size) == 20
    assert (recipe.batch_size, recipe.part_size, recipe.seed) == (12, 3, 9)
    assert (recipe.optimiser.lr, recipe.precision) == (0.5, "bf16")
    own = quick_recipe(["a.csv"], loss="infonce", size=64)
    assert own.student.image == {"kind": "convolutional", "size": 64}


def test_an_unknown_loss_is_answered_with_the_closest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'otter'") as caught:
        quick_recipe(["a.csv"], loss="oter")
    assert all(loss in str(caught.value) for loss in LOSSES)


def test_images_belong_to_the_table() -> None:
    assert quick_recipe(["a.csv"], loss="infonce", images="pics").data[0].images == "pics"
    with pytest.raises(InputError, match=r"^distill encoder: --dim: must be greater than or equal"):
        quick_recipe(["a.csv"], loss="infonce", dim=0)
