"""Vision backbones in transformers' format, and how they want their pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sightglass.checks import require_extra
from sightglass.encoders.card import ImageInput
from sightglass.encoders.hub_checkpoint import CONFIG, read_json
from sightglass.encoders.hub_folder import locate_model
from sightglass.encoders.hub_weights import read_headers, weight_files
from sightglass.encoders.quiet import quiet_transformers
from sightglass.errors import ModelError

if TYPE_CHECKING:
    from torch import nn

_PURPOSE = "An image tower of kind 'transformers'"
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
    require_extra("transformers", extra="train", purpose=_PURPOSE)
    import torch
    from transformers import AutoConfig, AutoModel

    bare = name.removeprefix("hf:")
    folder = _cached(bare) or locate_model(bare)
    if "model_type" not in (read_json(folder / CONFIG) or {}):
        raise ModelError(
            f"{name}: a config.json with a model_type is needed, found none. Give a model in "
            f"transformers' format."
        )
    read_headers(weight_files(folder))  # with our own sentences for pickles and torn files
    try:
        with quiet_transformers():
            whole = AutoConfig.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False
            )
            model, report = AutoModel.from_pretrained(
                str(folder),
                config=getattr(whole, "vision_config", whole),
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
    backbone = _of_pictures(model, name)
    unused = () if getattr(backbone, "pooler", None) is not None else ("pooler.",)
    missing = sorted(key for key in report["missing_keys"] if not key.startswith(unused))
    if missing:
        raise ModelError(
            f"{name}: every weight of the network is needed, missing: {', '.join(missing[:3])}. "
            f"Give a complete checkpoint."
        )
    return backbone, folder


def build_backbone(config: Mapping[str, Any]) -> nn.Module:
    """A vision backbone in fp32 with random weights.

    Args:
        config: As in ``config.json``, ``model_type`` included.

    Raises:
        MissingExtraError: If transformers is not installed.
        ModelError: If transformers knows no such model, or it does not see.
    """
    require_extra("transformers", extra="train", purpose=_PURPOSE)
    import torch
    from transformers import AutoConfig, AutoModel

    rest = dict(config)
    kind = rest.pop("model_type", None)
    try:
        with quiet_transformers():
            whole = AutoConfig.for_model(str(kind), **rest)
            model = AutoModel.from_config(
                getattr(whole, "vision_config", whole),
                dtype=torch.float32,
                trust_remote_code=False,
            )
    except Exception as error:  # any of a dozen types, by what is wrong
        raise ModelError(
            f"Image tower: transformers cannot build a model of type '{kind}' from this "
            f"configuration ({type(error).__name__}: {_first_line(error)})."
        ) from error
    return _of_pictures(model, f"type '{kind}'")


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
            f"normalises ({type(error).__name__}: {_first_line(error)}). Save the model's image "
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


def _cached(name: str) -> Path | None:
    """The hub client's cache folder of a vision backbone, if all that it needs is in it.

    ``locate_model`` asks for a tokeniser too, which a model of pictures does not have.
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
    return folder if (folder / _PROCESSOR).is_file() else None


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


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "no reason given"
