"""CLIP's two transformers in plain arithmetic, over the bare tensors of a checkpoint.

Written from the paper (Radford et al. 2021, arXiv:2103.00020) and the names in a checkpoint's file.
No module of transformers and nothing of the package takes part: torch is here for matrix products
and for derivatives. Everything is float64, so that a difference is the other side's.

Texts are always of full length with a causal mask, all at once; learned vectors are assigned in
place of others position by position.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

EPSILON = 1e-5  # of the layer norms, in every published CLIP


@dataclass(frozen=True)
class PlainClip:
    """A checkpoint's tensors by name, and what their shapes do not tell."""

    weights: dict[str, Tensor]
    text_heads: int
    vision_heads: int

    @property
    def logit_scale(self) -> Tensor:
        return self.weights["logit_scale"].exp()


def read_plain_clip(folder: Path) -> PlainClip:
    tensors = load_file(folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    return PlainClip(
        weights={name: tensor.double() for name, tensor in tensors.items()},
        text_heads=config["text_config"]["num_attention_heads"],
        vision_heads=config["vision_config"]["num_attention_heads"],
    )


def embed(clip: PlainClip, ids: Tensor) -> Tensor:
    """Vectors of the tokens, without positions: (c, l) to (c, l, width)."""
    return clip.weights["text_model.embeddings.token_embedding.weight"][ids]


def text_features(
    clip: PlainClip, embedded: Tensor, ends: Tensor, deep: dict[int, Tensor] | None = None
) -> Tensor:
    """Rows of texts as the tower gives them, unit length to follow.

    ``deep[block]`` overwrites positions 1 to k in front of that block.
    """
    weights = clip.weights
    length = embedded.shape[1]
    x = embedded + weights["text_model.embeddings.position_embedding.weight"][:length]
    forbidden = torch.ones(length, length).triu(1).bool()
    for block in range(_depth(weights, "text_model")):
        for place, vector in enumerate((deep or {}).get(block, ()), start=1):
            x = _overwritten(x, place, vector)
        x = _block(weights, f"text_model.encoder.layers.{block}", x, clip.text_heads, forbidden)
    x = _norm(weights, "text_model.final_layer_norm", x)
    at_the_end = torch.stack([row[end] for row, end in zip(x, ends.tolist(), strict=True)])
    return at_the_end @ weights["text_projection.weight"].T


def image_features(
    clip: PlainClip,
    pixels: Tensor,
    tokens: Tensor | None = None,
    deep: dict[int, Tensor] | None = None,
) -> Tensor:
    """Rows of pictures as the tower gives them, unit length to follow.

    ``tokens`` stand behind the patches; ``deep[block]`` takes their place in front of that block.
    """
    weights = clip.weights
    kernel = weights["vision_model.embeddings.patch_embedding.weight"]
    side = kernel.shape[-1]
    pixels = pixels.double()
    patches = []
    for top in range(0, pixels.shape[2], side):
        for left in range(0, pixels.shape[3], side):
            square = pixels[:, :, top : top + side, left : left + side]
            patches.append(square.flatten(1) @ kernel.flatten(1).T)
    first = weights["vision_model.embeddings.class_embedding"].expand(len(pixels), -1)
    x = torch.stack([first, *patches], dim=1)
    x = x + weights["vision_model.embeddings.position_embedding.weight"]
    own = x.shape[1]
    if tokens is not None:
        x = torch.cat([x, torch.stack([tokens] * len(pixels))], dim=1)
    x = _norm(weights, "vision_model.pre_layrnorm", x)  # spelled so in the checkpoints
    for block in range(_depth(weights, "vision_model")):
        for place, vector in enumerate((deep or {}).get(block, ()), start=own):
            x = _overwritten(x, place, vector)
        x = _block(weights, f"vision_model.encoder.layers.{block}", x, clip.vision_heads, None)
    x = _norm(weights, "vision_model.post_layernorm", x[:, 0])
    return x @ weights["visual_projection.weight"].T


def unit(rows: Tensor) -> Tensor:
    return rows / rows.square().sum(dim=-1, keepdim=True).sqrt()


def softmax(scores: Tensor) -> Tensor:
    raised = (scores - scores.max(dim=-1, keepdim=True).values).exp()
    return raised / raised.sum(dim=-1, keepdim=True)


def _overwritten(x: Tensor, place: int, vector: Tensor) -> Tensor:
    x = x.clone()
    x[:, place] = vector
    return x


def _depth(weights: dict[str, Tensor], tower: str) -> int:
    prefix = f"{tower}.encoder.layers."
    return 1 + max(
        int(name.removeprefix(prefix).split(".")[0]) for name in weights if name.startswith(prefix)
    )


def _block(
    weights: dict[str, Tensor], name: str, x: Tensor, heads: int, forbidden: Tensor | None
) -> Tensor:
    normed = _norm(weights, f"{name}.layer_norm1", x)
    x = x + _attention(weights, f"{name}.self_attn", normed, heads, forbidden)
    hidden = _linear(weights, f"{name}.mlp.fc1", _norm(weights, f"{name}.layer_norm2", x))
    hidden = hidden / (1 + (-1.702 * hidden).exp())  # CLIP's quick GELU
    return x + _linear(weights, f"{name}.mlp.fc2", hidden)


def _attention(
    weights: dict[str, Tensor], name: str, x: Tensor, heads: int, forbidden: Tensor | None
) -> Tensor:
    queries = _linear(weights, f"{name}.q_proj", x)
    keys = _linear(weights, f"{name}.k_proj", x)
    values = _linear(weights, f"{name}.v_proj", x)
    size = x.shape[-1] // heads
    outputs = []
    for head in range(heads):
        mine = slice(head * size, (head + 1) * size)
        scores = queries[..., mine] @ keys[..., mine].transpose(1, 2) / math.sqrt(size)
        if forbidden is not None:
            scores = torch.where(forbidden, -math.inf, scores)
        outputs.append(softmax(scores) @ values[..., mine])
    return _linear(weights, f"{name}.out_proj", torch.cat(outputs, dim=-1))


def _linear(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _norm(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)
    scaled = centred / (variance + EPSILON).sqrt()
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]
