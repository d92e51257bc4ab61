"""Text encoders in transformers' format, and their tokenisers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightglass.encoders.hub_checkpoint import CONFIG, read_json
from sightglass.encoders.hub_tokens import load_tokenizer
from sightglass.encoders.towers.backbone_checkpoint import (
    load_checked,
    locate_backbone,
    random_weights,
)
from sightglass.encoders.transformers_folder import refuse_missing
from sightglass.errors import ModelError, first_line

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import nn

_VOCABULARIES = (
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)


def load_backbone(name: str) -> tuple[nn.Module, Path]:
    """The text encoder called ``name`` in fp32 with its weights, and the folder of its files.

    Only safetensors are opened, and no code that comes with a model is run.

    Args:
        name: ``ORG/NAME`` or the path of a folder, with or without ``hf:``.

    Raises:
        MissingExtraError: If transformers is not installed.
        ModelError: If the model cannot be fetched, is no text encoder, or lacks weights.
    """
    folder = locate_backbone(name, beside=_VOCABULARIES)
    config = read_json(folder / CONFIG)
    if config is None:
        raise ModelError(
            f"{folder}: a model's folder needs config.json, found none. Give the folder that "
            f"save_pretrained wrote."
        )
    _check_is_text(config, name)
    model, missing = load_checked(name, folder)
    # Not used here: a pooler, which a model saved with a head for words lacks, and what writes.
    refuse_missing(name, missing, unused=("pooler.", "decoder."))
    return _encoder_of(model), folder


def build_backbone(config: Mapping[str, Any]) -> nn.Module:
    """A text encoder in fp32 with random weights.

    Args:
        config: As in ``config.json``, ``model_type`` included.

    Raises:
        MissingExtraError: If transformers is not installed.
        ModelError: If transformers knows no such model.
    """
    _check_is_text(config, "config")
    return _encoder_of(random_weights(config, tower="Text tower"))


def read_tokenizer(folder: Path) -> tuple[bytes, int | None]:
    """Content of a ``tokenizer.json`` for the model in ``folder``, and its padding token's id.

    Raises:
        ModelError: If there is none, and none can be made of the older files.
    """
    # Without any, transformers makes up a tokeniser to which every word is unknown.
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        raise ModelError(
            f"{folder}: a text encoder needs its tokeniser, found none. Save the model's tokeniser "
            f"there: tokenizer.json."
        )
    tokenizer = load_tokenizer(folder)
    settings = read_json(folder / "tokenizer_config.json") or {}
    special = read_json(folder / "special_tokens_map.json") or {}
    token = settings.get("pad_token") or special.get("pad_token")
    if isinstance(token, dict):
        token = token.get("content")
    pad_id = tokenizer.token_to_id(token) if isinstance(token, str) else None
    path = folder / "tokenizer.json"
    # As its authors wrote it, where they did.
    content = path.read_bytes() if path.is_file() else tokenizer.to_str().encode()
    return content, pad_id


def parse_tokenizer(content: bytes) -> Tokenizer:
    """The tokeniser that a ``tokenizer.json`` describes.

    Raises:
        ModelError: If it describes none.
    """
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_str(content.decode("utf-8"))
    except Exception as error:  # the Rust side raises bare Exception
        raise ModelError(
            f"Text tower: the content of a tokenizer.json is needed, got something else "
            f"({first_line(error)}). Save the model's tokeniser again."
        ) from error


def _check_is_text(config: Mapping[str, Any], name: str) -> None:
    """Raise ModelError for a model of pictures, or of both, or of nothing."""
    kind = config.get("model_type")
    if not isinstance(kind, str) or "vision_config" in config or "image_size" in config:
        found = f"one of type '{kind}'" if isinstance(kind, str) else "no model_type"
        raise ModelError(
            f"{name}: the configuration of a text encoder is needed, got {found}. Give a BERT, a "
            f"RoBERTa, or another model of texts alone."
        )


def _encoder_of(model: nn.Module) -> nn.Module:
    """``model`` itself, or the half of it that reads, where the other half writes."""
    # The configuration does not say it: that of a T5 saved without its decoder denies having one.
    if not hasattr(model, "decoder"):
        return model
    encoder: nn.Module = model.get_encoder()  # type: ignore[operator]
    return encoder
