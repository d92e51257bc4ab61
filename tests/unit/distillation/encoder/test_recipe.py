from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import recipe_docs
from sightglass.distillation.encoder.loss_settings import Losses
from sightglass.distillation.encoder.recipe import Phase, Recipe, identity, read_recipe, recipe_of
from sightglass.distillation.encoder.teacher_settings import TextTeacher
from sightglass.errors import InputError

RECIPES = Path(__file__).parents[4] / "recipes"
TEXT = {"kind": "word_table"}
LEAST: dict[str, Any] = {
    "data": [{"path": "pairs.csv"}],
    "student": {"text": TEXT},
    "phases": [{"name": "only", "epochs": 2, "losses": {"contrastive": {}}}],
}
SMOOTHED = {"contrastive": {"smoothing": 1}}
FULL = {"model": "teacher.onnx", "features": "f"}
FROZEN = "phase 'p': 'features' teaches the trunk, which is frozen."
TEACHER = {"model": "teacher.onnx", "logits": "logits", "names": "names.txt", "maps": ["a"]}


def mistake(**entries: Any) -> str:
    with pytest.raises(InputError) as caught:
        recipe_of(LEAST | entries, where="r")
    return str(caught.value)


def phase(**entries: Any) -> dict[str, Any]:
    return {"name": "p", "epochs": 1, "losses": {"contrastive": {}}} | entries


def averaged(decay: float, teacher: str = "average") -> dict[str, Any]:
    """A phase with soft targets."""
    return phase(losses={"soft": {"kind": "kd", "teacher": teacher, "decay": decay}})


@pytest.mark.parametrize("path", sorted(RECIPES.rglob("*.yaml")), ids=lambda path: path.name)
def test_the_recipes_of_this_repository_are_recipes(path: Path) -> None:
    assert read_recipe(path).phases


def test_the_published_recipe_is_the_published_one() -> None:
    recipe = read_recipe(RECIPES / "otter-cc3m.yaml")
    assert (recipe.batch_size, recipe.student.dim) == (512, 768)
    used = recipe.optimiser
    assert (used.kind, used.lr, used.momentum, used.weight_decay) == ("sgd", 0.003, 0.9, 0.0)
    assert (used.schedule, used.cosine_per, used.warmup_steps) == ("cosine", "epoch", 0)
    assert used.clip is None
    (only,) = recipe.phases
    assert only.epochs == 10
    assert only.losses.weights == {"contrastive": 0.5, "otter": 0.5}
    soft = only.losses.soft
    assert soft is not None
    assert soft.kind == "otter"
    assert (soft.regularisation, soft.iterations, soft.decay) == (0.15, 5, 0.999)
    assert (soft.image_weight, soft.text_weight, soft.remove_diagonal) == (1, 1, True)
    assert not recipe.view.flip


def test_an_epoch_is_as_many_steps_as_whole_batches_fit() -> None:
    made = Phase(name="p", epochs=10, losses=Losses(features=1))
    # 2,911,810 pairs, ten times, 512 at a time.
    assert made.steps(2_911_810, 512) == 56_871
    assert Phase(name="p", pictures=100, losses=Losses(features=1)).steps(9, 32) == 3
    assert Phase(name="p", epochs=0.01, losses=Losses(features=1)).steps(9, 32) == 1


def test_a_recipe_says_which_losses_count() -> None:
    losses = Losses.model_validate(
        {"contrastive": {"weight": 0.5}, "soft": {"kind": "kd"}, "maps": 2, "labels": 0}
    )
    assert losses.weights == {"contrastive": 0.5, "kd": 0.5, "maps": 2}
    assert Losses.model_validate({"contrastive": {"weight": 0}}).weights == {}


