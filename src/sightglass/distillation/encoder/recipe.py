"""A recipe: everything that decides how an encoder is trained, as one file that people read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sightglass.distillation.pairs.source_settings import SourceSettings
from sightglass.errors import InputError

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]
PIECES = 12_000


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StudentSettings(_Frozen):
    """What is trained."""

    dim: int = Field(default=384, ge=1, description="width of the space that both towers end in")
    image: dict[str, Any] = Field(
        default={"kind": "convolutional"},
        description="kind: convolutional (small, our own) or transformers (checkpoint: hf:…)",
    )
    text: dict[str, Any] | None = Field(
        default=None, description="kind: word_table (small, our own) or transformers; null for none"
    )
    logit_scale: float | None = Field(
        default=None, gt=0, description="of the finished student; null: the learned one"
    )


class ImageTeacher(_Frozen):
    """A frozen image network: its feature, its logits and its inner maps teach."""

    model: str = Field(description="an ONNX file, or any encoder, such as hf:facebook/dinov2-small")
    features: str | None = Field(default=None, description="output that is the feature")
    logits: str | None = Field(default=None, description="output that is the logits")
    maps: tuple[str, ...] = Field(default=(), description="inner tensors, one per student stage")
    names: str | None = Field(
        default=None, description="names of the logits: .txt, or FILE.npz#KEY"
    )
    top: float = Field(default=255.0, gt=0, description="what a white pixel is to an ONNX file")
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)


class PairTeacher(_Frozen):
    """A frozen encoder with both sides: how like pictures and captions are."""

    model: str
    weight: Weight = 1.0
    cached: bool = Field(
        default=False, description="rows of whole pictures from the store, not of the crop"
    )


class NamedTeacher(_Frozen):
    """What says how likely each of some class names is for a picture."""

    model: str = Field(
        description="an encoder with a text side; with references: the fusion; or 'labels'"
    )
    weight: Weight = 1.0
    smoothing: Share = Field(default=0.0, description="labels: the share of all other names")
    logit_scale: float | None = Field(default=None, gt=0, description="null: the encoder's own")
    cached: bool = Field(
        default=False, description="rows of whole pictures from the store, not of the crop"
    )
    classes: str | None = Field(default=None, description="names or a file; null: the data's own")
    references: str | None = None
    vision_model: str | None = "mini:vision"
    weighting: str = "inverse_entropy"


class Teachers(_Frozen):
    """All that is frozen and asked."""

    image: ImageTeacher | None = None
    pairs: tuple[PairTeacher, ...] = ()
    named: tuple[NamedTeacher, ...] = ()


class Contrastive(_Frozen):
    """InfoNCE, or with smoothing its soft-label form; both directions, summed."""

    weight: Weight = 1.0
    smoothing: Share = 0.0


class _Soft(_Frozen):
    """Targets that follow from a teacher's similarities within the batch."""

    weight: Weight = 0.5
    teacher: Literal["average", "pairs"] = Field(
        default="average", description="the student's own moving average, or teachers.pairs"
    )
    decay: Share = Field(default=0.999, description="largest, of the moving average")


class SelfTaught(_Soft):
    """Self-distillation: the softmax of the teacher's similarities."""

    kind: Literal["kd"] = "kd"
    scale: float = Field(default=100.0, gt=0, description="of the teacher's similarities, T_t")
    image_weight: Weight = Field(default=0.0, description="of picture-picture similarity")
    text_weight: Weight = Field(default=0.0, description="of text-text similarity")
    remove_diagonal: bool = Field(default=False, description="the pair itself is no target")


class Otter(_Soft):
    """The plan that transports pictures to texts at the least cost."""

    kind: Literal["otter"] = "otter"
    image_weight: Weight = Field(default=1.0, description="of picture-picture similarity")
    text_weight: Weight = Field(default=1.0, description="of text-text similarity")
    regularisation: float = Field(default=0.15, gt=0, description="lambda")
    iterations: int = Field(default=5, ge=1, description="of Sinkhorn")
    remove_diagonal: bool = Field(default=True, description="the pair itself is no target")


Soft = Annotated[SelfTaught | Otter, Field(discriminator="kind")]


class Losses(_Frozen):
    """What a phase minimises: the sum of these, each with its weight; null or 0 for none."""

    contrastive: Contrastive | None = None
    soft: Soft | None = None
    features: Weight = 0.0
    logits: Weight = 0.0
    logits_temperature: float = Field(default=2.0, gt=0)
    maps: Weight = Field(default=0.0, description="of every map but the last")
    last_map: Weight = 0.0
    anchors: Weight = Field(
        default=0.0,
        description="the embedding against the names of the image teacher's logits: KL",
    )
    anchors_cosine: Weight = Field(default=0.0, description="and to their weighted mean: 1 - cos")
    anchors_temperature: float = Field(default=1.5, gt=0)
    labels: Weight = Field(default=0.0, description="cross-entropy over the data's class names")
    named: Weight = Field(default=0.0, description="KL to teachers.named over class names")
    name_scale: float | None = Field(
        default=20.0,
        gt=0,
        description="of cosines with names; null: the learned contrastive scale",
    )


class View(_Frozen):
    """How a picture is cut before both see it."""

    area: tuple[Share, Share] = (0.35, 1.0)
    aspect: float = Field(default=0.2, ge=0, description="largest |ln(width / height)|")
    flip: bool = True
    worn: Share = Field(
        default=0.0, description="share of pictures that the student, not the teacher, sees coarse"
    )
    worn_to: tuple[int, int] = Field(default=(32, 80), description="pixels per side, when worn")


