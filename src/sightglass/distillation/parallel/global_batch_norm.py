"""Batch norm over the batch of all processes, so that their number does not change a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from sightglass.distillation.parallel.processes import Processes
from sightglass.errors import InputError

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


class _GlobalBatchNorm(_BatchNorm):
    """What the norms of one and of two dimensions have in common.

    Where the statistics are the batch's, they are those of the rows of all processes together, and
    so is their part of the gradient: a pass forwards and a pass backwards are a meeting each. All
    processes must run the norm equally often. Where they are the running ones, it is torch's own.
    """

    processes: Processes

    def forward(self, input: Float[Tensor, "n c *rest"]) -> Float[Tensor, "n c *rest"]:
        uses_batch = self.training or self.running_mean is None
        if not uses_batch or self.processes.count == 1:
            return super().forward(input)
        self._check_input_dim(input)  # type: ignore[no-untyped-call]
        rows, mean, variance, count = _Normalised.apply(  # type: ignore[no-untyped-call]
            input, self.weight, self.bias, self
        )
        if self.training and self.track_running_stats:
            self._follow(mean, variance, float(count))
        normalised: Tensor = rows
        return normalised

    def _follow(self, mean: Tensor, variance: Tensor, count: float) -> None:
        """Move the running statistics as torch does: the variance without bias."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            share = self.momentum
            if share is None:
                share = 1.0 / float(self.num_batches_tracked)
            unbiased = variance * (count / max(count - 1, 1))
            self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
            self.running_var.lerp_(unbiased.to(self.running_var.dtype), share)


class GlobalBatchNorm1d(_GlobalBatchNorm, nn.BatchNorm1d):
    """``nn.BatchNorm1d`` with the statistics of all processes."""


class GlobalBatchNorm2d(_GlobalBatchNorm, nn.BatchNorm2d):
    """``nn.BatchNorm2d`` with the statistics of all processes."""


_GLOBAL: dict[type[nn.Module], type[_GlobalBatchNorm]] = {
    nn.BatchNorm1d: GlobalBatchNorm1d,
    nn.BatchNorm2d: GlobalBatchNorm2d,
}


def convert(module: nn.Module, processes: Processes) -> nn.Module:
    """``module`` with every batch norm made a global one, in place.

    Parameters, buffers and their names stay the same objects: an optimiser or a file that knows
    them need not be told. For one process alone nothing changes.

    Raises:
        InputError: If there is a batch norm of another kind.
    """
    if processes.count == 1:
        return module
    for name, norm in module.named_modules():
        kind = _GLOBAL.get(type(norm))
        if kind is not None:
            norm.__class__ = kind
            norm.processes = processes
        elif isinstance(norm, _BatchNorm) and not isinstance(norm, _GlobalBatchNorm):
            raise InputError(
                f"convert: batch norms of one or two dimensions can be made global, '{name}' is a "
                f"{type(norm).__name__}. Train this network in one process."
            )
    return module


def batch_norms(module: nn.Module) -> tuple[str, ...]:
    """Names of the layers whose answer to a picture depends on what else is in the batch.

    Those are batch norms in ``train`` mode; a frozen one uses its running statistics. With them,
    parts of a batch do not have quite the gradient of the whole.
    """
    return tuple(
        name
        for name, norm in module.named_modules()
        if isinstance(norm, _BatchNorm) and (norm.training or norm.running_mean is None)
    )


class _Normalised(torch.autograd.Function):
    """The normalised rows; beside them, without gradient, mean, variance and number of rows.

    Source: Ioffe & Szegedy 2015, arXiv:1502.03167; its gradient, with sums over all processes.
    """

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        norm: _GlobalBatchNorm,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        wide = inputs.float()
        own_variance, own_mean = torch.var_mean(wide, _others(wide), correction=0)
        number = wide.numel() // wide.shape[1]
        # In double precision: the difference of two large sums is a small variance.
        own = torch.cat([own_mean, own_variance]).double()
        first, second = own.chunk(2)
        ones = own.new_ones(1)
        sums = number * torch.cat([first, second + first.square(), ones])
        first, second, count = torch.split(norm.processes.sum(sums), [len(first), len(first), 1])
        mean = first / count
        variance = (second / count - mean.square()).clamp(min=0)
        scale = (variance + norm.eps).rsqrt().float()
        centre = mean.float()
        rows = (wide - _across(centre, wide)) * _across(scale, wide)
        if weight is not None:
            rows = rows * _across(weight.float(), wide)
        if bias is not None:
            rows = rows + _across(bias.float(), wide)
        ctx.save_for_backward(inputs, weight, centre, scale, count)
        ctx.processes = norm.processes
        ctx.has_bias = bias is not None
        answer = rows.to(inputs.dtype), centre, variance.float(), count
        ctx.mark_non_differentiable(*answer[1:])
        return answer

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None, None]:
        inputs, weight, centre, scale, count = ctx.saved_tensors
        slope = slopes[0].float()
        unit = (inputs.float() - _across(centre, slope)) * _across(scale, slope)
        axes = _others(slope)
        own = torch.cat([slope.sum(axes), (slope * unit).sum(axes)])
        to_bias, to_weight = own.chunk(2)
        means = ctx.processes.sum(own.double()) / count
        mean, mean_along = means.float().chunk(2)
        rest = slope - _across(mean, slope) - unit * _across(mean_along, slope)
        factor = scale if weight is None else scale * weight.float()
        return (
            (rest * _across(factor, slope)).to(inputs.dtype),
            None if weight is None else to_weight.to(weight.dtype),
            to_bias.to(slopes[0].dtype if weight is None else weight.dtype)
            if ctx.has_bias
            else None,
            None,
        )


def _others(rows: Tensor) -> list[int]:
    """Every axis but that of channels."""
    return [axis for axis in range(rows.ndim) if axis != 1]


def _across(numbers: Tensor, rows: Tensor) -> Tensor:
    """A number per channel, in a shape that fits ``rows``."""
    return numbers.view(1, -1, *(1 for _ in range(rows.ndim - 2)))