def test_what_makes_a_run_another_is_all_of_it_as_json() -> None:
    recipe = recipe_of(LEAST, where="r")
    who = identity(recipe)
    assert json.loads(json.dumps(who)) == who
    assert recipe_of(who | {"student": {"text": TEXT}}, where="r") == recipe
    assert {*who, "name"} == set(Recipe.model_fields)  # a name decides nothing


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"phases": [phase(freeze=["trunk"], staged=True)]}, "staged training teaches the trunk"),
        ({"phases": [phase(epochs=None)]}, "phases.0: phase 'p' needs either pictures or epochs."),
        ({"phases": [phase(pictures=5)]}, "phases.0: phase 'p' needs either pictures or epochs."),
        ({"phases": []}, "phases: must have at least 1 item, got []."),
        ({"phases": [phase(freeze=["images"])]}, "'image', 'text' or 'trunk' is needed, got "),
        (
            {
                "phases": [phase(freeze=["trunk"], losses={"features": 1})],
                "teachers": {"image": FULL},
            },
            FROZEN,
        ),
        ({"data": "pairs.csv"}, "data: must be a list, got 'pairs.csv'."),
        ({"student": {}}, "phase 'only': its losses compare with texts, student.text is null."),
        ({"batch_size": 1}, "phase 'only': pairs are compared with others, batch_size must be 2"),
        ({"phases": [phase(losses={"named": 1})]}, "'named' needs teachers.named, which is empty."),
        ({"phases": [phase(losses={"maps": 1})]}, "'maps' needs an image teacher that gives it."),
        ({"phases": [phase(staged=True)]}, "staged training needs teachers.image.maps."),
        ({"teachers": {"image": TEACHER}, "phases": [phase(losses={"features": 1})]}, "'features'"),
        ({"view": {"worn_to": [9, 3]}}, "view: worn_to must rise from 1 or more, got [9, 3]."),
        ({"view": {"area": [0.5, 2]}}, "view.area.1: must be less than or equal to 1, got 2."),
        ({"views": {"other.csv": {}}}, "views: 'other.csv' is the path of none of the data."),
        ({"views": {"other.csv": {"flp": 1}}}, "views.other.csv.flp: there is no such entry. Did"),
        ({"words": {"teachers": []}}, "words.teachers: must have at least 1 item, got []."),
        ({"words": {"teachers": [{}]}}, "words.teachers.0: a text teacher needs either a model or"),
        ({"optimiser": {"lr": float("inf")}}, "optimiser.lr: must be a finite number, got inf."),
        ({"optimiser": {"betas": [0.9, 1]}}, "optimiser.betas.1: must be less than 1, got 1."),
        ({"optimiser": {"betas": [1, 0.9]}}, "optimiser.betas.0: must be less than 1, got 1."),
        (
            {"phases": [phase(losses={"features_kind": "cosin"})]},
            "losses.features_kind: 'mean_squared_error' or 'cosine' is needed, got 'cosin'. Did you"
            " mean 'cosine'?",
        ),
        (
            {"phases": [phase(losses={"feature_kind": "cosine"})]},
            "losses.feature_kind: there is no such entry. Did you mean 'features_kind'?",
        ),
        (
            {"phases": [phase(losses=SMOOTHED)]},
            "smoothing: must be less than 1, got 1.",
        ),
        (
            {"phases": [averaged(0.5), averaged(0.999)]},
            "decay must be the same, got [0.5, 0.999].",
        ),
        ({"precision": "fp16"}, "precision: 'fp32' or 'bf16' is needed, got 'fp16'. Did you mean"),
        ({"student": {"start": "run", "dim": 3}}, "start brings its own towers, so 'dim' must"),
    ],
)
def test_what_does_not_fit_is_named(entries: dict[str, Any], said: str) -> None:
    sentence = mistake(**entries)
    assert sentence.startswith("r: ")
    assert said in sentence


def test_the_image_teacher_may_be_asked_for_what_it_gives() -> None:
    losses = {"logits": 1, "maps": 1, "anchors": 0.1, "anchors_cosine": 1}
    recipe = recipe_of(
        LEAST | {"teachers": {"image": TEACHER}, "phases": [phase(losses=losses, staged=True)]},
        where="r",
    )
    assert recipe.teachers.image is not None


@pytest.mark.parametrize("model", ["mini", "mini:vision", "hf:a/b", "onnx:folder"])
def test_any_encoder_gives_features(model: str) -> None:
    more = {"teachers": {"image": {"model": model}}, "phases": [phase(losses={"features": 1})]}
    assert recipe_of(LEAST | more, where="r").phases[0].losses.weights == {"features": 1}


def test_a_decay_counts_where_the_average_teaches() -> None:
    pairs = {"pairs": [{"model": "mini"}]}
    phases = [averaged(0.5), averaged(0.9, "pairs"), phase(), averaged(0.5)]
    assert len(recipe_of(LEAST | {"teachers": pairs, "phases": phases}, where="r").phases) == 4


def test_a_text_teacher_is_a_model_or_tables() -> None:
    assert TextTeacher(model="mini").tables == ()
    with pytest.raises(ValueError, match="needs either a model or tables"):
        TextTeacher.model_validate({"model": "mini", "tables": [{"path": "a.npz"}]})


def test_a_recipe_is_read_from_yaml_and_json(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(LEAST))
    (tmp_path / "a.json").write_text(json.dumps(LEAST))
    assert read_recipe(tmp_path / "a.yaml") == read_recipe(tmp_path / "a.json")


def test_yaml_that_makes_objects_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("!!python/object/apply:os.system ['true']")
    with pytest.raises(InputError, match="a recipe must be YAML, but"):
        read_recipe(path)


def test_every_entry_says_what_it_means() -> None:
    page = recipe_docs.page()
    assert "| None |" not in page
    for name in ("`remove_diagonal`", "`n_logits`", "`gradient_checkpointing`", "`cosine_per`"):
        assert f"| {name} |" in page
    # The range and the default of one, and where several forms have a place.
    assert "| `smoothing` | number, at least 0, at most 1 | `0.0` |" in page
    assert "## phases[].losses.soft (kind: otter)" in page