class Phase(_Frozen):
    """A part of the run with its own losses."""

    name: str
    pictures: int | None = Field(default=None, ge=1, description="how many are seen")
    epochs: float | None = Field(default=None, gt=0, description="passes over the data instead")
    size: int | None = Field(default=None, ge=8, description="pixels per side; null: the tower's")
    staged: bool = Field(
        default=False, description="each stage of the image tower learns on the teacher's map"
    )
    freeze: tuple[Literal["image", "text"], ...] = Field(
        default=(), description="towers that stay as they are in this phase"
    )
    losses: Losses

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


class Optimiser(_Frozen):
    """One schedule over all phases."""

    kind: Literal["adamw", "sgd"] = "adamw"
    lr: float = Field(default=3e-3, gt=0)
    momentum: Share = 0.9
    betas: tuple[Share, Share] = (0.9, 0.98)
    weight_decay: Weight = Field(default=0.03, description="of matrices; never of scales, biases")
    warmup_steps: int = Field(default=40, ge=0)
    schedule: Literal["cosine", "constant"] = "cosine"
    cosine_per: Literal["step", "epoch"] = "step"
    clip: float | None = Field(default=10.0, gt=0, description="largest length of the gradient")


class Table(_Frozen):
    """Rows of texts in a file."""

    path: str = Field(description=".npz or .safetensors")
    rows: str = "rows"
    names: str = "names"


class TextTeacher(_Frozen):
    """Whose rows of texts the text tower learns: an encoder's, or those of tables."""

    model: str | None = Field(default=None, description="hf:… sentence encoder, or any encoder")
    tables: tuple[Table, ...] = ()
    weight: Weight = 1.0

    @model_validator(mode="after")
    def _one_kind(self) -> TextTeacher:
        if (self.model is None) == (not self.tables):
            raise ValueError("a text teacher needs either a model or tables")
        return self


class Words(_Frozen):
    """The text tower's own lessons, before any picture is seen."""

    teachers: tuple[TextTeacher, ...]
    vocabulary: str | None = Field(default="nouns", description="nouns, or a list of names")
    wordnet: str | None = Field(default=None, description="WordNet's data.noun")
    files: tuple[str, ...] = Field(default=(), description="texts, one per line")
    pieces: int = Field(default=PIECES, ge=256, description="size of the vocabulary")
    steps: int = Field(default=1_500, ge=1)
    batch_size: int = Field(default=512, ge=2)
    lr: float = Field(default=5e-3, gt=0)


class Recipe(_Frozen):
    """Everything that decides a run, but for the versions of libraries and the machine."""

    name: str = "student"
    seed: int = Field(default=1, ge=0)
    data: tuple[SourceSettings, ...] = Field(min_length=1)
    student: StudentSettings = StudentSettings()
    teachers: Teachers = Teachers()
    words: Words | None = None
    phases: tuple[Phase, ...] = Field(min_length=1)
    optimiser: Optimiser = Optimiser()
    view: View = View()
    views: dict[str, View] = Field(default={}, description="by a source's path, where it differs")
    batch_size: int = Field(default=64, ge=1)
    part_size: int | None = Field(
        default=None, ge=1, description="pictures at a time in memory; null: the whole batch"
    )
    precision: Literal["fp32", "bf16"] = "fp32"
    average: Share = Field(
        default=0.0, description="decay of the average that is the result; 0: the last step is"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Recipe:
        for phase in self.phases:
            _check_phase(self, phase)
        strangers = sorted(set(self.views) - {source.path for source in self.data})
        if strangers:
            raise ValueError(f"views: '{strangers[0]}' is the path of none of the data")
        return self


def _check_phase(recipe: Recipe, phase: Phase) -> None:
    losses, image = phase.losses, recipe.teachers.image
    where = f"phase '{phase.name}'"
    compared = losses.contrastive or losses.soft
    needs_text = (
        compared or losses.anchors or losses.anchors_cosine or losses.labels or losses.named
    )
    if needs_text and recipe.student.text is None:
        raise ValueError(f"{where}: its losses compare with texts, student.text is null")
    if losses.soft and losses.soft.teacher == "pairs" and not recipe.teachers.pairs:
        raise ValueError(f"{where}: soft targets from teachers.pairs, which is empty")
    if losses.named and not recipe.teachers.named:
        raise ValueError(f"{where}: 'named' needs teachers.named, which is empty")
    asked = {
        "features": image is not None and (image.features or ":" in image.model),
        "logits": image is not None and image.logits,
        "maps": image is not None and image.maps,
        "last_map": image is not None and image.maps,
        "anchors": image is not None and image.logits and image.names,
        "anchors_cosine": image is not None and image.logits and image.names,
    }
    for name, given in asked.items():
        if getattr(losses, name) and not given:
            raise ValueError(f"{where}: '{name}' needs an image teacher that gives it")
    if "image" in phase.freeze and (recipe.student.text is None or "text" in phase.freeze):
        raise ValueError(f"{where}: with both towers frozen nothing learns")
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
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not a readable YAML file ({error}).") from error
    return recipe_of(content, where=str(path))


def recipe_of(content: Any, *, where: str) -> Recipe:
    """A recipe from what a YAML file holds.

    Raises:
        InputError: If it is none; says which entry.
    """
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole file"
        more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise InputError(
            f"{where}: not a recipe: {field}: {first['msg']}{more}. See docs/encoder-recipes.md."
        ) from error


def identity(recipe: Recipe) -> dict[str, Any]:
    """What makes a run of this recipe another than others, entry by entry."""
    return json.loads(recipe.model_dump_json())  # type: ignore[no-any-return]
