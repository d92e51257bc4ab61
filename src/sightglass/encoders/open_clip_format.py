"""CLIP as open_clip publishes it: what ``open_clip_config.json`` says, and the tensors' names.

A setting that is not known here is refused: it could change every row, and nobody would see it.
"""

from __future__ import annotations

import re
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from sightglass.errors import ModelError

OPEN_CLIP_CONFIG = "open_clip_config.json"
OPEN_CLIP_WEIGHTS = "open_clip_model.safetensors"
VIT, RESNET = "open_clip", "open_clip_resnet"
OPEN_CLIP_TYPES = (VIT, RESNET)

RESNET_STEP = 32  # pixels of a side that become one place in front of a ResNet's pool
RESNET_POOL = 32  # what reaches that pool is wider than the first stage by this factor

_ADVICE = "Use a checkpoint in transformers' format."


class _Settings(BaseModel):
    # "model_" is pydantic's own prefix; the file has a part of that name.
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class TextTower(_Settings):
    """A causal transformer whose row is read at the end token."""

    width: PositiveInt = 512
    heads: PositiveInt = 8
    layers: PositiveInt = 12
    context_length: PositiveInt = 77
    vocab_size: PositiveInt = 49408
    mlp_ratio: PositiveFloat = 4.0
    pool_type: Literal["argmax"] = "argmax"
    proj_type: Literal["linear"] = "linear"
    # Where the tokenizer is published; the one in the folder is taken.
    hf_tokenizer_name: str = ""

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self


class VisionTower(_Settings):
    """A ViT, or a ResNet where ``layers`` has one number for each of its four stages."""

    layers: PositiveInt | tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt] = 12
    width: PositiveInt = 768
    image_size: PositiveInt = 224
    head_width: PositiveInt = 64
    mlp_ratio: PositiveFloat = 4.0
    patch_size: PositiveInt = 16
    pool_type: Literal["tok"] = "tok"
    pos_embed_type: Literal["learnable"] = "learnable"
    patch_dropout: float = 0.0  # of training alone

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        is_vit = isinstance(self.layers, int)
        step = self.patch_size if is_vit else RESNET_STEP
        if self.image_size % step:
            raise ValueError(f"image_size {self.image_size} is not a multiple of {step}")
        width = self.width * (1 if is_vit else RESNET_POOL)
        if width % self.head_width:
            raise ValueError(f"{width} channels cannot be shared by heads of {self.head_width}")
        return self


class Network(_Settings):
    """Both towers, and the width of a row."""

    embed_dim: PositiveInt
    vision_cfg: VisionTower
    text_cfg: TextTower
    quick_gelu: bool = False


class Preprocessing(_Settings):
    """From a picture to pixels; what the file leaves out is as CLIP has it."""

    mean: tuple[float, float, float] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, float, float] = (0.26862954, 0.26130258, 0.27577711)
    size: PositiveInt | tuple[int, int] | tuple[int, int, int] | None = None
    mode: Literal["RGB"] = "RGB"
    # "random" is about training; pictures are then classified with bicubic.
    interpolation: Literal["bicubic", "bilinear", "random"] = "bicubic"
    resize_mode: Literal["shortest", "squash"] = "shortest"
    fill_color: int | tuple[int, ...] = 0  # of a padding that neither mode has


class OpenClip(_Settings):
    """``open_clip_config.json``."""

    model_cfg: Network
    preprocess_cfg: Preprocessing = Preprocessing()

    @property
    def model_type(self) -> str:
        """``VIT`` or ``RESNET``."""
        return VIT if isinstance(self.model_cfg.vision_cfg.layers, int) else RESNET

    @property
    def side(self) -> int:
        """Of the square that the network takes, in pixels."""
        return self.model_cfg.vision_cfg.image_size


def parse_open_clip(name: str, config: dict[str, Any]) -> OpenClip:
    """What the file says.

    Args:
        name: What an error begins with.
        config: The file's object.

    Raises:
        ModelError: If a setting is missing, malformed, or one that we do not follow.
    """
    try:
        return OpenClip.model_validate(_without_absent(config))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        said = "not one that we follow" if first["type"] == "extra_forbidden" else first["msg"]
        raise ModelError(
            f"{name}: the settings in {OPEN_CLIP_CONFIG} must be those of CLIP, '{where}' is not "
            f"({said}). {_ADVICE}"
        ) from error


def image_processor(config: OpenClip) -> dict[str, Any]:
    """The same preprocessing in the words of transformers' ``preprocessor_config.json``."""
    given = config.preprocess_cfg
    size = config.side if given.size is None else given.size
    # (channels, height, width), (height, width), or one side.
    height, width = (size, size) if isinstance(size, int) else size[-2:]
    sides = {"height": height, "width": width}
    shortest = given.resize_mode == "shortest"
    return {
        "size": {"shortest_edge": min(height, width)} if shortest else sides,
        "crop_size": sides,
        "do_center_crop": shortest,
        "resample": 2 if given.interpolation == "bilinear" else 3,
        "image_mean": list(given.mean),
        "image_std": list(given.std),
    }


# transformers' name for a part of a tower, and open_clip's. Whatever is not here is named alike.
_PARTS = (
    (r"^text_model\.embeddings\.token_embedding\.", "token_embedding."),
    (r"^text_model\.embeddings\.position_embedding\.weight$", "positional_embedding"),
    (r"^text_model\.final_layer_norm\.", "ln_final."),
    (r"^text_model\.encoder\.layers\.", "transformer.resblocks."),
    (r"^text_projection\.weight$", "text_projection"),
    (r"^vision_model\.embeddings\.class_embedding$", "visual.class_embedding"),
    (r"^vision_model\.embeddings\.patch_embedding\.", "visual.conv1."),
    (r"^vision_model\.embeddings\.position_embedding\.weight$", "visual.positional_embedding"),
    (r"^vision_model\.pre_layrnorm\.", "visual.ln_pre."),
    (r"^vision_model\.post_layernorm\.", "visual.ln_post."),
    (r"^vision_model\.encoder\.layers\.", "visual.transformer.resblocks."),
    (r"^visual_projection\.weight$", "visual.proj"),
    (r"^vision_model\.", "visual."),  # a ResNet
    (r"\.self_attn\.[qkv]_proj\.", ".attn.in_proj_"),
    (r"\.self_attn\.out_proj\.", ".attn.out_proj."),
    (r"\.layer_norm([12])\.", r".ln_\1."),
    (r"\.mlp\.fc1\.", ".mlp.c_fc."),
    (r"\.mlp\.fc2\.", ".mlp.c_proj."),
)
# What a file may hold beside the weights: counters of training, sizes, the causal mask.
_BESIDE = re.compile(
    r"\.num_batches_tracked$|^(attn_mask|input_resolution|context_length|vocab_size)$"
)


def stored_name(name: str) -> str:
    """The tensor in the file that holds the weight ``name`` of the network, or a part of it."""
    for pattern, replacement in _PARTS:
        name = re.sub(pattern, replacement, name)
    return name


def is_weight(stored: str) -> bool:
    """Whether a tensor of the file decides about a row."""
    return _BESIDE.search(stored) is None


def _without_absent(value: Any) -> Any:
    """Without settings that say "none" or "no", which is what a file without them says."""
    if not isinstance(value, dict):
        return value
    kept = {key: _without_absent(inner) for key, inner in value.items()}
    return {
        key: inner
        for key, inner in kept.items()
        if inner is not None and inner is not False and inner not in ({}, "")
    }
