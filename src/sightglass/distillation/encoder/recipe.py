"""A recipe: everything that decides how an encoder is trained, as one file that people read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from sightglass.distillation.encoder.entry import Entry, Share, Weight
from sightglass.distillation.encoder.loss_settings import Losses
from sightglass.distillation.encoder.recipe_mistakes import first_mistake
from sightglass.distillation.encoder.teacher_settings import Teachers, Words
from sightglass.distillation.pairs.source_settings import SourceSettings
from sightglass.errors import InputError

Beta = Annotated[float, Field(ge=0, lt=1)]


class StudentSettings(Entry):
    """What is trained."""

    start: str | None = Field(
        default=None,
        description="folder of a finished student to begin from, instead of dim, image and text",
    )
    dim: int = Field(default=384, ge=1, description="width of the space that both towers end in")
    image: dict[str, Any] = Field(
        default={"kind": "convolutional"},
        description="kind: convolutional (small, our own) or transformers, and what it takes",
    )
    text: dict[str, Any] | None = Field(
        default=None,
        description="kind: word_table (small, our own) or transformers; null: no text tower",
    )
    logit_scale: float | None = Field(
        default=None,
        gt=0,
        description="of the finished student; null: what its start has stated, or the learned one",
    )

    @model_validator(mode="after")
    def _one_beginning(self) -> StudentSettings:
        more = sorted(self.model_fields_set & {"dim", "image", "text"})
        if self.start is not None and more:
            raise ValueError(f"start brings its own towers, so '{more[0]}' must stay out")
        return self


class View(Entry):
    """How a picture is cut before both see it."""

    area: tuple[Share, Share] = Field(
        default=(0.35, 1.0), description="least and largest share of the picture's area"
    )
    aspect: float = Field(default=0.2, ge=0, description="largest |ln(width / height)|")
    flip: bool = Field(default=True, description="half of all are mirrored")
    worn: Share = Field(
        default=0.0, description="share of pictures that the student, not the teacher, sees coarse"
    )
    worn_to: tuple[int, int] = Field(
        default=(32, 80), description="least and most pixels per side, when worn"
    )

    @model_validator(mode="after")
    def _in_order(self) -> View:
        if not 0 < self.area[0] <= self.area[1]:
            raise ValueError(f"area must rise from above 0, got {list(self.area)}")
        if not 1 <= self.worn_to[0] <= self.worn_to[1]:
            raise ValueError(f"worn_to must rise from 1 or more, got {list(self.worn_to)}")
        return self


class Phase(Entry):
    """A part of the run with its own losses; of pictures and epochs one is needed."""

    name: str = Field(description="in the log and under the curve")
    pictures: int | None = Field(default=None, ge=1, description="how many are seen")
    epochs: float | None = Field(default=None, gt=0, description="passes over the data instead")
    size: int | None = Field(default=None, ge=8, description="pixels per side; null: the tower's")
    staged: bool = Field(
        default=False, description="each stage of the image tower learns on the teacher's map"
    )
    freeze: tuple[Literal["image", "text", "trunk"], ...] = Field(
        default=(),
        description="what does not learn: image, text; trunk: the image tower's head does",
    )
    losses: Losses = Field(description="what is minimised")

    @model_validator(mode="after")
    def _one_length(self) -> Phase:
        if (self.pictures is None) == (self.epochs is None):
            raise ValueError(f"phase '{self.name}' needs either pictures or epochs")
        return self

    def steps(self, rows: int, batch_size: int) -> int:
        """How many there are, with ``rows`` pictures in all the data."""
        pictures = self.pictures
        if pictures is None:
            assert self.epochs is not None
            pictures = round(self.epochs * rows)
        return max(1, pictures // batch_size)


class Optimiser(Entry):
    """One schedule over all phases."""

    kind: Literal["adamw", "sgd"] = Field(default="adamw", description="sgd has momentum")
    lr: float = Field(default=3e-3, gt=0, description="highest learning rate")
    momentum: Share = Field(default=0.9, description="of sgd")
    betas: tuple[Beta, Beta] = Field(default=(0.9, 0.98), description="of adamw")
    weight_decay: Weight = Field(default=0.03, description="of matrices; never of scales, biases")
    warmup_steps: int = Field(default=40, ge=0, description="in which the rate rises from 0")
    schedule: Literal["cosine", "constant"] = Field(
        default="cosine", description="after the warm-up; a cosine falls to 0"
    )
    cosine_per: Literal["step", "epoch"] = Field(
        default="step", description="when the rate changes; epoch: once per pass over the data"
    )
    clip: float | None = Field(
        default=10.0, gt=0, description="largest length of the gradient; null for any"
    )


class Recipe(Entry):
    """Everything that decides a run, but for the versions of libraries and the machine."""

    name: str = Field(default="student", description="above the curve, and for you")
    seed: int = Field(default=1, ge=0, description="everything random follows from it")
    data: tuple[SourceSettings, ...] = Field(min_length=1, description="where pictures come from")
    student: StudentSettings = Field(default=StudentSettings(), description="what is trained")
    teachers: Teachers = Field(default=Teachers(), description="who is frozen and asked")
    words: Words | None = Field(
        default=None, description="the text tower's lessons before; null for none"
    )
    phases: tuple[Phase, ...] = Field(min_length=1, description="one after the other")
    optimiser: Optimiser = Field(default=Optimiser(), description="how steps are taken")
    view: View = Field(default=View(), description="how pictures are cut")
    views: dict[str, View] = Field(
        default={}, description="as view, for single sources, by their paths"
    )
    batch_size: int = Field(
        default=64, ge=1, description="pictures of a step; pairs are compared within it"
    )
    part_size: int | None = Field(
        default=None, ge=1, description="pictures at a time in memory; null: the whole batch"
    )
    precision: Literal["fp32", "bf16"] = Field(
        default="fp32", description="of the towers' products; sums and losses are fp32"
    )
    average: Share = Field(
        default=0.0, description="decay of the average that is the result; 0: the last step is"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Recipe:
        for phase in self.phases:
            _check_phase(self, phase)
        if self.student.start is not None and self.words is not None:
            raise ValueError("student.start brings a text tower that has had its words")
        softs = [phase.losses.soft for phase in self.phases if phase.losses.soft]
        decays = {soft.decay for soft in softs if soft.teacher == "average"}
        if len(decays) > 1:
            raise ValueError(
                f"phases: one average teaches in all of them, so losses.soft.decay must be the "
                f"same, got {sorted(decays)}"
            )
        strangers = sorted(set(self.views) - {source.path for source in self.data})
        if strangers:
            raise ValueError(f"views: '{strangers[0]}' is the path of none of the data")
        return self


def _check_phase(recipe: Recipe, phase: Phase) -> None:
    losses, image = phase.losses, recipe.teachers.image
    where = f"phase '{phase.name}'"
    compared = losses.contrastive or losses.soft
    # Whether a student to start from has a text tower is known when it is read.
    no_text = recipe.student.text is None and recipe.student.start is None
    if not losses.weights:
        raise ValueError(f"{where}: at least one loss above 0 is needed, got none")
    if losses.need_texts and no_text:
        raise ValueError(f"{where}: its losses compare with texts, student.text is null")
    soft = losses.soft
    if soft and soft.remove_diagonal and not (soft.image_weight or soft.text_weight):
        raise ValueError(f"{where}: remove_diagonal needs an image_weight or a text_weight above 0")
    if losses.soft and losses.soft.teacher == "pairs" and not recipe.teachers.pairs:
        raise ValueError(f"{where}: soft targets from teachers.pairs, which is empty")
    if losses.named and not recipe.teachers.named:
        raise ValueError(f"{where}: 'named' needs teachers.named, which is empty")
    asked = {
        "features": image is not None and (image.features or not image.in_onnx),
        "logits": image is not None and image.logits,
        "maps": image is not None and image.maps,
        "last_map": image is not None and image.maps,
        "anchors": image is not None and image.logits and image.names,
        "anchors_cosine": image is not None and image.logits and image.names,
    }
    for name, given in asked.items():
        if getattr(losses, name) and not given:
            raise ValueError(f"{where}: '{name}' needs an image teacher that gives it")
    if "image" in phase.freeze and (no_text or "text" in phase.freeze):
        raise ValueError(f"{where}: with both towers frozen nothing learns")
    for_trunk = sorted({"features", "logits", "maps", "last_map"} & losses.weights.keys())
    if "trunk" in phase.freeze and for_trunk:
        raise ValueError(f"{where}: '{for_trunk[0]}' teaches the trunk, which is frozen")
    if phase.staged and "trunk" in phase.freeze:
        raise ValueError(f"{where}: staged training teaches the trunk, which is frozen")
    if phase.staged and not (image and image.maps):
        raise ValueError(f"{where}: staged training needs teachers.image.maps")
    if compared and recipe.batch_size < 2:
        raise ValueError(f"{where}: pairs are compared with others, batch_size must be 2 or more")


def read_recipe(path: Path) -> Recipe:
    """The recipe in a YAML or JSON file; paths in it are relative to the current folder.

    Raises:
        InputError: If the file cannot be read or is no recipe; says which entry.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: a recipe that can be read is needed, but: {error.strerror}. Check the path."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: a recipe must be UTF-8 text, this is none.") from error
    except yaml.MarkedYAMLError as error:
        at = "" if error.problem_mark is None else f" in line {error.problem_mark.line + 1}"
        raise InputError(f"{path}: a recipe must be YAML, but{at}: {error.problem}.") from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"{path}: a recipe must be YAML, but: {error}.") from error
    except (AttributeError, LookupError, TypeError) as error:
        # From within the library, of a tag on what it cannot be said of: ``!!float ""``.
        raise InputError(f"{path}: a recipe must be YAML without tags ('!!float').") from error
    return recipe_of(content, where=f"{path}: not a recipe", more=" See docs/encoder-recipes.md.")


def recipe_of(
    content: Any, *, where: str, called: Mapping[str, str] | None = None, more: str = ""
) -> Recipe:
    """A recipe from what a YAML file holds.

    Args:
        content: Entries by name.
        where: How a message begins.
        called: Other names of entries, for messages to those who wrote options instead.
        more: How a message ends.

    Raises:
        InputError: If it is none; says which entry.
    """
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        mistake = first_mistake(error, Recipe, called=called or {})
        raise InputError(f"{where}: {mistake}{more}") from error


def identity(recipe: Recipe) -> dict[str, Any]:
    """What makes a run of this recipe another than others, entry by entry."""
    entries: dict[str, Any] = json.loads(recipe.model_dump_json())
    del entries["name"]  # it only says what the run is called
    return entries
