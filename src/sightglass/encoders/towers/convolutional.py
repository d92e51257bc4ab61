"""The image tower of the bundled model: dense 3 x 3 convolutions in stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from sightglass.encoders.card import ImageInput
from sightglass.encoders.towers.contract import ImageAnswer, ImageTower
from sightglass.errors import InputError

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

KIND = "convolutional"
# Width, stride, blocks, and how many times wider a block is inside.
STAGES = ((32, 2, 2, 3), (48, 2, 3, 3), (96, 2, 3, 2), (96, 1, 3, 2), (160, 2, 4, 2))
_STEM = 24
_FEATURES = 1280
_SMALLEST = 1e-12


class _Block(nn.Sequential):
    """A wide 3 x 3 convolution and a narrow 1 x 1 one, added to what came in where it fits.

    Depthwise convolutions have fewer numbers and operations, and train several times more slowly
    on processors: their work is memory, not arithmetic.
    """

    def __init__(self, width_in: int, width: int, *, stride: int, inside: int) -> None:
        super().__init__(
            nn.Conv2d(width_in, inside, 3, stride, 1, bias=False),
            nn.BatchNorm2d(inside),
            nn.ReLU(inplace=True),
            nn.Conv2d(inside, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        self._adds = stride == 1 and width_in == width

    def forward(self, inputs: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h2 w2"]:
        made: Tensor = super().forward(inputs)  # type: ignore[no-untyped-call]
        return inputs + made if self._adds else made


class ConvolutionalTower(ImageTower):
    """Stages of blocks, a feature, a head into the space shared with texts, and perhaps a second.

    With ``n_logits`` there is also a head of logits over the classes of an image teacher. Once
    ``set_anchors`` has given those classes' text rows, ``eval`` mode answers with a mixture of two
    unit rows: the head's, and the anchors' weighted by the softmax of the logits (ConSE). The head
    knows the names that it was taught, the anchors are the safer guide to far names. While
    training, the embedding is the head's alone, so that the two stay two opinions; with
    ``learns_whole`` it is what ``eval`` mode answers, for a finished tower that is to learn on
    without that teacher.

    The map at the end of each stage is an answer too, and so is the last before pooling: a teacher
    with maps of the same widths and sizes can teach each stage by itself.

    Args:
        dim: Width of the shared space.
        size: Height and width of pictures in pixels; a multiple of 32 suits best.
        n_logits: Classes of the image teacher; 0 for no such head.
        stages: (width, stride, blocks, widening) of each.
        width: Times the number of channels inside the blocks.
        temperature: Of the softmax over anchors.
        head_share: The head's part of the mixture, above 0 and at most 1; the rest is the anchors'.

    Raises:
        InputError: If a size is not positive, a stage is not four numbers, or ``head_share`` is no
            share.

    Source:
        The blocks are those of Tan & Le 2021, arXiv:2104.00298, without squeeze and excitation;
        the mean over anchors is Norouzi et al. 2014, arXiv:1312.5650.
    """

    anchors: Tensor

    def __init__(
        self,
        dim: int,
        *,
        size: int = 128,
        n_logits: int = 0,
        stages: Sequence[Sequence[int]] = STAGES,
        width: float = 1.0,
        temperature: float = 1.5,
        head_share: float = 0.5,
    ) -> None:
        super().__init__()
        if any(len(stage) != 4 for stage in stages) or not stages:
            raise InputError(
                f"Convolutional tower: each stage is four numbers, width, stride, blocks and "
                f"widening, got {[list(stage) for stage in stages]}."
            )
        if min(dim, size, *(number for stage in stages for number in stage)) < 1 or width <= 0:
            raise InputError(
                f"Convolutional tower: dim, size, stages and width must be above 0, got {dim}, "
                f"{size}, {[tuple(stage) for stage in stages]} and {width}."
            )
        if not 0 < head_share <= 1:
            raise InputError(
                f"Convolutional tower: head_share must be above 0 and at most 1, got {head_share}."
            )
        self.dim, self.feature_dim = dim, _FEATURES
        self.image_input = ImageInput(
            size=(size, size),
            resize="shortest_edge",
            resize_to=size,
            resample="bilinear",
            rounding="nearest",
        )
        self._settings = {
            "kind": KIND,
            "dim": dim,
            "size": size,
            "n_logits": n_logits,
            "stages": [list(stage) for stage in stages],
            "width": width,
            "temperature": temperature,
            "head_share": head_share,
        }
        self._temperature, self._head_share = temperature, head_share
        self.learns_whole = False
        stem = nn.Sequential(
            nn.Conv2d(3, _STEM, 3, 2, 1, bias=False), nn.BatchNorm2d(_STEM), nn.ReLU(inplace=True)
        )
        self.stages = nn.ModuleList()
        before = _STEM
        for number, (channels, stride, blocks, widening) in enumerate(stages):
            made: list[nn.Module] = [] if number else [stem]
            for block in range(blocks):
                # A block that changes the width is as wide inside as the wider of its ends asks.
                inside = round(max(before, channels) * widening * width)
                step = stride if block == 0 else 1
                made.append(_Block(before, channels, stride=step, inside=inside))
                before = channels
            self.stages.append(nn.Sequential(*made))
        self.stages.append(
            nn.Sequential(
                nn.Conv2d(before, _FEATURES, 1, bias=False),
                nn.BatchNorm2d(_FEATURES),
                nn.ReLU(inplace=True),
            )
        )
        self.head = nn.Linear(_FEATURES, dim)
        self.classes = nn.Linear(_FEATURES, n_logits) if n_logits else None
        self.register_buffer("anchors", torch.zeros(n_logits, dim))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, pixels: Float[Tensor, "n 3 height width"]) -> ImageAnswer:
        """Rows, feature, perhaps logits, and the map at the end of each stage."""
        maps, last = [], pixels.contiguous(memory_format=torch.channels_last)
        for stage in self.stages:
            last = stage(last)
            maps.append(last)
        return self.answer(tuple(maps))

    def answer(self, maps: tuple[Float[Tensor, "n c h w"], ...]) -> ImageAnswer:
        """The answer that follows from the maps; of them all only the last decides."""
        features = maps[-1].float().mean((2, 3))
        rows = _unit(self.head(features).float())
        logits = None if self.classes is None else self.classes(features).float()
        if logits is not None and (self.learns_whole or not self.training):
            shares = (logits / self._temperature).softmax(1)
            guided = _unit(shares @ self.anchors)
            rows = _unit(self._head_share * rows + (1 - self._head_share) * guided)
        return ImageAnswer(rows, features, logits, maps)

    def staged(
        self, pixels: Float[Tensor, "n 3 height width"], maps: Sequence[Float[Tensor, "n c h w"]]
    ) -> ImageAnswer:
        """Like ``forward``, but each stage after the first begins with a map that is given.

        So the stages learn side by side, none waiting for the one before it to become good.

        Args:
            pixels: For the first stage.
            maps: For each of the others, what the stage before it should have made.
        """
        ordered = [pixels, *maps]
        pairs = zip(self.stages, ordered, strict=True)
        return self.answer(
            tuple(stage(one.contiguous(memory_format=torch.channels_last)) for stage, one in pairs)
        )

    def set_anchors(self, rows: Float[Tensor, "k dim"]) -> None:
        """Text rows of the image teacher's classes, in the order of its logits.

        Raises:
            InputError: If there is not one row of the right width for each logit.
        """
        if rows.shape != self.anchors.shape:
            raise InputError(
                f"Convolutional tower: anchors need the shape {tuple(self.anchors.shape)}, one "
                f"text row per logit, got {tuple(rows.shape)}. Give as many names as the image "
                f"teacher has logits."
            )
        self.anchors.copy_(rows)

    def settings(self) -> dict[str, Any]:
        """Kind and sizes."""
        return dict(self._settings)


def _unit(rows: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    return functional.normalize(rows, dim=1, eps=_SMALLEST)
