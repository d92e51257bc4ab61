"""Who teaches, as a recipe says it."""

from __future__ import annotations

from pydantic import Field, model_validator

from sightglass.distillation.encoder.entry import Entry, Share, Weight

PIECES = 12_000
CAPTIONS = 200_000
_CACHED = "take whole pictures' rows, kept in the store, instead of rows of the crop"


class ImageTeacher(Entry):
    """A frozen image network: its feature, its logits and its inner maps teach."""

    model: str = Field(description="an ONNX file, or any encoder, such as hf:facebook/dinov2-small")
    features: str | None = Field(default=None, description="output that is the feature")
    logits: str | None = Field(default=None, description="output that is the logits")
    maps: tuple[str, ...] = Field(
        default=(), description="inner tensors, one per stage of the student and its last map"
    )
    names: str | None = Field(
        default=None, description="names of the logits: .txt, or FILE.npz#KEY"
    )
    top: float = Field(default=255.0, gt=0, description="what a white pixel is to an ONNX file")
    mean: tuple[float, float, float] = Field(
        default=(0.0, 0.0, 0.0), description="taken off then, for red, green, blue"
    )
    std: tuple[float, float, float] = Field(
        default=(1.0, 1.0, 1.0), description="divided by last, for red, green, blue"
    )

    @property
    def in_onnx(self) -> bool:
        """Whether it is a file whose tensors are named here, not an encoder with a card."""
        return self.model.endswith(".onnx")


class PairTeacher(Entry):
    """A frozen encoder with both sides: how like pictures and captions are."""

    model: str = Field(description="mini, onnx:FOLDER, hf:ORG/NAME, prompts:FILE")
    weight: Weight = Field(
        default=1.0, description="of its cosines among those of all pair teachers"
    )
    cached: bool = Field(default=False, description=_CACHED)


class NamedTeacher(Entry):
    """What says how likely each of some class names is for a picture."""

    model: str = Field(
        description="an encoder with a text side; with references: its fusion with them; or "
        "labels: what the data say"
    )
    weight: Weight = Field(
        default=1.0, description="of its distribution among those of all named teachers"
    )
    smoothing: Share = Field(default=0.0, description="labels: the share of all other names")
    logit_scale: float | None = Field(default=None, gt=0, description="null: the encoder's own")
    cached: bool = Field(default=False, description=_CACHED)
    classes: str | None = Field(default=None, description="names or a file; null: the data's own")
    references: str | None = Field(
        default=None, description="folder with one folder of pictures per class"
    )
    vision_model: str | None = Field(
        default="mini:vision", description="of the fusion; null for none"
    )
    weighting: str = Field(default="inverse_entropy", description="of the fusion")


class Teachers(Entry):
    """All that is frozen and asked."""

    image: ImageTeacher | None = Field(default=None, description="of features, logits and maps")
    pairs: tuple[PairTeacher, ...] = Field(default=(), description="of soft targets")
    named: tuple[NamedTeacher, ...] = Field(default=(), description="of class names")


class Table(Entry):
    """Rows of texts in a file."""

    path: str = Field(description=".npz or .safetensors")
    rows: str = Field(default="rows", description="key of the matrix, a row per text")
    names: str = Field(default="names", description="key of the texts")


class TextTeacher(Entry):
    """Whose rows of texts the text tower learns: an encoder's, or those of tables."""

    model: str | None = Field(default=None, description="hf:… sentence encoder, or any encoder")
    tables: tuple[Table, ...] = Field(
        default=(), description="files instead; of a text in several the first counts"
    )
    weight: Weight = Field(default=1.0, description="in the joint space of all text teachers")

    @model_validator(mode="after")
    def _one_kind(self) -> TextTeacher:
        if (self.model is None) == (not self.tables):
            raise ValueError("a text teacher needs either a model or tables")
        return self


class Words(Entry):
    """The text tower's own lessons, before any picture is seen."""

    teachers: tuple[TextTeacher, ...] = Field(min_length=1, description="whose rows are learned")
    vocabulary: str | None = Field(
        default="nouns", description="nouns, or a file of names; null for none"
    )
    wordnet: str | None = Field(default=None, description="WordNet's data.noun, for more names")
    files: tuple[str, ...] = Field(default=(), description="texts, one per line")
    captions: int = Field(
        default=CAPTIONS,
        ge=0,
        description="of those of the data at most so many, evenly spread; class names all",
    )
    pieces: int = Field(default=PIECES, ge=256, description="size of the vocabulary of word pieces")
    steps: int = Field(default=1_500, ge=1, description="how many are taken")
    batch_size: int = Field(default=512, ge=2, description="texts of a step")
    lr: float = Field(default=5e-3, gt=0, description="highest learning rate")
