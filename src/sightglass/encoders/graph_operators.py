"""ONNX operators as torch has them; what a file states beside the tensors is settled once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from sightglass.encoders.graph_reading import NodeReading, Operation
from sightglass.encoders.graph_shapes import (
    concat,
    flatten,
    gather,
    reshape,
    slice_,
    squeeze,
    transpose,
)
from sightglass.encoders.graph_windows import average_pool, convolution, max_pool, pad

if TYPE_CHECKING:
    from torch import Tensor

_REAL_TYPES = {1, 10, 11, 16}  # float32, float16, float64, bfloat16 in ONNX's numbering


def operation(reading: NodeReading) -> Operation:
    """The node in torch.

    Raises:
        ModelError: If the operator is not among those that image networks are made of, or is used
            in a way that mixes pictures.
    """
    build = _OPERATORS.get(reading.node.operator)
    if build is None:
        raise reading.refusal(f"it is none of {', '.join(sorted(_OPERATORS))}")
    if len([name for name in reading.node.outputs if name]) > 1:
        raise reading.refusal("it gives more than one tensor")
    return build(reading)


def _elementwise(
    function: Callable[..., Tensor], count: int = 1
) -> Callable[[NodeReading], Operation]:
    return lambda reading: Operation(run=function, inputs=reading.tensors(count))


def _clip(reading: NodeReading) -> Operation:
    bounds: list[float | None] = []
    for index, name in ((1, "min"), (2, "max")):
        if reading.has(index):
            bounds.append(float(reading.constant(index).reshape(-1)[0]))
        else:
            found = reading.attribute(name, None)
            bounds.append(None if found is None else float(found))
    low, high = bounds
    if low is None and high is None:
        return Operation(run=lambda x: x, inputs=reading.tensors(1))
    return Operation(run=lambda x: x.clamp(low, high), inputs=reading.tensors(1))


def _hard_sigmoid(reading: NodeReading) -> Operation:
    alpha, beta = reading.attribute("alpha", 0.2), reading.attribute("beta", 0.5)
    return Operation(run=lambda x: (alpha * x + beta).clamp(0, 1), inputs=reading.tensors(1))


def _gelu(reading: NodeReading) -> Operation:
    how = reading.attribute("approximate", "none")
    return Operation(run=lambda x: F.gelu(x, approximate=how), inputs=reading.tensors(1))


def _leaky_relu(reading: NodeReading) -> Operation:
    alpha = reading.attribute("alpha", 0.01)
    return Operation(run=lambda x: F.leaky_relu(x, alpha), inputs=reading.tensors(1))


def _softmax(reading: NodeReading) -> Operation:
    rank = len(reading.shape(0))
    if reading.opset >= 13:
        axis = reading.inner_axis(reading.attribute("axis", -1), rank)
        return Operation(run=lambda x: x.softmax(axis), inputs=reading.tensors(1))
    first = reading.inner_axis(reading.attribute("axis", 1), rank)  # this axis and all after it
    return Operation(
        run=lambda x: x.flatten(first).softmax(-1).view(x.shape), inputs=reading.tensors(1)
    )


def _reduce_mean(reading: NodeReading) -> Operation:
    rank = len(reading.shape(0))
    axes = reading.integers(1, "axes")
    if not axes:
        if reading.attribute("noop_with_empty_axes", 0):
            return Operation(run=lambda x: x, inputs=reading.tensors(1))
        axes = tuple(range(rank))
    over = [reading.inner_axis(axis, rank) for axis in axes]
    keep = bool(reading.attribute("keepdims", 1))
    return Operation(run=lambda x: x.mean(over, keepdim=keep), inputs=reading.tensors(1))


def _global_average_pool(reading: NodeReading) -> Operation:
    over = list(range(2, len(reading.shape(0))))
    return Operation(run=lambda x: x.mean(over, keepdim=True), inputs=reading.tensors(1))


def _batch_normalization(reading: NodeReading) -> Operation:
    if reading.attribute("training_mode", 0):
        raise reading.refusal("it computes across pictures")
    epsilon = reading.attribute("epsilon", 1e-5)

    def run(x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
        return F.batch_norm(x, mean, variance, weight, bias, eps=epsilon)

    return Operation(run=run, inputs=reading.tensors(5))


def _layer_normalization(reading: NodeReading) -> Operation:
    shape = reading.shape(0)
    axis = reading.inner_axis(reading.attribute("axis", -1), len(shape))
    epsilon = reading.attribute("epsilon", 1e-5)

    def run(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return F.layer_norm(x, shape[axis:], weight, bias, epsilon)

    return Operation(run=run, inputs=reading.tensors(3))


def _gemm(reading: NodeReading) -> Operation:
    if reading.attribute("transA", 0) or reading.is_constant(0):
        raise reading.refusal("it computes across pictures")
    alpha, beta = reading.attribute("alpha", 1.0), reading.attribute("beta", 1.0)
    across = bool(reading.attribute("transB", 0))

    def run(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        product: Tensor = alpha * (x @ (weight.T if across else weight))
        return product if bias is None else product + beta * bias

    return Operation(run=run, inputs=reading.tensors(3))


def _cast(reading: NodeReading) -> Operation:
    if reading.attribute("to", 1) not in _REAL_TYPES:
        raise reading.refusal("it makes whole numbers")
    # One precision for all: the network's own, whichever the file names here.
    return Operation(run=lambda x: x, inputs=reading.tensors(1))


_OPERATORS: dict[str, Callable[[NodeReading], Operation]] = {
    "Add": _elementwise(torch.add, 2),
    "AveragePool": average_pool,
    "BatchNormalization": _batch_normalization,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": concat,
    "Conv": convolution,
    "Div": _elementwise(torch.div, 2),
    "Erf": _elementwise(torch.erf),
    "Flatten": flatten,
    "Gather": gather,
    "Gelu": _gelu,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_average_pool,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _elementwise(F.hardswish),
    "Identity": _elementwise(lambda x: x),
    "LayerNormalization": _layer_normalization,
    "LeakyRelu": _leaky_relu,
    "MatMul": _elementwise(torch.matmul, 2),
    "MaxPool": max_pool,
    "Mul": _elementwise(torch.mul, 2),
    "Pad": pad,
    "Pow": _elementwise(torch.pow, 2),
    "ReduceMean": _reduce_mean,
    "Relu": _elementwise(torch.relu),
    "Reshape": reshape,
    "Sigmoid": _elementwise(torch.sigmoid),
    "Slice": slice_,
    "Softmax": _softmax,
    "Sqrt": _elementwise(torch.sqrt),
    "Squeeze": squeeze,
    "Sub": _elementwise(torch.sub, 2),
    "Tanh": _elementwise(torch.tanh),
    "Transpose": transpose,
    "Unsqueeze": squeeze,
}
