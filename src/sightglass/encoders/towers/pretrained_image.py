"""An image tower made of any vision backbone of transformers: its pooled output and a new head."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from sightglass.encoders.card import ImageInput
from sightglass.encoders.towers.contract import ImageAnswer, ImageTower
from sightglass.encoders.towers.image_checkpoint import (
    build_backbone,
    load_backbone,
    read_picture_settings,
)
from sightglass.errors import InputError, ModelError, first_line

if TYPE_CHECKING:
    from jaxtyping import Float

KIND = "transformers"
_SIZE = 224
_SHORT_SIDE_PER_CROP = 256 / 224
_SMALLEST = 1e-12
# Of a configuration, what says nothing about the network; names of classes can be many.
_NOT_THE_NETWORK = ("_name_or_path", "architectures", "id2label", "label2id")


class PretrainedImage(ImageTower):
    """Unit rows of pictures: a backbone, its pooled output, and a linear layer.

    The pooled output is the feature. It is what the network itself calls so, whatever that is made
    of: the mean over places (ResNet, ConvNeXt), the class token (CLIP, DINOv2), attention
    (SigLIP); where it calls nothing so (ViT), the class token, or else the mean over places.

    Args:
        backbone: A transformers model of pictures.
        dim: Width of the shared space.
        image_input: How a picture becomes pixels.
        lock: Whether the backbone stays as it is, its running statistics included; only the head
            learns.
        gradient_checkpointing: Whether activations of blocks are computed twice instead of kept.

    Raises:
        InputError: If ``dim`` is below 1, or the backbone cannot compute activations twice.
        ModelError: If it does not take pictures of that size, or does not answer with one row for
            each, the same whenever it is asked.

    Source:
        Cheng et al. 2021, arXiv:2104.08945: a ResNet-50 whose last layer is a new linear one.
        Zhai et al. 2022, arXiv:2111.07991, for the locked backbone.
    """

    def __init__(
        self,
        backbone: nn.Module,
        *,
        dim: int,
        image_input: ImageInput,
        lock: bool = False,
        gradient_checkpointing: bool = False,
    ) -> None:
        super().__init__()
        if dim < 1:
            raise InputError(f"Image tower: dim must be at least 1, got {dim}.")
        self.dim, self.image_input = dim, image_input
        self._lock, self._recomputes = lock, gradient_checkpointing
        self.backbone = backbone
        self.feature_dim = self._measured_width()
        if gradient_checkpointing:
            _recompute(backbone)
        self.head = nn.Linear(self.feature_dim, dim)
        nn.init.normal_(self.head.weight, std=self.feature_dim**-0.5)
        nn.init.zeros_(self.head.bias)
        if lock:
            backbone.requires_grad_(False)
        self.train()

    def forward(self, pixels: Float[Tensor, "n 3 height width"]) -> ImageAnswer:
        """Unit rows and the pooled output, both in fp32."""
        features = self._pooled(pixels)
        rows = functional.normalize(self.head(features).float(), dim=1, eps=_SMALLEST)
        return ImageAnswer(rows, features.float())

    def train(self, mode: bool = True) -> PretrainedImage:
        """As for every module; a locked backbone stays in ``eval`` mode."""
        super().train(mode)
        if self._lock:
            self.backbone.eval()
        return self

    def requires_grad_(self, requires_grad: bool = True) -> PretrainedImage:
        """As for every module; a locked backbone never learns."""
        super().requires_grad_(requires_grad)
        if self._lock:
            self.backbone.requires_grad_(False)
        return self

    def settings(self) -> dict[str, Any]:
        """Kind, sizes and the backbone's configuration in full: no checkpoint is named."""
        config: Any = self.backbone.config
        stated = json.loads(config.to_json_string(use_diff=False))
        return {
            "kind": KIND,
            "dim": self.dim,
            "image_input": self.image_input.model_dump(mode="json", exclude_none=True),
            "lock": self._lock,
            "gradient_checkpointing": self._recomputes,
            "config": {key: value for key, value in stated.items() if key not in _NOT_THE_NETWORK},
        }

    def _pooled(self, pixels: Float[Tensor, "n 3 height width"]) -> Float[Tensor, "n feature_dim"]:
        answer = self.backbone(pixel_values=pixels.contiguous(memory_format=torch.channels_last))
        pooled: Tensor | None = getattr(answer, "pooler_output", None)
        if pooled is not None:
            return pooled.flatten(1)
        places: Tensor = answer.last_hidden_state
        return places[:, 0] if places.ndim == 3 else places.mean((2, 3))

    def _measured_width(self) -> int:
        """Width of the feature, from two pictures that are asked about twice."""
        height, width = self.image_input.size
        pixels = torch.linspace(-1, 1, 6 * height * width).view(2, 3, height, width)
        self.backbone.eval()
        try:
            with torch.no_grad():
                first, second = self._pooled(pixels), self._pooled(pixels)
        except Exception as error:  # any of a dozen types, by the network
            raise ModelError(
                f"Image tower: the backbone must take pictures of {height} x {width}, it does not "
                f"({type(error).__name__}: {first_line(error)}). Give the image_input that belongs "
                f"to it."
            ) from error
        if first.ndim != 2 or len(first) != 2 or not torch.allclose(first, second, atol=1e-4):
            raise ModelError(
                f"Image tower: the backbone must answer with one row per picture, the same each "
                f"time, got the shape {tuple(first.shape)} or random rows. Give another network."
            )
        return first.shape[1]


