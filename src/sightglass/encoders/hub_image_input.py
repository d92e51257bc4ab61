"""How a hub model wants its pictures, from the image processor's JSON."""

from __future__ import annotations

from typing import Any, Literal

from sightglass.encoders.card import ImageInput
from sightglass.encoders.hub_checkpoint import Checkpoint, read_json
from sightglass.encoders.open_clip_format import RESNET, VIT, image_processor, parse_open_clip
from sightglass.errors import ModelError, first_line

_RESAMPLES: dict[int, Literal["nearest", "lanczos", "bilinear", "bicubic"]] = {
    0: "nearest",
    1: "lanczos",
    2: "bilinear",
    3: "bicubic",
}
# What the model's own image processor takes where its file says nothing.
_CLIP_STATISTICS = {
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}
_HALVES = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "clip": {"size": {"shortest_edge": 224}, "crop_size": 224, "resample": 3, **_CLIP_STATISTICS},
    "siglip": {"size": {"height": 224, "width": 224}, "resample": 3, **_HALVES},
    "siglip2": {"patch_size": 16, "max_num_patches": 256, "resample": 2, **_HALVES},
}
_DEFAULTS["dinov2"] = _DEFAULTS["dinov2_with_registers"] = _DEFAULTS["clip"]
_DEFAULTS[VIT] = _DEFAULTS[RESNET] = _DEFAULTS["clip"]


def read_image_input(checkpoint: Checkpoint) -> ImageInput:
    """The image part of the card.

    Raises:
        ModelError: If there is no such file, or it asks for something that we do not do.
    """
    settings = _settings(checkpoint)
    try:
        return _image_input(checkpoint, settings)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise _cannot(
            checkpoint, f"settings that make sense, got an error: {first_line(error)}"
        ) from error


def _image_input(checkpoint: Checkpoint, settings: dict[str, Any]) -> ImageInput:
    if not settings.get("do_rescale", True) or not settings.get("do_resize", True):
        raise _cannot(checkpoint, "pictures resized and scaled to 0..1, got do_… = false")
    mean, std = tuple(settings["image_mean"]), tuple(settings["image_std"])
    if not settings.get("do_normalize", True):
        mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    common: dict[str, Any] = {
        "resample": _RESAMPLES[int(settings["resample"])],
        "mean": mean,
        "std": std,
    }
    if checkpoint.model_type == "siglip2":
        patch, most = int(settings["patch_size"]), int(settings["max_num_patches"])
        side = int(most**0.5) * patch  # what a square picture becomes
        return ImageInput(
            size=(side, side), resize="patches", patch_size=patch, max_patches=most, **common
        )
    crops = settings.get("do_center_crop", "crop_size" in _DEFAULTS[checkpoint.model_type])
    size = settings["size"]
    if crops:
        crop = _sides(settings["crop_size"])
        short = size if isinstance(size, int) else size.get("shortest_edge")
        if short is not None:
            common |= {"size": crop, "resize": "shortest_edge", "resize_to": int(short)}
        elif _sides(size) == crop:
            common |= {"size": crop, "resize": "exact"}
        else:
            raise _cannot(checkpoint, f"a crop of the resized picture, got {crop} of {size}")
    else:
        common |= {"size": _sides(size), "resize": "exact"}
    _check_network_takes(common["size"], checkpoint)
    return ImageInput(**common)


def _settings(checkpoint: Checkpoint) -> dict[str, Any]:
    """The image processor's settings over the defaults, from whichever file holds them."""
    if checkpoint.is_open_clip:
        own = image_processor(parse_open_clip(checkpoint.name, checkpoint.config))
        return {**_DEFAULTS[checkpoint.model_type], **own}
    found = read_json(checkpoint.folder / "preprocessor_config.json")
    if found is None:
        processor = read_json(checkpoint.folder / "processor_config.json") or {}
        found = processor.get("image_processor")
    if not isinstance(found, dict):
        raise ModelError(
            f"{checkpoint.folder}: a model's folder needs preprocessor_config.json, found none. "
            f"Save the model's image processor beside it."
        )
    given = {key: value for key, value in found.items() if value is not None}
    return {**_DEFAULTS[checkpoint.model_type], **given}


def _sides(size: int | dict[str, int]) -> tuple[int, int]:
    """(height, width)."""
    if isinstance(size, int):
        return size, size
    return int(size["height"]), int(size["width"])


def _check_network_takes(size: tuple[int, int], checkpoint: Checkpoint) -> None:
    """DINOv2 stretches its position embeddings to any size; the others take exactly one."""
    if not checkpoint.has_texts:
        return
    if checkpoint.is_open_clip:
        side = parse_open_clip(checkpoint.name, checkpoint.config).side
    else:
        side = checkpoint.config.get("vision_config", {}).get("image_size", 224)
    if size != (side, side):
        raise _cannot(checkpoint, f"pictures of {side} x {side}, got {size[0]} x {size[1]}")


def _cannot(checkpoint: Checkpoint, needed_and_got: str) -> ModelError:
    file = checkpoint.config_file.name if checkpoint.is_open_clip else "preprocessor_config.json"
    return ModelError(
        f"{checkpoint.name}: the image processor's file must ask for {needed_and_got}. "
        f"Correct {file}."
    )
