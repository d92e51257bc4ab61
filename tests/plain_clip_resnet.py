"""CLIP with a ResNet in plain arithmetic, over the bare tensors of an open_clip checkpoint.

Written from the paper (Radford et al. 2021, arXiv:2103.00020, section 2.4) and the names in a
checkpoint's file. No module of the package takes part: torch is here for convolutions, matrix
products and derivatives. Everything is float64, so that a difference is the other side's.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from plain_clip import PlainClip, softmax

EPSILON = 1e-5  # of the batch norms


def read_plain_resnet_clip(folder: Path) -> PlainClip:
    """The checkpoint; its text tower under the names that ``plain_clip`` reads.

    ``vision_heads`` are those of the pool.
    """
    stored = load_file(folder / "open_clip_model.safetensors")
    config = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    weights = {name: tensor.double() for name, tensor in stored.items()}
    blocks = config["text_cfg"]["layers"]
    text = {
        "text_model.embeddings.token_embedding.weight": weights["token_embedding.weight"],
        "text_model.embeddings.position_embedding.weight": weights["positional_embedding"],
        "text_projection.weight": weights["text_projection"].T,
    }
    for kind in ("weight", "bias"):
        text[f"text_model.final_layer_norm.{kind}"] = weights[f"ln_final.{kind}"]
        for block in range(blocks):
            ours = f"text_model.encoder.layers.{block}"
            theirs = f"transformer.resblocks.{block}"
            query, key, value = weights[f"{theirs}.attn.in_proj_{kind}"].chunk(3)
            text[f"{ours}.self_attn.q_proj.{kind}"] = query
            text[f"{ours}.self_attn.k_proj.{kind}"] = key
            text[f"{ours}.self_attn.v_proj.{kind}"] = value
            text[f"{ours}.self_attn.out_proj.{kind}"] = weights[f"{theirs}.attn.out_proj.{kind}"]
            text[f"{ours}.layer_norm1.{kind}"] = weights[f"{theirs}.ln_1.{kind}"]
            text[f"{ours}.layer_norm2.{kind}"] = weights[f"{theirs}.ln_2.{kind}"]
            text[f"{ours}.mlp.fc1.{kind}"] = weights[f"{theirs}.mlp.c_fc.{kind}"]
            text[f"{ours}.mlp.fc2.{kind}"] = weights[f"{theirs}.mlp.c_proj.{kind}"]
    return PlainClip(
        weights=weights | text,
        text_heads=config["text_cfg"]["heads"],
        vision_heads=config["vision_cfg"]["width"] * 32 // 64,
    )


def resnet_image_features(clip: PlainClip, pixels: Tensor) -> Tensor:
    """Rows of pictures as the tower gives them, unit length to follow."""
    weights = clip.weights
    x = pixels.double()
    for number, stride in ((1, 2), (2, 1), (3, 1)):
        x = _convolved(weights, f"visual.conv{number}", x, stride=stride)
        x = _positive(_norm(weights, f"visual.bn{number}", x))
    x = _halved(x)
    for stage in (1, 2, 3, 4):
        block = 0
        while f"visual.layer{stage}.{block}.conv1.weight" in weights:
            x = _block(weights, f"visual.layer{stage}.{block}", x, halve=stage > 1 and block == 0)
            block += 1
    return _pooled(clip, x)


def _block(weights: dict[str, Tensor], name: str, x: Tensor, *, halve: bool) -> Tensor:
    inner = _positive(_norm(weights, f"{name}.bn1", _convolved(weights, f"{name}.conv1", x)))
    inner = _positive(_norm(weights, f"{name}.bn2", _convolved(weights, f"{name}.conv2", inner)))
    if halve:
        inner, x = _halved(inner), _halved(x)
    inner = _norm(weights, f"{name}.bn3", _convolved(weights, f"{name}.conv3", inner))
    if f"{name}.downsample.0.weight" in weights:
        x = _convolved(weights, f"{name}.downsample.0", x)
        x = _norm(weights, f"{name}.downsample.1", x)
    return _positive(inner + x)


def _pooled(clip: PlainClip, x: Tensor) -> Tensor:
    """The mean asks all places, itself among them; places are counted row by row."""
    rows = []
    for picture in x:
        places = picture.flatten(1).T
        places = torch.cat([places.mean(dim=0, keepdim=True), places])
        places = places + clip.weights["visual.attnpool.positional_embedding"]
        query = _linear(clip.weights, "visual.attnpool.q_proj", places[0])
        keys = _linear(clip.weights, "visual.attnpool.k_proj", places)
        values = _linear(clip.weights, "visual.attnpool.v_proj", places)
        size = len(query) // clip.vision_heads
        parts = []
        for head in range(clip.vision_heads):
            mine = slice(head * size, (head + 1) * size)
            attention = softmax(keys[:, mine] @ query[mine] / math.sqrt(size))
            parts.append(attention @ values[:, mine])
        rows.append(_linear(clip.weights, "visual.attnpool.c_proj", torch.cat(parts)))
    return torch.stack(rows)


def _convolved(weights: dict[str, Tensor], name: str, x: Tensor, *, stride: int = 1) -> Tensor:
    kernel = weights[f"{name}.weight"]
    return functional.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)


def _norm(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    mean, variance, gain, shift = (
        weights[f"{name}.{part}"][:, None, None]
        for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / (variance + EPSILON).sqrt() * gain + shift


def _halved(x: Tensor) -> Tensor:
    """Means of squares of two by two."""
    corners = [x[:, :, top::2, left::2] for top in (0, 1) for left in (0, 1)]
    return torch.stack(corners).mean(dim=0)


def _positive(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0)


def _linear(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
