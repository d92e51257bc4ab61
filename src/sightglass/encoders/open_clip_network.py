"""Checkpoints of open_clip as networks in torch: transformers' CLIP, its pictures by a ResNet."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from sightglass.encoders.clip_resnet import ClipResNet
from sightglass.encoders.hub_checkpoint import Checkpoint
from sightglass.encoders.open_clip_format import (
    Network,
    is_weight,
    parse_open_clip,
    stored_name,
)
from sightglass.encoders.quiet import quiet_transformers
from sightglass.errors import ModelError

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

# Three matrices of an attention lie below each other in one tensor, in this order.
_STACKED = ("q_proj", "k_proj", "v_proj")
# Matrices to multiply with from the right; ours are multiplied with from the left.
_TURNED = ("text_projection", "visual.proj")


class ResNetClip(nn.Module):
    """CLIP with a ResNet for pictures, used as transformers' ``CLIPModel`` is.

    Args:
        clip: Gives text tower, its projection and the scale; its vision tower is dropped.
        vision: From pixels to rows.
    """

    def __init__(self, clip: Any, vision: ClipResNet) -> None:
        super().__init__()
        self.text_model = clip.text_model
        self.text_projection = clip.text_projection
        self.logit_scale = clip.logit_scale
        self.projection_dim: int = clip.projection_dim
        self.vision_model = vision

    def get_image_features(self, pixel_values: Float[Tensor, "n 3 side side"]) -> SimpleNamespace:
        """An object whose ``pooler_output`` has the rows of pictures."""
        return SimpleNamespace(pooler_output=self.vision_model(pixel_values))

    def get_text_features(self, input_ids: Int[Tensor, "n l"]) -> SimpleNamespace:
        """An object whose ``pooler_output`` has the rows of texts."""
        last = self.text_model(input_ids=input_ids).pooler_output
        return SimpleNamespace(pooler_output=self.text_projection(last))


def load_open_clip(checkpoint: Checkpoint) -> nn.Module:
    """The network of ``checkpoint`` in fp32 on the processor, in evaluation mode.

    Raises:
        ModelError: If the weights do not fill the network, or hold more than it has.
    """
    config = parse_open_clip(checkpoint.name, checkpoint.config).model_cfg
    with torch.device("meta"):  # shapes alone: every number comes from the file
        network = empty_network(config)
    try:
        filled = _filled(checkpoint, network)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{checkpoint.weights[0]}: not a complete safetensors file ({error}). Fetch it again."
        ) from error
    network.load_state_dict(filled, assign=True)
    for module in network.modules():
        # 0, 1, 2 …: not a weight, so no file has it.
        positions = getattr(module, "position_ids", None)
        if isinstance(positions, torch.Tensor):
            module.position_ids = torch.arange(positions.shape[-1])[None]
    return network.eval()


def empty_network(config: Network) -> nn.Module:
    """The network of these settings, its numbers those that torch and transformers begin with."""
    from transformers import CLIPConfig, CLIPModel

    text, vision = config.text_cfg, config.vision_cfg
    act = "quick_gelu" if config.quick_gelu else "gelu"
    text_config = {
        "hidden_size": text.width,
        "intermediate_size": int(text.width * text.mlp_ratio),
        "num_hidden_layers": text.layers,
        "num_attention_heads": text.heads,
        "max_position_embeddings": text.context_length,
        "vocab_size": text.vocab_size,
        "hidden_act": act,
        "bos_token_id": None,
        "pad_token_id": None,
        # transformers' sign for: the end token is the one with the highest number.
        "eos_token_id": 2,
    }
    vision_config: dict[str, Any] = {"num_hidden_layers": 0}
    if isinstance(vision.layers, int):
        vision_config = {
            "hidden_size": vision.width,
            "intermediate_size": int(vision.width * vision.mlp_ratio),
            "num_hidden_layers": vision.layers,
            "num_attention_heads": vision.width // vision.head_width,
            "image_size": vision.image_size,
            "patch_size": vision.patch_size,
            "hidden_act": act,
        }
    with quiet_transformers():
        clip = CLIPModel(
            CLIPConfig(
                text_config=text_config,
                vision_config=vision_config,
                projection_dim=config.embed_dim,
            )
        )
    if isinstance(vision.layers, int):
        whole: nn.Module = clip
        return whole
    return ResNetClip(
        clip,
        ClipResNet(
            layers=vision.layers,
            width=vision.width,
            side=vision.image_size,
            head_width=vision.head_width,
            dim=config.embed_dim,
        ),
    )


def _filled(checkpoint: Checkpoint, network: nn.Module) -> dict[str, Tensor]:
    """A tensor in fp32 for every weight of the network."""
    (path,) = checkpoint.weights
    filled = {}
    with safe_open(path, framework="pt") as opened:
        left = {name for name in opened.keys() if is_weight(name)}  # noqa: SIM118
        used = set()
        for name, wanted in network.state_dict().items():
            stored = stored_name(name)
            if stored not in left:
                raise ModelError(
                    f"{checkpoint.name}: every weight of the network is needed, missing: "
                    f"'{stored}'. Give a complete checkpoint."
                )
            used.add(stored)
            tensor = _part(opened.get_tensor(stored), name, stored)
            if tensor.shape != wanted.shape:
                raise ModelError(
                    f"{checkpoint.name}: a network of these settings needs a weight '{stored}' "
                    f"that gives {tuple(wanted.shape)}, found {tuple(tensor.shape)}. Fetch "
                    f"configuration and weights again."
                )
            filled[name] = tensor
    if left - used:
        raise ModelError(
            f"{checkpoint.name}: weights of CLIP's towers alone can be used, found "
            f"'{min(left - used)}' as well. Use a checkpoint in transformers' format."
        )
    return filled


def _part(tensor: Tensor, name: str, stored: str) -> Tensor:
    """What the network keeps of a stored tensor under ``name``."""
    if stored in _TURNED:
        tensor = tensor.T if tensor.ndim == 2 else tensor
    for index, part in enumerate(_STACKED):
        if f".self_attn.{part}." in name:
            tensor = tensor.tensor_split(3)[index] if tensor.ndim else tensor
    # A copy, or a third of a matrix would keep all of it in memory.
    return tensor.to(torch.float32, copy=True).contiguous()
