"""Operators with a window that moves over a map, and the padding around it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from sightglass.encoders.graph_reading import NodeReading, Operation

if TYPE_CHECKING:
    from torch import Tensor

# Cells at the top, on the left, at the bottom, on the right.
Pads = tuple[int, int, int, int]
# Our own attribute of a convolution: what comes out below zero becomes zero.
RECTIFIED = "rectified"
_MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate"}


def pad_value(reading: NodeReading) -> float:
    """What a constant padding puts there."""
    if reading.has(2):
        return float(reading.constant(2).reshape(-1)[0])
    return float(reading.attribute("value", 0.0))


def pad_widths(reading: NodeReading) -> tuple[list[int], list[int]]:
    """Cells before and after, on every axis."""
    rank = len(reading.shape(0))
    pads = reading.integers(1, "pads")
    if pads is None:
        raise reading.refusal("it does not say how far to pad")
    axes = reading.integers(3, "axes") or tuple(range(rank))
    starts, ends = [0] * rank, [0] * rank
    for at, axis in enumerate(axes):
        starts[axis], ends[axis] = pads[at], pads[at + len(axes)]
    return starts, ends


def pad(reading: NodeReading) -> Operation:
    """Zeros, another value, or the map's own cells around it."""
    mode = reading.attribute("mode", "constant")
    if mode not in _MODES:
        raise reading.refusal(f"padding by '{mode}' is not known")
    starts, ends = pad_widths(reading)
    if starts[0] or ends[0]:
        raise reading.refusal("it adds pictures")
    if mode != "constant" and (any(starts[:2]) or any(ends[:2]) or len(starts) != 4):
        raise reading.refusal(f"padding by '{mode}' is only known around maps")
    # torch names the last axis first.
    last = len(starts) if mode == "constant" else 2
    around = [n for pair in zip(starts[::-1], ends[::-1], strict=True) for n in pair][: 2 * last]
    value = pad_value(reading) if mode == "constant" else None

    def run(x: Tensor) -> Tensor:
        return F.pad(x, around, _MODES[mode], value)

    return Operation(run=run, inputs=reading.tensors(1))


def convolution(reading: NodeReading) -> Operation:
    """A convolution over maps, dense or in groups."""
    _require_maps(reading)
    strides, dilations = _pair(reading, "strides"), _pair(reading, "dilations")
    kernel = reading.shape(1)[2:]
    before, around = _split(_pads(reading, kernel, strides, dilations))
    groups = int(reading.attribute("group", 1))
    rectified = bool(reading.attribute(RECTIFIED, False))

    def run(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        x = _around(x, before)
        if rectified and _has_rectified_convolution(x):
            both: Tensor = torch.ops.mkldnn._convolution_pointwise(
                x, weight, bias, around, strides, dilations, groups, "relu", [], ""
            )
            return both
        found = F.conv2d(x, weight, bias, strides, around, dilations, groups)
        return found.relu_() if rectified else found

    return Operation(run=run, inputs=reading.tensors(3))


def _has_rectified_convolution(x: Tensor) -> bool:
    """Whether oneDNN computes both at once here: the same numbers, without a second pass."""
    if x.device.type != "cpu" or not hasattr(torch.ops.mkldnn, "_convolution_pointwise"):
        return False
    if x.dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return x.dtype == torch.float32


def max_pool(reading: NodeReading) -> Operation:
    """The largest cell under the window."""
    kernel, strides, dilations, ceil = _window(reading)
    pads = _pads(reading, kernel, strides, dilations)
    before, around = _split(pads)
    if any(2 * n > k for n, k in zip(around, kernel, strict=True)):  # more than torch accepts
        before, around = pads, (0, 0)

    def run(x: Tensor) -> Tensor:
        return F.max_pool2d(_around(x, before, -math.inf), kernel, strides, around, dilations, ceil)

    return Operation(run=run, inputs=reading.tensors(1))


def average_pool(reading: NodeReading) -> Operation:
    """The mean of the cells under the window, with or without those of the padding."""
    kernel, strides, dilations, ceil = _window(reading)
    if dilations != (1, 1):
        raise reading.refusal("means over windows with gaps are not known")
    pads = _pads(reading, kernel, strides, dilations)
    whole = bool(reading.attribute("count_include_pad", 0))
    before, around = _split(pads)
    if before is None and all(2 * n <= k for n, k in zip(around, kernel, strict=True)):
        return Operation(
            run=lambda x: F.avg_pool2d(x, kernel, strides, around, ceil, whole),
            inputs=reading.tensors(1),
        )
    if ceil:
        raise reading.refusal("its padding has two widths and its last window may be cut off")

    def total(x: Tensor) -> Tensor:
        return F.avg_pool2d(_around(x, pads), kernel, strides, divisor_override=1)

    counted = torch.ones((1, 1, *reading.shape(0)[2:]))
    cells = torch.full((), float(kernel[0] * kernel[1])) if whole else total(counted)
    return Operation(run=lambda x: total(x) / cells.to(x), inputs=reading.tensors(1))


def _require_maps(reading: NodeReading) -> None:
    if len(reading.shape(0)) != 4:
        raise reading.refusal("only maps with a height and a width are known")


def _window(
    reading: NodeReading,
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int], bool]:
    _require_maps(reading)
    height, width = reading.attribute("kernel_shape", None)
    ceil = bool(reading.attribute("ceil_mode", 0))
    return (height, width), _pair(reading, "strides"), _pair(reading, "dilations"), ceil


def _pair(reading: NodeReading, name: str) -> tuple[int, int]:
    height, width = reading.attribute(name, (1, 1))
    return int(height), int(width)


def _pads(
    reading: NodeReading,
    kernel: tuple[int, ...],
    strides: tuple[int, int],
    dilations: tuple[int, int],
) -> Pads:
    """What the node states, or what its rule gives for a map of this size."""
    rule = reading.attribute("auto_pad", "NOTSET")
    if rule == "VALID":
        return 0, 0, 0, 0
    if rule == "NOTSET":
        top, left, bottom, right = reading.attribute("pads", (0, 0, 0, 0))
        return int(top), int(left), int(bottom), int(right)
    starts, ends = [], []
    for length, k, stride, dilation in zip(
        reading.shape(0)[2:], kernel, strides, dilations, strict=True
    ):
        steps = -(-length // stride)
        total = max(0, (steps - 1) * stride + (k - 1) * dilation + 1 - length)
        less, more = total // 2, total - total // 2
        starts.append(more if rule == "SAME_LOWER" else less)
        ends.append(less if rule == "SAME_LOWER" else more)
    return starts[0], starts[1], ends[0], ends[1]


def _split(pads: Pads) -> tuple[Pads | None, tuple[int, int]]:
    """What must be put around the map beforehand, and what the window's operator does itself."""
    top, left, bottom, right = pads
    if (top, left) == (bottom, right) and min(pads) >= 0:
        return None, (top, left)
    return pads, (0, 0)


def _around(x: Tensor, pads: Pads | None, value: float = 0.0) -> Tensor:
    if pads is None:
        return x
    top, left, bottom, right = pads
    return F.pad(x, (left, right, top, bottom), value=value)
