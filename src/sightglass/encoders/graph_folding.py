"""An ONNX image network for pictures of one size: what depends on the size alone is computed once.

Exporters write a layer's padding as arithmetic on the shape of its input. Once that shape is known
all of it is constant, and onnxruntime's own optimiser folds it away.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightglass.checks import require_extra
from sightglass.encoders.silent_onnxruntime import load_onnxruntime
from sightglass.errors import ModelError, unknown_name

if TYPE_CHECKING:
    import onnx
    from jaxtyping import Float32

_PURPOSE = "Running an ONNX network in torch"
# The first makes one matrix of the tokens of all pictures, with shapes that hold for one picture
# only; the second moves the axes of maps, which are then no maps that a person could cut at.
_NOT_WANTED = ["MatMulAddFusion", "TransposeOptimizer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One operator of a graph.

    Attributes:
        operator: As ONNX calls it, such as ``"Conv"``.
        inputs: Names of tensors; an optional one that is left out is ``""``.
        outputs: Names of tensors.
        attributes: As the file gives them; text is ``str``.
    """

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoldedGraph:
    """A network for one picture at a time, of one size, without arithmetic on shapes.

    Attributes:
        where: The file, for messages.
        input: Name of the tensor of pixels.
        size: Height and width in pixels.
        outputs: Names of the wanted tensors, in the order in which they were asked for.
        named: Names of the tensors that the file's own nodes give: what may be asked for.
        opset: Version of the operators; some mean another thing in an older one.
        nodes: In an order in which they can be computed.
        constants: Weights, paddings, axes.
        shapes: Of every tensor whose shape is known, for one picture.
        answer: The same network, run by onnxruntime on one picture (1, 3, height, width).
    """

    where: str
    input: str
    size: tuple[int, int]
    outputs: tuple[str, ...]
    named: frozenset[str]
    opset: int
    nodes: tuple[Node, ...]
    constants: dict[str, np.ndarray]
    shapes: dict[str, tuple[int, ...]]
    answer: Callable[[Float32[np.ndarray, "1 3 height width"]], list[np.ndarray]]


def fold_graph(
    path: Path, *, size: tuple[int, int], outputs: Sequence[str] | None = None
) -> FoldedGraph:
    """The network in ``path`` for pictures of ``size``.

    Args:
        path: An ONNX file with one input of float32 pixels (n, 3, height, width). Height and width
            that the file states do not matter.
        size: Height and width in pixels.
        outputs: Names of tensors, inner ones too; None for the file's own outputs.

    Raises:
        MissingExtraError: If onnx is not installed.
        ModelError: If the file is absent, no such network, or cannot take this size.
        UnknownNameError: If an output is no tensor of the network.
    """
    onnx = require_extra("onnx", extra="train", purpose=_PURPOSE)
    model = _read(path)
    named = frozenset(name for node in model.graph.node for name in node.output if name)
    wanted = tuple(tensor.name for tensor in model.graph.output) if outputs is None else outputs
    for name in wanted:
        if name not in named:
            raise unknown_name(f"tensor of {path.name}", name, _like(name, named))
    pixels = _fix_input(model, size, where=str(path))
    # Their declared shapes are those of another size. Asked for as outputs, inner tensors outlive
    # the optimiser.
    del model.graph.value_info[:]
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in dict.fromkeys(wanted))
    folded, answer = _optimised(model, where=str(path), wanted=list(wanted))
    nodes, constants = _parts(folded)
    for name in wanted:
        if name in constants:
            raise ModelError(
                f"{path}: an output must depend on the picture, '{name}' is the same for all of "
                f"this size. Name another tensor."
            )
    opset = max(one.version for one in folded.opset_import if one.domain in {"", "ai.onnx"})
    return FoldedGraph(
        where=str(path),
        input=pixels,
        size=size,
        outputs=tuple(wanted),
        named=named,
        opset=opset,
        nodes=_needed(nodes, wanted),
        constants=constants,
        shapes=_shapes(folded),
        answer=lambda picture: answer({pixels: picture}),
    )


def _read(path: Path) -> onnx.ModelProto:
    import onnx

    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf's error and those of reading have no common root
        reason = str(error) or type(error).__name__
        raise ModelError(f"{path}: this is not a readable ONNX file ({reason}).") from error
    if any(tensor.external_data for tensor in model.graph.initializer):
        raise ModelError(
            f"{path}: a network with its weights in the same file is needed, this one keeps them "
            f"in others. Save it as one file."
        )
    return model


