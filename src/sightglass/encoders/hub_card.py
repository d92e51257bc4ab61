"""The encoder card of a hub model, put together from the files that came with it."""

from __future__ import annotations

import math
from pathlib import Path

from pydantic import ValidationError

from sightglass.encoders.card import EncoderCard, FileEntry, Precision
from sightglass.encoders.folder_files import read_small
from sightglass.encoders.hub_checkpoint import Checkpoint
from sightglass.encoders.hub_image_input import read_image_input
from sightglass.encoders.hub_text_input import TOKENIZER_FILES, read_text_input
from sightglass.encoders.hub_weights import read_number
from sightglass.encoders.open_clip_format import RESNET, VIT
from sightglass.encoders.weight_hashes import sha256_of
from sightglass.errors import ModelError, first_line

_UNKNOWN_LICENCE = "see the model's page"
# A tensor that is as wide as a row.
_WIDTH_FROM = {
    "clip": "text_projection.weight",
    VIT: "text_projection",
    RESNET: "text_projection",
    "siglip": "vision_model.head.probe",
    "siglip2": "vision_model.head.probe",
    "dinov2": "embeddings.cls_token",
    "dinov2_with_registers": "embeddings.cls_token",
}
_NOTES = {
    "clip": "Projected features of both towers.",
    VIT: "Projected features of both towers.",
    RESNET: "Projected features of both towers; pictures go through a ResNet.",
    "siglip": "Pooled features of both towers; trained with a sigmoid per pair, not a softmax.",
    "siglip2": "Pooled features of both towers; pictures keep their shape (NaFlex).",
    "dinov2": "No text side. A row is the class token after the last layer norm.",
    "dinov2_with_registers": "No text side. A row is the class token after the last layer norm.",
}


def read_card(checkpoint: Checkpoint, *, precision: Precision) -> EncoderCard:
    """The card of ``checkpoint``, without ``files``: hashing them takes a second or more.

    ``logit_scale`` is the exponential of the stored weight.

    Raises:
        ModelError: If a file that the card needs is absent, malformed, or asks for what no encoder
            needs.
    """
    try:
        return _card(checkpoint, precision)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        fault = f"{field}: {first['msg']}"
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        fault = first_line(error, otherwise=type(error).__name__)
    raise ModelError(
        f"{checkpoint.name}: a checkpoint whose files make an encoder's card is needed, but: "
        f"{fault}. Fetch it again, or choose another."
    )


def _card(checkpoint: Checkpoint, precision: Precision) -> EncoderCard:
    scale = bias = None
    if checkpoint.has_texts:
        scale = math.exp(read_number(checkpoint.tensor("logit_scale")))
    if checkpoint.model_type in ("siglip", "siglip2"):
        bias = read_number(checkpoint.tensor("logit_bias"))
    width = checkpoint.tensor(_WIDTH_FROM[checkpoint.model_type])
    # transformers stores a projection as (out, in), open_clip as (in, out); a token is
    # (1, 1, width).
    dim = width.shape[0] if checkpoint.model_type == "clip" else width.shape[-1]
    return EncoderCard(
        name=checkpoint.name,
        source=f"{_format(checkpoint)} format, {checkpoint.model_type}: {checkpoint.name}",
        licence=_licence(checkpoint.folder / "README.md"),
        dim=dim,
        logit_scale=scale,
        logit_bias=bias,
        image=read_image_input(checkpoint),
        text=read_text_input(checkpoint) if checkpoint.has_texts else None,
        precision=precision,
        notes=_NOTES[checkpoint.model_type],
    )


def hashed_card(checkpoint: Checkpoint) -> EncoderCard:
    """The card of ``checkpoint`` in fp32, ``files`` included.

    Raises:
        ModelError: As for ``read_card``.
    """
    card = read_card(checkpoint, precision="fp32")
    return card.model_copy(update={"files": hash_files(checkpoint)})


def hash_files(checkpoint: Checkpoint) -> tuple[FileEntry, ...]:
    """Every file that decides a row: configuration, weights, and for texts the vocabulary."""
    entries = [_entry(path, "weights") for path in checkpoint.weights]
    entries.append(_entry(checkpoint.config_file, "weights"))
    if checkpoint.has_texts:
        paths = [checkpoint.folder / name for name in TOKENIZER_FILES]
        if not (checkpoint.folder / "tokenizer.json").is_file():
            paths += _other_vocabularies(checkpoint.folder)
        entries += [_entry(path, "vocabulary") for path in paths if path.is_file()]
    return tuple(entries)


def _other_vocabularies(folder: Path) -> list[Path]:
    """What transformers may make a tokenizer of as well, where the settings ask for it."""
    of_versions = sorted(folder.glob("tokenizer.*.json"))
    return [*of_versions, folder / "sentencepiece.bpe.model", folder / "vocab.txt"]


def _format(checkpoint: Checkpoint) -> str:
    return "open_clip's" if checkpoint.is_open_clip else "Hugging Face"


def _entry(path: Path, role: str) -> FileEntry:
    digest = sha256_of(path)
    return FileEntry.model_validate(
        {"name": path.name, "role": role, "bytes": path.stat().st_size, "sha256": digest}
    )


def _licence(readme: Path) -> str:
    """What the page's front matter (between two lines of dashes) says; else where to look."""
    try:
        lines = (read_small(readme) or b"").decode("utf-8", errors="replace").splitlines()
    except ModelError:
        return _UNKNOWN_LICENCE
    if not lines or lines[0].strip() != "---":
        return _UNKNOWN_LICENCE
    found = {}
    for line in lines[1:]:
        if line.strip() == "---":
            break
        key, _, value = line.partition(":")
        found[key] = value.strip().strip("'\"")
    licence = found.get("license", "")
    if licence == "other":
        licence = found.get("license_name", "")
    return licence or _UNKNOWN_LICENCE
