"""How far a map inside a student is from the same place inside a frozen teacher."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from sightglass.distillation.whole_numbers import check_whole
from sightglass.errors import InputError, ShapeError

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from torch import Tensor

# Of the largest standard deviation. A channel that varies less tells nothing of its own scale: to
# divide by so little would make it outweigh all others a million times as soon as it fires, or as
# long as the student is not as still. Its normal map is 0 instead: where the student's map is made
# normal too its error is none, and a student that makes normal maps learns to be still there.
_LEAST_SHARE = 1e-3


class MapNorm(nn.Module):
    """The mean squared error of two maps whose channels are brought to mean 0 and deviation 1.

    Mean and standard deviation are those of the teacher's map, over the pictures and places of the
    first batch in training mode, and stay: both maps are measured with one ruler. Without it the
    channels that happen to be large decide, and a student's own normalisation layers need
    thousands of steps to grow to the teacher's scale. ``normalise`` gives the teacher's map as a
    student's stage takes and learns it.

    Where a first batch comes in parts, or several processes have a share of it each, ``set`` takes
    the moments of all of it.

    Args:
        channels: Of both maps, at least 1.

    Attributes:
        mean: (channels,) float32.
        std: (channels,) float32; infinite where it is below a thousandth of the largest: the
            channel's normal map is 0.
        ready: Whether the two are known.

    Raises:
        InputError: If ``channels`` is below 1.

    Source:
        Romero et al. 2015, arXiv:1412.6550, for the maps; the ruler is ours.
    """

    mean: Float[Tensor, " channels"]
    std: Float[Tensor, " channels"]
    ready: Bool[Tensor, ""]

    def __init__(self, channels: int) -> None:
        super().__init__()
        check_whole(channels, where="MapNorm", name="channels", least=1)
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))
        self.register_buffer("ready", torch.tensor(False))

    def forward(
        self,
        student_map: Float[Tensor, "n channels height width"],
        teacher_map: Float[Tensor, "n channels height width"],
    ) -> Float[Tensor, ""]:
        """The loss, float32; the teacher's map is detached.

        A value that is not finite is not looked for in maps this large: it comes out as the loss.

        Raises:
            InputError: If the first batch's map has a value that is not finite, or is constant; or
                in evaluation mode before any batch.
            ShapeError: If the shapes differ, or are not of four axes with these channels.
        """
        self._check(student_map, "student_map")
        self._check(teacher_map, "teacher_map")
        if student_map.shape != teacher_map.shape:
            raise ShapeError(
                f"MapNorm: student_map and teacher_map need one shape, got "
                f"{tuple(student_map.shape)} and {tuple(teacher_map.shape)}."
            )
        teacher = teacher_map.detach().float()
        if self.training and not self.ready:
            self.learn(teacher)
        self._check_ready()
        # The means cancel; subtracting them first would only cost digits.
        return ((student_map.float() - teacher) / _per_channel(self.std)).square().mean()

    @torch.no_grad()
    def learn(self, teacher_map: Float[Tensor, "n channels height width"]) -> None:
        """Take mean and deviation from this map, whatever was known before.

        Raises:
            InputError: If a value is not finite, or every channel is constant.
            ShapeError: If it does not have four axes with these channels.
        """
        self._check(teacher_map, "teacher_map")
        variance, mean = torch.var_mean(teacher_map.float(), dim=(0, 2, 3), correction=0)
        self.set(mean, variance)

    @torch.no_grad()
    def set(self, mean: Float[Tensor, " channels"], variance: Float[Tensor, " channels"]) -> None:
        """Take a mean and a variance per channel, such as those of a batch in several parts.

        Raises:
            InputError: If they are not finite, or every channel is constant.
        """
        largest = float(variance.max().sqrt())
        if not 0 < largest < float("inf"):
            raise InputError(
                f"MapNorm: the teacher's map of the first batch must be finite and must vary, got "
                f"{largest} as the largest standard deviation of a channel. Choose another map."
            )
        self.mean.copy_(mean)
        # What rounding leaves of a constant channel may be below 0.
        std = variance.clamp(min=0).sqrt()
        self.std.copy_(std.masked_fill(std < _LEAST_SHARE * largest, torch.inf))
        self.ready.fill_(True)

    def normalise(
        self, teacher_map: Float[Tensor, "n channels height width"]
    ) -> Float[Tensor, "n channels height width"]:
        """``(map - mean) / std``, float32; 0 in channels that hardly vary.

        Raises:
            InputError: If no batch was seen yet.
            ShapeError: If it does not have four axes with these channels.
        """
        self._check(teacher_map, "map")
        self._check_ready()
        return (teacher_map.float() - _per_channel(self.mean)) / _per_channel(self.std)

    def _check(self, given: Float[Tensor, "n channels height width"], name: str) -> None:
        if given.ndim != 4 or 0 in given.shape or given.shape[1] != len(self.mean):
            raise ShapeError(
                f"MapNorm: {name} needs the axes pictures, {len(self.mean)} channels, height and "
                f"width, each at least 1 long, got shape {tuple(given.shape)}."
            )

    def _check_ready(self) -> None:
        if not self.ready:
            raise InputError(
                "MapNorm: mean and deviation come from the first batch in training mode, none was "
                "seen. Call it in training mode once, or load its state."
            )


def _per_channel(values: Float[Tensor, " channels"]) -> Float[Tensor, "1 channels 1 1"]:
    return values.view(1, -1, 1, 1)
