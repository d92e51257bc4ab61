"""Tiny checkpoints as open_clip publishes them: its file names, its tensor names, its settings."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from adapters.checkpoints import CLIP_MEAN, CLIP_STD, LENGTH, clip_tokenizer

CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
STAGES, WIDTH, SIDE, DIM = (1, 2, 1, 1), 8, 64, 48
TEXT = {"width": 24, "heads": 4, "layers": 3, "context_length": LENGTH}
HEADS = 4  # of the attention pool: 8 * 32 / 64


def write_open_clip_resnet(
    folder: Path,
    *,
    seed: int = 0,
    quick_gelu: bool = True,
    dim: int = DIM,
    text: dict[str, int] | None = None,
    preprocessing: dict[str, Any] | None = None,
) -> Path:
    """CLIP with a ResNet of four stages, two places to a side in front of the pool."""
    text = TEXT | {"vocab_size": len(clip_tokenizer())} | (text or {})
    generator = torch.Generator().manual_seed(seed)
    save(
        folder,
        {**_resnet(generator, dim), **_text_tower(text, generator, dim)},
        {
            "embed_dim": dim,
            "quick_gelu": quick_gelu,
            # "patch_size": null stands in the published files.
            "vision_cfg": {
                "image_size": SIDE,
                "layers": list(STAGES),
                "width": WIDTH,
                "patch_size": None,
            },
            "text_cfg": text,
        },
        preprocessing={"mean": CLIP_MEAN, "std": CLIP_STD} | (preprocessing or {}),
    )
    return folder


def write_open_clip_vit(folder: Path, source: Path) -> Path:
    """The checkpoint in ``source``, which is in transformers' form, in the other form."""
    config = json.loads((source / "config.json").read_text())
    tensors = load_file(source / "model.safetensors")
    vision, text = config["vision_config"], config["text_config"]
    made = {
        "logit_scale": tensors["logit_scale"],
        "text_projection": tensors["text_projection.weight"].T,
        "token_embedding.weight": tensors["text_model.embeddings.token_embedding.weight"],
        "positional_embedding": tensors["text_model.embeddings.position_embedding.weight"],
        "visual.proj": tensors["visual_projection.weight"].T,
        "visual.class_embedding": tensors["vision_model.embeddings.class_embedding"],
        "visual.conv1.weight": tensors["vision_model.embeddings.patch_embedding.weight"],
        "visual.positional_embedding": tensors["vision_model.embeddings.position_embedding.weight"],
    }
    for kind in ("weight", "bias"):
        made[f"ln_final.{kind}"] = tensors[f"text_model.final_layer_norm.{kind}"]
        made[f"visual.ln_pre.{kind}"] = tensors[f"vision_model.pre_layrnorm.{kind}"]
        made[f"visual.ln_post.{kind}"] = tensors[f"vision_model.post_layernorm.{kind}"]
        for tower, theirs, depth in (
            ("vision_model", "visual.transformer", vision["num_hidden_layers"]),
            ("text_model", "transformer", text["num_hidden_layers"]),
        ):
            for block in range(depth):
                own = {
                    name.removeprefix(f"{tower}.encoder.layers.{block}."): tensor
                    for name, tensor in tensors.items()
                    if name.startswith(f"{tower}.encoder.layers.{block}.") and name.endswith(kind)
                }
                at = f"{theirs}.resblocks.{block}"
                made[f"{at}.attn.in_proj_{kind}"] = torch.cat(
                    [own[f"self_attn.{part}_proj.{kind}"] for part in "qkv"]
                )
                made[f"{at}.attn.out_proj.{kind}"] = own[f"self_attn.out_proj.{kind}"]
                made[f"{at}.ln_1.{kind}"] = own[f"layer_norm1.{kind}"]
                made[f"{at}.ln_2.{kind}"] = own[f"layer_norm2.{kind}"]
                made[f"{at}.mlp.c_fc.{kind}"] = own[f"mlp.fc1.{kind}"]
                made[f"{at}.mlp.c_proj.{kind}"] = own[f"mlp.fc2.{kind}"]
    save(
        folder,
        made,
        {
            "embed_dim": config["projection_dim"],
            "quick_gelu": True,
            "vision_cfg": {
                "image_size": vision["image_size"],
                "layers": vision["num_hidden_layers"],
                "width": vision["hidden_size"],
                "head_width": vision["hidden_size"] // vision["num_attention_heads"],
                "mlp_ratio": vision["intermediate_size"] / vision["hidden_size"],
                "patch_size": vision["patch_size"],
            },
            "text_cfg": {
                "context_length": text["max_position_embeddings"],
                "vocab_size": text["vocab_size"],
                "width": text["hidden_size"],
                "heads": text["num_attention_heads"],
                "layers": text["num_hidden_layers"],
            },
        },
        preprocessing={"mean": CLIP_MEAN, "std": CLIP_STD},
    )
    return folder


