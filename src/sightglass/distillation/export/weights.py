"""The large weights of a graph in 16 or 8 bits; every sum is still taken in 32."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from sightglass.checks import require_extra
from sightglass.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jaxtyping import Float, Int8
    from onnx import ModelProto, NodeProto, TensorProto

ExportPrecision = Literal["fp32", "fp16", "int8"]
# Biases and norms are few, and a small error in them moves every entry of a row.
SMALLEST = 1024
_LARGEST_INT8 = 127.0
# The axis of a weight that its outputs lie on, by operator and by which input the weight is. Every
# slice along it gets a scale of its own.
_OUTPUT_AXES = {("Conv", 1): 0, ("MatMul", 1): 1, ("Gather", 0): 0}


def reduce_weights(model: ModelProto, precision: ExportPrecision) -> ModelProto:
    """A copy of ``model`` whose weights of at least ``SMALLEST`` entries take fewer bits.

    The graph turns them into 32 bits again before it computes with them, so that a row depends on
    its own input alone: nothing is scaled by what else is in a batch.

    Args:
        model: With weights in 32 bits; left as it is.
        precision: ``fp16``: every large weight as half-precision numbers. ``int8``: the weights of
            convolutions, matrix products and tables as whole numbers from -127 to 127 times one
            scale per output channel (per row of a table); other large ones as under ``fp16``.
            ``fp32``: all as they are.

    Raises:
        ModelError: If a weight is not finite.
        MissingExtraError: If onnx is not installed.
    """
    onnx = require_extra("onnx", extra="train", purpose="Exporting a model")
    reduced: ModelProto = onnx.ModelProto()
    reduced.CopyFrom(model)
    for tensor in reduced.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            _check_finite(tensor.name, onnx.numpy_helper.to_array(tensor))
    if precision == "fp32":
        return reduced
    graph = reduced.graph
    large = [
        tensor
        for tensor in graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT and math.prod(tensor.dims) >= SMALLEST
    ]
    widening = []
    for tensor in large:
        array = onnx.numpy_helper.to_array(tensor)
        axis = _output_axis(reduced, tensor.name) if precision == "int8" else None
        if axis is not None:
            stored, nodes = _in_8_bits(tensor.name, array, axis)
        elif np.abs(array).max() <= np.finfo(np.float16).max:
            stored, nodes = _in_16_bits(tensor.name, array)
        else:
            continue
        graph.initializer.remove(tensor)
        graph.initializer.extend(stored)
        widening += nodes
    nodes_before = list(graph.node)
    del graph.node[:]
    graph.node.extend([*widening, *nodes_before])
    return reduced


def quantise(
    weight: Float[np.ndarray, ...], *, axis: int
) -> tuple[Int8[np.ndarray, ...], Float[np.ndarray, " channels"]]:
    """Whole numbers ``q`` from -127 to 127 and scales ``s`` with ``weight ≈ q s``, 0 kept as 0.

    ``s`` is the largest magnitude along ``axis`` over 127, so that no entry moves by more than
    ``s / 2``. Where a channel is all zeros, ``s`` is 1.

    Source:
        Jacob et al. 2018, arXiv:1712.05877, with symmetric ranges, one for each channel.
    """
    others = tuple(other for other in range(weight.ndim) if other != axis)
    largest = np.abs(weight).max(axis=others)
    scale = np.where(largest > 0, largest / _LARGEST_INT8, 1.0).astype(np.float32)
    shape = [-1 if place == axis else 1 for place in range(weight.ndim)]
    small = np.rint(weight / scale.reshape(shape)).clip(-_LARGEST_INT8, _LARGEST_INT8)
    return small.astype(np.int8), scale


def _in_8_bits(
    name: str, array: Float[np.ndarray, ...], axis: int
) -> tuple[list[TensorProto], list[NodeProto]]:
    """What is stored of the weight ``name``, and the nodes that make it of that.

    Not by DequantizeLinear: onnxruntime works that out anew for every input, and a cast and a
    product once when it loads the graph. The bundled model's picture took 5.1 ms with the one and
    3.4 ms with the other, as many as with 32 bits.
    """
    from onnx import TensorProto, helper, numpy_helper

    small, scale = quantise(array, axis=axis)
    shape = [-1 if place == axis else 1 for place in range(array.ndim)]
    names = [f"{name}_int8", f"{name}_wide", f"{name}_scale"]
    stored = [
        numpy_helper.from_array(small, names[0]),
        numpy_helper.from_array(scale.reshape(shape), names[2]),
    ]
    nodes = [
        helper.make_node("Cast", [names[0]], [names[1]], to=TensorProto.FLOAT),
        helper.make_node("Mul", names[1:], [name]),
    ]
    return stored, nodes


def _in_16_bits(
    name: str, array: Float[np.ndarray, ...]
) -> tuple[list[TensorProto], list[NodeProto]]:
    """As ``_in_8_bits``."""
    from onnx import TensorProto, helper, numpy_helper

    half = f"{name}_half"
    stored = numpy_helper.from_array(array.astype(np.float16), half)
    return [stored], [helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT)]


def _output_axis(model: ModelProto, name: str) -> int | None:
    """The axis of the weight ``name`` that outputs lie on; None where no operator tells."""
    for node, place in _users(model, name):
        if node.op_type == "Gemm" and place == 1:
            return 0 if _attribute(node, "transB") else 1
        if (node.op_type, place) in _OUTPUT_AXES:
            return _OUTPUT_AXES[node.op_type, place]
        if node.op_type == "Transpose":
            behind = _output_axis(model, node.output[0])
            order = _attribute(node, "perm")
            if behind is not None and isinstance(order, list):
                return order[behind]
    return None


def _users(model: ModelProto, name: str) -> Iterator[tuple[NodeProto, int]]:
    """Each node that takes the tensor ``name``, and as which of its inputs."""
    for node in model.graph.node:
        for place, taken in enumerate(node.input):
            if taken == name:
                yield node, place


def _attribute(node: NodeProto, name: str) -> int | list[int]:
    """A whole number or a list of them; 0 where the node has no such attribute."""
    for attribute in node.attribute:
        if attribute.name == name:
            return list(attribute.ints) or int(attribute.i)
    return 0


def _check_finite(name: str, array: Float[np.ndarray, ...]) -> None:
    if not np.isfinite(array).all():
        raise ModelError(
            f"Export: every weight must be a finite number, '{name}' has "
            f"{np.count_nonzero(~np.isfinite(array)):,} that are not. Train the student again."
        )
