"""Vision backbones in transformers' format, and how they want their pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sightglass.encoders.card import ImageInput
from sightglass.encoders.hub_checkpoint import CONFIG, read_json
from sightglass.encoders.quiet import quiet_transformers
from sightglass.encoders.towers.backbone_checkpoint import (
    load_checked,
    locate_backbone,
    random_weights,
)
from sightglass.encoders.transformers_folder import refuse_missing
from sightglass.errors import ModelError, first_line

if TYPE_CHECKING:
    from torch import nn

_PIXELS = "pixel_values"
_PROCESSOR = "preprocessor_config.json"
_RESAMPLES: dict[int, Literal["nearest", "lanczos", "bilinear", "bicubic"]] = {
    0: "nearest",
    1: "lanczos",
    2: "bilinear",
    3: "bicubic",
}
# ConvNeXt's processor, which ResNet uses too, stretches pictures from this size on.
_STRETCHED_FROM = 384


def load_backbone(name: str) -> tuple[nn.Module, Path]:
    """The vision backbone called ``name`` in fp32 with its weights, and the folder of its files.

    Of a model of pictures and texts, the half that sees. Only safetensors are opened, and no code
    that comes with a model is run.

    Args:
        name: ``ORG/NAME`` or the path of a folder, with or without ``hf:``.

    Raises:
        MissingExtraError: If transformers is not installed.
        ModelError: If the model cannot be fetched, has no vision backbone, or lacks weights.
    """
    folder = locate_backbone(name, beside=[_PROCESSOR])
    if "model_type" not in (read_json(folder / CONFIG) or {}):
        raise ModelError(
            f"{name}: a config.json with a model_type is needed, found none. Give a model in "
            f"transformers' format."
        )
    model, missing = load_checked(name, folder, part=_what_sees)
    backbone = _of_pictures(model, name)
    unused = () if getattr(backbone, "pooler", None) is not None else ("pooler.",)
    refuse_missing(name, missing, unused=unused)
    return backbone, folder


def build_backbone(config: Mapping[str, Any]) -> nn.Module:
    """A vision backbone in fp32 with random weights.

    Args:
        config: As in ``config.json``, ``model_type`` included.

    Raises:
        MissingExtraError: If transformers is not installed.
        ModelError: If transformers knows no such model, or it does not see.
    """
    model = random_weights(config, tower="Image tower", part=_what_sees)
    return _of_pictures(model, f"type '{config.get('model_type')}'")


def read_picture_settings(folder: Path) -> ImageInput:
    """How the model in ``folder`` wants its pictures, by its own image processor.

    Raises:
        ModelError: If there is no such file, or it asks for something that we do not do.
    """
    from transformers import AutoImageProcessor

    try:
        with quiet_transformers():
            processor = AutoImageProcessor.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False
            )
        return _image_input(processor.to_dict(), type(processor).__name__)
    except Exception as error:  # any of a dozen types, by what is wrong
        raise ModelError(
            f"{folder}: a {_PROCESSOR} is needed that resizes to one size, perhaps crops, and "
            f"normalises ({type(error).__name__}: {first_line(error)}). Save the model's image "
            f"processor beside it, or give image_input."
        ) from error


def _image_input(settings: Mapping[str, Any], processor: str) -> ImageInput:
    """The card's image part; ValueError or KeyError where there is no such thing."""
    if not settings.get("do_rescale", True) or not settings.get("do_resize", True):
        raise ValueError("pictures must be resized and scaled to 0..1, got do_… = false")
    mean, std = tuple(settings["image_mean"]), tuple(settings["image_std"])
    if not settings.get("do_normalize", True):
        mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    how: dict[str, Any] = {
        "resample": _RESAMPLES[int(settings["resample"])],
        "mean": mean,
        "std": std,
    }
    size = settings["size"]
    short = size.get("shortest_edge")
    if processor.startswith("ConvNext"):
        if short >= _STRETCHED_FROM:
            return ImageInput(size=(short, short), resize="exact", **how)
        wider = int(short / settings["crop_pct"])
        return ImageInput(size=(short, short), resize="shortest_edge", resize_to=wider, **how)
    if short is None:
        sides = (int(size["height"]), int(size["width"]))
        if settings.get("do_center_crop") and _sides(settings["crop_size"]) != sides:
            raise ValueError("a crop of the resized picture must be as large as the picture")
        return ImageInput(size=sides, resize="exact", **how)
    if not settings.get("do_center_crop"):
        raise ValueError("pictures of every shape must become one size, got no crop")
    return ImageInput(
        size=_sides(settings["crop_size"]), resize="shortest_edge", resize_to=int(short), **how
    )


def _sides(size: Mapping[str, int]) -> tuple[int, int]:
    """(height, width)."""
    return int(size["height"]), int(size["width"])


def _what_sees(config: Any) -> Any:
    """Of a model of pictures and texts, the configuration of the half that sees."""
    return getattr(config, "vision_config", config)


def _of_pictures(model: nn.Module, name: str) -> nn.Module:
    """``model``, if pixels alone go in; without ViT's pooler.

    That is a layer behind the class token which most checkpoints lack: those that were trained
    with a head of classes put the head in its place.
    """
    config: Any = model.config
    if getattr(model, "main_input_name", None) != _PIXELS or hasattr(config, "text_config"):
        raise ModelError(
            f"{name}: a network that takes pictures alone is needed, got a "
            f"{type(model).__name__}. Give a ResNet, a ViT, or another vision model."
        )
    if hasattr(getattr(model, "pooler", None), "dense"):
        model.pooler = None  # type: ignore[assignment]
    return model