def save(
    folder: Path,
    tensors: dict[str, Tensor],
    model: dict[str, Any],
    *,
    preprocessing: dict[str, Any],
) -> None:
    """Weights, settings and tokenizer, as they lie on the hub."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: one.contiguous() for name, one in tensors.items()}, folder / WEIGHTS)
    settings = {"model_cfg": model, "preprocess_cfg": preprocessing}
    (folder / CONFIG).write_text(json.dumps(settings, indent=2))
    clip_tokenizer().save_pretrained(folder)


def _resnet(generator: torch.Generator, dim: int) -> dict[str, Tensor]:
    made: dict[str, Tensor] = {}

    def convolution(name: str, norm: str, inputs: int, outputs: int, side: int) -> None:
        spread = (2 / (inputs * side * side)) ** 0.5
        shape = (outputs, inputs, side, side)
        made[f"{name}.weight"] = _normal(shape, generator) * spread
        made[f"{norm}.weight"] = 0.5 + torch.rand(outputs, generator=generator)
        made[f"{norm}.bias"] = _normal((outputs,), generator) * 0.1
        made[f"{norm}.running_mean"] = _normal((outputs,), generator) * 0.1
        made[f"{norm}.running_var"] = 0.5 + torch.rand(outputs, generator=generator)
        made[f"{norm}.num_batches_tracked"] = torch.tensor(1000)

    stem = [(3, WIDTH // 2), (WIDTH // 2, WIDTH // 2), (WIDTH // 2, WIDTH)]
    for number, (inputs, outputs) in enumerate(stem, start=1):
        convolution(f"visual.conv{number}", f"visual.bn{number}", inputs, outputs, 3)
    channels = WIDTH
    for stage, blocks in enumerate(STAGES, start=1):
        inside = WIDTH * 2 ** (stage - 1)
        for block in range(blocks):
            at = f"visual.layer{stage}.{block}"
            convolution(f"{at}.conv1", f"{at}.bn1", channels, inside, 1)
            convolution(f"{at}.conv2", f"{at}.bn2", inside, inside, 3)
            convolution(f"{at}.conv3", f"{at}.bn3", inside, 4 * inside, 1)
            if block == 0:
                names = (f"{at}.downsample.0", f"{at}.downsample.1")
                convolution(*names, channels, 4 * inside, 1)
            channels = 4 * inside
    pool = "visual.attnpool"
    made[f"{pool}.positional_embedding"] = _normal(((SIDE // 32) ** 2 + 1, channels), generator) / 4
    for part, outputs in (("q", channels), ("k", channels), ("v", channels), ("c", dim)):
        _linear(made, f"{pool}.{part}_proj", channels, outputs, generator)
    return made


def _text_tower(text: dict[str, int], generator: torch.Generator, dim: int) -> dict[str, Tensor]:
    width = text["width"]
    made = {
        "token_embedding.weight": _normal((text["vocab_size"], width), generator) / 2,
        "positional_embedding": _normal((text["context_length"], width), generator) / 4,
        "text_projection": _normal((width, dim), generator) * width**-0.5,
        "logit_scale": torch.tensor(math.log(20)),
    }
    norms = ["ln_final"]
    for block in range(text["layers"]):
        at = f"transformer.resblocks.{block}"
        norms += [f"{at}.ln_1", f"{at}.ln_2"]
        _linear(made, f"{at}.attn.out_proj", width, width, generator)
        _linear(made, f"{at}.mlp.c_fc", width, 4 * width, generator)
        _linear(made, f"{at}.mlp.c_proj", 4 * width, width, generator)
        made[f"{at}.attn.in_proj_weight"] = _normal((3 * width, width), generator) * width**-0.5
        made[f"{at}.attn.in_proj_bias"] = _normal((3 * width,), generator) * 0.1
    for name in norms:
        made[f"{name}.weight"] = 0.5 + torch.rand(width, generator=generator)
        made[f"{name}.bias"] = _normal((width,), generator) * 0.1
    return made


def _linear(
    made: dict[str, Tensor], name: str, inputs: int, outputs: int, generator: torch.Generator
) -> None:
    made[f"{name}.weight"] = _normal((outputs, inputs), generator) * inputs**-0.5
    made[f"{name}.bias"] = _normal((outputs,), generator) * 0.1


def _normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator)