def _like(name: str, named: frozenset[str]) -> list[str]:
    """The names to suggest: a network has hundreds, those of the same kind of tensor are enough."""
    kind = name.rsplit("/", 1)[-1].split("_", maxsplit=1)[0]
    alike = [
        one for one in sorted(named) if one.rsplit("/", 1)[-1].split("_", maxsplit=1)[0] == kind
    ]
    return alike or sorted(named)[:20]


def _fix_input(model: onnx.ModelProto, size: tuple[int, int], *, where: str) -> str:
    """Make the one input a picture of ``size``; its name."""
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [tensor for tensor in model.graph.input if tensor.name not in weights]
    tensor = inputs[0].type.tensor_type if inputs else None
    channels = tensor.shape.dim[1] if tensor is not None and len(tensor.shape.dim) == 4 else None
    if (
        len(inputs) != 1
        or tensor is None
        or tensor.elem_type != 1  # float32
        or channels is None
        or (channels.HasField("dim_value") and channels.dim_value != 3)
    ):
        described = [f"{one.name} ({one.type.tensor_type.elem_type})" for one in inputs]
        raise ModelError(
            f"{where}: one input of float32 pixels (n, 3, height, width) is needed, the graph has "
            f"{described or 'none'}. Export the network with such an input."
        )
    for dimension, length in zip(tensor.shape.dim, (1, 3, *size), strict=True):
        dimension.Clear()
        dimension.dim_value = length
    return str(inputs[0].name)


def _optimised(
    model: onnx.ModelProto, *, where: str, wanted: list[str]
) -> tuple[onnx.ModelProto, Callable[[dict[str, np.ndarray]], list[np.ndarray]]]:
    """What onnxruntime's optimiser makes of ``model``, and how onnxruntime runs it."""
    import onnx

    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    # Constants are folded and convolutions take in what follows them; operators stay ONNX's own.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "folded.onnx"
        options.optimized_model_filepath = str(target)
        try:
            session = onnxruntime.InferenceSession(
                model.SerializeToString(),
                options,
                providers=["CPUExecutionProvider"],
                disabled_optimizers=_NOT_WANTED,
            )
        except Exception as error:  # onnxruntime's exceptions have no common public root
            raise ModelError(
                f"{where}: onnxruntime cannot load this network for one picture of this size "
                f"({error})."
            ) from error
        folded = onnx.load(target)

    def answer(feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        try:
            return [np.asarray(tensor) for tensor in session.run(wanted, feeds)]
        except Exception as error:  # as above
            raise ModelError(
                f"{where}: the network cannot take a picture of this size ({error})."
            ) from error

    return folded, answer


def _parts(model: onnx.ModelProto) -> tuple[tuple[Node, ...], dict[str, np.ndarray]]:
    """Operators, and the arrays of everything that is constant."""
    from onnx import helper, numpy_helper

    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        if node.op_type == "Constant" and "value" in attributes:
            constants[node.output[0]] = numpy_helper.to_array(attributes["value"])
            continue
        operator = (
            node.op_type if node.domain in {"", "ai.onnx"} else f"{node.domain}.{node.op_type}"
        )
        nodes.append(
            Node(
                operator=operator,
                inputs=tuple(node.input),
                outputs=tuple(node.output),
                attributes={
                    name: value.decode() if isinstance(value, bytes) else value
                    for name, value in attributes.items()
                },
            )
        )
    return tuple(nodes), constants


def _needed(nodes: Sequence[Node], wanted: Sequence[str]) -> tuple[Node, ...]:
    """The nodes that the wanted tensors are computed from."""
    needed, kept = set(wanted), []
    for node in reversed(nodes):
        if needed.intersection(node.outputs):
            needed.update(node.inputs)
            kept.append(node)
    return tuple(reversed(kept))


def _shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """The shapes that follow from that of the input."""
    from onnx import shape_inference

    inferred = shape_inference.infer_shapes(model).graph
    found = {}
    for tensor in (*inferred.input, *inferred.value_info, *inferred.output):
        dimensions = tensor.type.tensor_type.shape.dim
        # No shape at all is an unknown one; a shape without axes is that of a number.
        known = tensor.type.tensor_type.HasField("shape")
        if known and all(one.HasField("dim_value") for one in dimensions):
            found[tensor.name] = tuple(one.dim_value for one in dimensions)
    return found
