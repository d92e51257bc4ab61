"""The encoder card: JSON beside the weights that says how to use them."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

# Bump when a picture's pixels would come out differently (reduced decoding, colour, transparency):
# stored embeddings are then made anew.
READING = "reading-1"

Precision = Literal["fp32", "bf16", "int8"]


# What a card may ask for is bounded, far above any encoder: it decides how much memory is taken.
_LARGEST_SIDE = 2048  # pixels
_MOST_PATCHES = 65_536
_MOST_TOKENS = 65_536
_LARGEST_NUMBER = 2**31 - 1  # of a token
_WIDEST_ROW = 2**20
_LARGEST_SCALE = 1e4  # CLIP stops at 100

Side = Annotated[int, Field(ge=1, le=_LARGEST_SIDE)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Scale = Annotated[float, Field(gt=0, le=_LARGEST_SCALE)]
Spread = Annotated[float, Field(gt=0, allow_inf_nan=False)]
# Pixels are shares of white; beyond these, what the network gets is no float32 any more.
Mean = Annotated[float, Field(ge=-1e6, le=1e6)]
Deviation = Annotated[float, Field(ge=1e-6, le=1e6)]
Level = Annotated[int, Field(ge=0, le=255)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ImageInput(_Frozen):
    """How a picture becomes the network's input.

    ``(pixel / 255 - mean) / std`` per channel, after ``resize`` and ``crop``.
    """

    size: tuple[Side, Side] = Field(description="(height, width) in pixels that the network takes")
    resize: Literal["shortest_edge", "exact", "patches"] = Field(
        description="shortest_edge: short side to resize_to, aspect kept, then the centre; "
        "exact: to size, aspect not kept; patches: aspect kept, at most max_patches patches"
    )
    resize_to: Side | None = Field(default=None, description="short side in pixels before the crop")
    resample: Literal["nearest", "bilinear", "bicubic", "lanczos"] = "bicubic"
    rounding: Literal["floor", "nearest"] = Field(
        default="floor", description="how the long side's length becomes whole pixels"
    )
    mean: tuple[Mean, Mean, Mean] = (0.5, 0.5, 0.5)
    std: tuple[Deviation, Deviation, Deviation] = (0.5, 0.5, 0.5)
    patch_size: Side | None = None
    max_patches: int | None = Field(default=None, ge=1, le=_MOST_PATCHES)
    output: str | None = Field(default=None, description="output of an ONNX graph; None: its first")


class TextInput(_Frozen):
    """How a text becomes the network's input."""

    length: int = Field(description="tokens at most, special ones included", gt=0, le=_MOST_TOKENS)
    lower_case: bool = False
    strip_punctuation: bool = Field(default=False, description="SigLIP's canonical form")
    padding: Literal["longest", "max_length"] = "longest"
    pad_id: int = Field(default=0, ge=0, le=_LARGEST_NUMBER)
    output: str | None = Field(default=None, description="output of an ONNX graph; None: its first")


class FileEntry(_Frozen):
    """One file of the model, with what it must hash to."""

    name: str = Field(description="path relative to the card's folder, with forward slashes")
    role: Literal["image", "text", "vocabulary", "weights"] = "weights"
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Golden(_Frozen):
    """An input and the beginning of the row it must give: ``sightglass doctor`` recomputes it."""

    text: str | None = None
    colour: tuple[Level, Level, Level] | None = None
    picture_size: tuple[Side, Side] | None = Field(default=None, description="(width, height)")
    starts: tuple[Finite, ...] = Field(description="first entries of the unit row", min_length=1)
    tolerance: Spread = 1e-4


class EncoderCard(_Frozen):
    """Preprocessing, scale, licence and hashes: all that must travel with the weights."""

    name: str
    source: str = Field(description="where the weights come from, for a person")
    licence: str
    dim: int = Field(gt=0, le=_WIDEST_ROW, description="width of a row")
    logit_scale: Scale | None = Field(
        default=None, description="multiplies cosine similarity; None without a text side"
    )
    logit_bias: Finite | None = Field(
        default=None, description="added after the scale; sigmoid models (SigLIP) have one"
    )
    image: ImageInput | None = None
    text: TextInput | None = None
    precision: Precision = "fp32"
    files: tuple[FileEntry, ...] = ()
    golden: tuple[Golden, ...] = ()
    own_context: bool = Field(
        default=False, description="bare class names go in: the encoder words them by itself"
    )
    notes: str = ""

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(entry.bytes for entry in self.files)

    @property
    def fingerprint(self) -> str:
        """Hex digest of all that decides a row: files' hashes, preprocessing, precision.

        Name, licence, notes and golden vectors are left out: rewording a card must not throw a
        store of embeddings away.
        """
        deciding = (
            READING
            + self.model_dump_json(include={"dim", "image", "text", "precision"})
            + "".join(sorted(entry.role + entry.sha256 for entry in self.files))
        )
        return hashlib.sha256(deciding.encode()).hexdigest()[:32]