def build_pretrained_image(
    *,
    dim: int,
    checkpoint: str | None = None,
    config: Mapping[str, Any] | None = None,
    image_input: Mapping[str, Any] | ImageInput | None = None,
    lock: bool = False,
    gradient_checkpointing: bool = False,
) -> PretrainedImage:
    """The tower of a checkpoint with its weights, or of a configuration with random ones.

    What ``settings()`` gave is of the second form. The head is new in both.

    Args:
        dim: Width of the shared space.
        checkpoint: ``hf:ORG/NAME`` or a folder; the weights must be safetensors.
        config: As in ``config.json``, ``model_type`` included.
        image_input: How a picture becomes pixels; None: as the checkpoint's image processor says,
            or for a configuration a centre crop of its ``image_size`` or else of 224 pixels.
        lock: Whether only the head learns.
        gradient_checkpointing: Whether activations are computed twice instead of kept.

    Raises:
        InputError: If not exactly one of ``checkpoint`` and ``config`` is given, or an option does
            not fit the network.
        MissingExtraError: If transformers is not installed.
        ModelError: If the model cannot be fetched, loaded or built, or does not take the pictures.
    """
    if (checkpoint is None) == (config is None):
        raise InputError(
            "Image tower: either a checkpoint with weights or a config for random ones is needed, "
            f"got {'neither' if checkpoint is None else 'both'}. Give one of them."
        )
    spec = _given(image_input)
    if checkpoint is not None:
        backbone, folder = load_backbone(checkpoint)
        spec = spec or read_picture_settings(folder)
    else:
        assert config is not None
        backbone = build_backbone(config)
        spec = spec or _usual_input(backbone)
    return PretrainedImage(
        backbone,
        dim=dim,
        image_input=spec,
        lock=lock,
        gradient_checkpointing=gradient_checkpointing,
    )


def _given(image_input: Mapping[str, Any] | ImageInput | None) -> ImageInput | None:
    if image_input is None or isinstance(image_input, ImageInput):
        return image_input
    try:
        return ImageInput.model_validate(dict(image_input))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(f"Image tower: image_input: {field}: {first['msg']}.") from error


def _usual_input(backbone: nn.Module) -> ImageInput:
    size = getattr(backbone.config, "image_size", None)
    side = size if isinstance(size, int) else _SIZE
    return ImageInput(
        size=(side, side), resize="shortest_edge", resize_to=round(side * _SHORT_SIDE_PER_CROP)
    )


def _recompute(backbone: nn.Module) -> None:
    """Let the backbone compute its activations twice instead of keeping them."""
    network: Any = backbone
    if not getattr(network, "supports_gradient_checkpointing", False):
        raise InputError(
            f"Image tower: gradient_checkpointing needs a network that can, "
            f"{type(network).__name__} cannot. Leave it out and train in smaller parts."
        )
    if any(isinstance(module, _BatchNorm) for module in network.modules()):
        raise InputError(
            f"Image tower: gradient_checkpointing needs a network without batch norms, which would "
            f"count each batch twice; {type(network).__name__} has some. Leave it out."
        )
    # The first name is the newer one.
    newer = hasattr(network, "activation_checkpointing_enable")
    enable = "activation_checkpointing_enable" if newer else "gradient_checkpointing_enable"
    getattr(network, enable)({"use_reentrant": False})
