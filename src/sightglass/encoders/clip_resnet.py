"""The vision tower of RN50 and its larger kin: a ResNet whose last pool is an attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from sightglass.encoders.open_clip_format import RESNET_POOL, RESNET_STEP

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

_EXPANSION = 4  # a block's output is wider than its inside by this factor


class ClipResNet(nn.Module):
    """From pixels to rows. Nothing in it is trained, and no statistics are taken.

    Three convolutions begin it in place of one; where a stage halves the picture, an average pool
    does it and no convolution leaves places out; the mean of all places asks the places in the
    end.

    Args:
        layers: Blocks of each of the four stages.
        width: Channels of the first stage's inside.
        side: Of the picture, in pixels; a multiple of 32.
        head_width: Channels per head of the pool.
        dim: Width of a row.

    Source:
        Radford et al. 2021, arXiv:2103.00020, section 2.4; He et al. 2015, arXiv:1512.03385.
    """

    def __init__(
        self, *, layers: Sequence[int], width: int, side: int, head_width: int, dim: int
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width // 2, 3, stride=2, padding=1, bias=False)
        self.bn1 = _FrozenNorm(width // 2)
        self.conv2 = nn.Conv2d(width // 2, width // 2, 3, padding=1, bias=False)
        self.bn2 = _FrozenNorm(width // 2)
        self.conv3 = nn.Conv2d(width // 2, width, 3, padding=1, bias=False)
        self.bn3 = _FrozenNorm(width)
        stages = []
        channels = width
        for index, blocks in enumerate(layers):
            inside = width * 2**index
            stage = nn.Sequential()
            for block in range(blocks):
                stride = 2 if index > 0 and block == 0 else 1
                stage.append(_Block(channels, inside, stride=stride))
                channels = inside * _EXPANSION
            stages.append(stage)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.attnpool = _AttentionPool(
            places=(side // RESNET_STEP) ** 2,
            width=width * RESNET_POOL,
            heads=width * RESNET_POOL // head_width,
            dim=dim,
        )

    def forward(self, pixels: Float[Tensor, "n 3 side side"]) -> Float[Tensor, "n dim"]:
        """Rows of pictures, not yet of unit length."""
        x = self.bn1(self.conv1(pixels)).relu_()
        x = self.bn2(self.conv2(x)).relu_()
        x = self.bn3(self.conv3(x)).relu_()
        x = functional.avg_pool2d(x, 2)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        rows: Tensor = self.attnpool(x)
        return rows


class _Block(nn.Module):
    """Narrow, look around, widen; and what came in is added."""

    def __init__(self, channels: int, inside: int, *, stride: int) -> None:
        super().__init__()
        wide = inside * _EXPANSION
        self.conv1 = nn.Conv2d(channels, inside, 1, bias=False)
        self.bn1 = _FrozenNorm(inside)
        self.conv2 = nn.Conv2d(inside, inside, 3, padding=1, bias=False)
        self.bn2 = _FrozenNorm(inside)
        self.conv3 = nn.Conv2d(inside, wide, 1, bias=False)
        self.bn3 = _FrozenNorm(wide)
        self.stride = stride
        self.downsample: nn.Sequential | None = None
        if stride > 1 or channels != wide:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, wide, 1, bias=False), _FrozenNorm(wide)
            )

    def forward(self, x: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n wide h2 w2"]:
        inner = self.bn1(self.conv1(x)).relu_()
        inner = self.bn2(self.conv2(inner)).relu_()
        inner = self.bn3(self.conv3(self._pooled(inner)))
        if self.downsample is not None:
            x = self.downsample(self._pooled(x))
        return torch.relu_(inner + x)

    def _pooled(self, x: Tensor) -> Tensor:
        return functional.avg_pool2d(x, self.stride) if self.stride > 1 else x


class _FrozenNorm(nn.Module):
    """A batch norm after its training: statistics and gains are numbers that nothing changes."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, torch.empty(channels))

    def forward(self, x: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n channels h w"]:
        return functional.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=1e-5
        )


class _AttentionPool(nn.Module):
    """One attention over all places, asked by their mean, which is a place as well."""

    def __init__(self, *, places: int, width: int, heads: int, dim: int) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.empty(places + 1, width))
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.c_proj = nn.Linear(width, dim)
        self.heads = heads

    def forward(self, x: Float[Tensor, "n width h w"]) -> Float[Tensor, "n dim"]:
        places = x.flatten(2).transpose(1, 2)
        places = torch.cat([places.mean(dim=1, keepdim=True), places], dim=1)
        places = places + self.positional_embedding
        mixed = functional.scaled_dot_product_attention(
            self._split(self.q_proj(places[:, :1])),
            self._split(self.k_proj(places)),
            self._split(self.v_proj(places)),
        )
        rows: Tensor = self.c_proj(mixed.transpose(1, 2).flatten(1))
        return rows

    def _split(self, x: Float[Tensor, "n l width"]) -> Float[Tensor, "n heads l head_width"]:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)
