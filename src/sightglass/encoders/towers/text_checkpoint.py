"""Text encoders in transformers' format, and their tokenisers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightglass.checks import require_extra
from sightglass.encoders.hub_checkpoint import CONFIG, read_json
from sightglass.encoders.hub_folder import locate_model
from sightglass.encoders.hub_tokens import load_tokenizer
from sightglass.encoders.hub_weights import read_headers, weight_files
from sightglass.encoders.quiet import quiet_transformers
from sightglass.errors import ModelError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import nn

_PURPOSE = "A text tower of kind 'transformers'"
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
    require_extra("transformers", extra="train", purpose=_PURPOSE)
    import torch
    from transformers import AutoModel

    bare = name.removeprefix("hf:")
    folder = _cached(bare) or locate_model(bare)
    config = read_json(folder / CONFIG)
    if config is None:
        raise ModelError(
            f"{folder}: a model's folder needs config.json, found none. Give the folder that "
            f"save_pretrained wrote."
        )
    _check_is_text(config, name)
    read_headers(weight_files(folder))  # with our own sentences for pickles and torn files
    try:
        with quiet_transformers():
            model, report = AutoModel.from_pretrained(
                str(folder),
                dtype=torch.float32,  # else the type of the file, which may be half precision
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
    except Exception as error:  # any of a dozen types, by the kind of damage
        raise ModelError(
            f"{name}: transformers cannot load this model "
            f"({type(error).__name__}: {_first_line(error)}). Fetch it again."
        ) from error
    # Not used here: a pooler, which a model saved with a head for words lacks, and what writes.
    missing = sorted(
        key for key in report["missing_keys"] if not key.startswith(("pooler.", "decoder."))
    )
    if missing:
        raise ModelError(
            f"{name}: every weight of the network is needed, missing: {', '.join(missing[:3])}. "
            f"Give a complete checkpoint."
        )
    return _encoder_of(model), folder


def build_backbone(config: Mapping[str, Any]) -> nn.Module:
    """A text encoder in fp32 with random weights.

    Args:
        config: As in ``config.json``, ``model_type`` included.

    Raises:
        MissingExtraError: If transformers is not installed.
        ModelError: If transformers knows no such model.
    """
    require_extra("transformers", extra="train", purpose=_PURPOSE)
    import torch
    from transformers import AutoConfig, AutoModel

    _check_is_text(config, "config")
    rest = {key: value for key, value in config.items() if key != "model_type"}
    try:
        with quiet_transformers():
            built = AutoModel.from_config(
                AutoConfig.for_model(config["model_type"], **rest),
                dtype=torch.float32,
                trust_remote_code=False,
            )
    except Exception as error:  # any of a dozen types, by what is wrong
        raise ModelError(
            f"Text tower: transformers cannot build a model of type '{config['model_type']}' from "
            f"this configuration ({type(error).__name__}: {_first_line(error)}). Give what a "
            f"config.json holds."
        ) from error
    return _encoder_of(built)


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
            f"({_first_line(error)}). Save the model's tokeniser again."
        ) from error


def _cached(name: str) -> Path | None:
    """The hub client's cache folder of a text encoder, if all that it needs is in it.

    ``locate_model`` asks for the settings of pictures too, which a text encoder does not have.
    """
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, CONFIG)
    except HFValidationError:
        return None
    if not isinstance(found, str):
        return None
    folder = Path(found).parent
    try:
        weight_files(folder)
    except ModelError:
        return None
    return folder if any((folder / name).is_file() for name in _VOCABULARIES) else None


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


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "no reason given"
