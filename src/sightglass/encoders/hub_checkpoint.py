"""A model's folder as frozen values: configuration, and where each weight lies."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightglass.encoders.folder_files import check_files, check_weights_are_whole, read_small
from sightglass.encoders.hub_weights import INDEX, WHOLE, StoredTensor, read_headers, weight_files
from sightglass.encoders.open_clip_format import (
    OPEN_CLIP_CONFIG,
    OPEN_CLIP_TYPES,
    OPEN_CLIP_WEIGHTS,
    parse_open_clip,
)
from sightglass.errors import ModelError, unknown_name

CONFIG = "config.json"
# CLIP; SigLIP and SigLIP 2 of one fixed size; SigLIP 2 of any shape (NaFlex); DINOv2.
DUAL_TYPES = ("clip", "siglip", "siglip2")
VISION_TYPES = ("dinov2", "dinov2_with_registers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a folder holds, read without a model library.

    Attributes:
        name: As the person wrote it, ``hf:`` included.
        model_type: One of ``DUAL_TYPES``, ``VISION_TYPES`` or ``OPEN_CLIP_TYPES``.
        config: ``config.json``, or open_clip's own file.
        weights: The safetensors files.
        tensors: By name, where each tensor lies.
    """

    name: str
    folder: Path
    model_type: str
    config: dict[str, Any] = field(repr=False)
    weights: tuple[Path, ...]
    tensors: dict[str, StoredTensor] = field(repr=False)

    @property
    def has_texts(self) -> bool:
        """True for models with a text side."""
        return self.model_type in DUAL_TYPES + OPEN_CLIP_TYPES

    @property
    def is_open_clip(self) -> bool:
        """Whether configuration and weights are as open_clip writes them."""
        return self.model_type in OPEN_CLIP_TYPES

    @property
    def config_file(self) -> Path:
        """Where ``config`` was read."""
        return self.folder / (OPEN_CLIP_CONFIG if self.is_open_clip else CONFIG)

    def tensor(self, name: str) -> StoredTensor:
        """The tensor called ``name``, whatever class saved it (``dinov2.layernorm.weight`` …).

        Open_clip has one class; there ``visual.positional_embedding`` is another tensor.

        Raises:
            ModelError: If there is none.
        """
        for stored, tensor in self.tensors.items():
            if stored == name or (stored.endswith("." + name) and not self.is_open_clip):
                return tensor
        raise ModelError(
            f"{self.name}: {'an' if self.is_open_clip else 'a'} {self.model_type} model needs the "
            f"weight '{name}', found none. "
            f"Give a complete checkpoint, not one tower or a fine-tuned head."
        )


def read_checkpoint(name: str, folder: Path) -> Checkpoint:
    """The checkpoint in ``folder``.

    Raises:
        ModelError: If configuration or weights are absent or malformed.
        UnknownNameError: If the model is of a type that we cannot run.
    """
    check_files(folder)
    if is_open_clip(folder):
        return _read_open_clip(name, folder)
    config = read_json(folder / CONFIG)
    if config is None:
        raise ModelError(
            f"{folder}: a model's folder needs config.json, found none. Give the folder that "
            f"save_pretrained wrote."
        )
    model_type = str(config.get("model_type"))
    if model_type not in DUAL_TYPES + VISION_TYPES:
        raise unknown_name(f"model type in {name}:", model_type, DUAL_TYPES + VISION_TYPES)
    check_weights_are_whole(folder, config)
    weights = weight_files(folder)
    tensors = read_headers(weights)
    _check_depth(name, config, len(tensors))
    return Checkpoint(
        name=name,
        folder=folder,
        model_type=model_type,
        config=config,
        weights=weights,
        tensors=tensors,
    )


def _check_depth(name: str, config: dict[str, Any], stored: int) -> None:
    """A network of a million layers would be built before anybody sees that it has no weights."""
    for part in (config, config.get("vision_config"), config.get("text_config")):
        layers = part.get("num_hidden_layers", 0) if isinstance(part, dict) else 0
        if isinstance(layers, int) and layers > stored:
            raise ModelError(
                f"{name}: every layer needs weights, {CONFIG} asks for {layers:,} layers and the "
                f"files hold {stored:,} tensors. Fetch the model again."
            )


def is_open_clip(folder: Path) -> bool:
    """Whether the model in ``folder`` is to be read as open_clip wrote it.

    Many folders hold both forms. Transformers' own goes first where it is a model's (timm writes
    a ``config.json`` without ``model_type``) and its weights are not a pickle.

    Raises:
        ModelError: If ``config.json`` is malformed.
    """
    if not (folder / OPEN_CLIP_CONFIG).is_file():
        return False
    if "model_type" not in (read_json(folder / CONFIG) or {}):
        return True
    has_weights = any((folder / file).is_file() for file in (WHOLE, INDEX))
    return not has_weights and (folder / OPEN_CLIP_WEIGHTS).is_file()


def _read_open_clip(name: str, folder: Path) -> Checkpoint:
    config = read_json(folder / OPEN_CLIP_CONFIG) or {}
    weights = weight_files(folder, whole=OPEN_CLIP_WEIGHTS)
    return Checkpoint(
        name=name,
        folder=folder,
        model_type=parse_open_clip(name, config).model_type,
        config=config,
        weights=weights,
        tensors=read_headers(weights),
    )


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in ``path``; None where there is no such file.

    Raises:
        ModelError: If the file is not a JSON object.
    """
    data = read_small(path)
    if data is None:
        return None
    try:
        content = json.loads(data.decode("utf-8"))
    except RecursionError as error:
        raise ModelError(f"{path}: JSON that is nested too deeply. Fetch it again.") from error
    except ValueError as error:
        raise ModelError(f"{path}: not valid JSON ({error}). Fetch it again.") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path}: a JSON object is needed, got a {type(content).__name__}.")
    return content
