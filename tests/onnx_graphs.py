"""Small ONNX graphs made on the spot, and what onnxruntime says of them as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def save_graph(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    weights: Mapping[str, np.ndarray],
    *,
    outputs: Sequence[str] = ("y",),
    opset: int = 18,
    kind: int = TensorProto.FLOAT,
    sides: tuple[object, object] = ("h", "w"),
) -> Path:
    """A network from "pixels" (n, 3, h, w); shapes of outputs are left to whoever loads it."""
    graph = helper.make_graph(
        list(nodes),
        "small",
        [helper.make_tensor_value_info("pixels", kind, ["n", 3, *sides])],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=min(10, onnx.IR_VERSION)
    )
    onnx.save(model, path)
    return path


def runtime_answer(
    path: Path, pixels: np.ndarray, outputs: Sequence[str] = ("y",)
) -> list[np.ndarray]:
    """The named tensors by onnxruntime, without its optimiser."""
    model = onnx.load(path)
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return [np.asarray(one) for one in session.run(list(outputs), {"pixels": pixels})]


def same_padding(name: str, source: str, *, kernel: int, stride: int) -> list[onnx.NodeProto]:
    """TensorFlow's padding as exporters write it: arithmetic on the shape of ``source``.

    Reads the constants of ``SAME_PADDING_WEIGHTS``; gives ``NAME_padded``.
    """
    k, s = f"n{kernel}", f"n{stride}"

    def node(operator: str, inputs: list[str], output: str, **attributes: object) -> onnx.NodeProto:
        return helper.make_node(operator, inputs, [f"{name}_{output}"], **attributes)

    return [
        node("Shape", [source], "shape"),
        node("Gather", [f"{name}_shape", "sides"], "hw", axis=0),
        node("Add", [f"{name}_hw", s], "more"),
        node("Sub", [f"{name}_more", "n1"], "reach"),
        node("Div", [f"{name}_reach", s], "steps"),
        node("Sub", [f"{name}_steps", "n1"], "gaps"),
        node("Mul", [f"{name}_gaps", s], "span"),
        node("Add", [f"{name}_span", k], "covered"),
        node("Sub", [f"{name}_covered", f"{name}_hw"], "lacking"),
        node("Max", [f"{name}_lacking", "n0"], "total"),
        node("Div", [f"{name}_total", "n2"], "before"),
        node("Sub", [f"{name}_total", f"{name}_before"], "after"),
        node("Concat", ["none", f"{name}_before", "none", f"{name}_after"], "pads", axis=0),
        node("Pad", [source, f"{name}_pads"], "padded"),
    ]


SAME_PADDING_WEIGHTS = {
    "sides": np.array([2, 3], np.int64),
    "none": np.array([0, 0], np.int64),
    **{f"n{number}": np.array([number], np.int64) for number in range(6)},
}


def residual_network(path: Path, *, seed: int = 0) -> Path:
    """Two blocks after a stem, TensorFlow's padding throughout, weights in half precision.

    Named tensors: "first" (8 channels, stride 2), "second" (12, stride 4), "last" (20, stride 4),
    "features" (n, 20), "logits" (n, 5).
    """
    rng = np.random.default_rng(seed)
    shapes = {
        "stem": (8, 3, 3, 3),
        "a": (8, 8, 3, 3),
        "down": (12, 8, 3, 3),
        "b": (12, 1, 5, 5),
        "c": (12, 12, 1, 1),
        "top": (20, 12, 1, 1),
        "head": (5, 20),
    }
    halves = {
        f"{name}_half": rng.normal(0, np.prod(shape[1:]) ** -0.5, shape).astype(np.float16)
        for name, shape in shapes.items()
    }
    make = helper.make_node
    nodes = [make("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT) for name in shapes]
    nodes += [
        make("Sub", ["pixels", "grey"], ["centred"]),
        make("Div", ["centred", "grey"], ["scaled"]),
        *same_padding("stem", "scaled", kernel=3, stride=2),
        make("Conv", ["stem_padded", "stem"], ["stem_out"], strides=[2, 2]),
        make("Relu", ["stem_out"], ["stem_relu"]),
        *same_padding("a", "stem_relu", kernel=3, stride=1),
        make("Conv", ["a_padded", "a"], ["a_out"]),
        make("Add", ["a_out", "stem_relu"], ["first"]),
        *same_padding("down", "first", kernel=3, stride=2),
        make("Conv", ["down_padded", "down"], ["down_out"], strides=[2, 2]),
        make("Relu", ["down_out"], ["down_relu"]),
        *same_padding("b", "down_relu", kernel=5, stride=1),
        make("Conv", ["b_padded", "b"], ["b_out"], group=12),
        # A gate inside the block: its pooled map is no place to cut.
        make("GlobalAveragePool", ["b_out"], ["gate_mean"]),
        make("Conv", ["gate_mean", "c"], ["gate_out"]),
        make("Sigmoid", ["gate_out"], ["gate"]),
        make("Mul", ["b_out", "gate"], ["gated"]),
        make("Add", ["gated", "down_relu"], ["sum"]),
        make("Relu", ["sum"], ["second"]),
        make("Conv", ["second", "top"], ["top_out"]),
        make("Relu", ["top_out"], ["last"]),
        make("ReduceMean", ["last", "sides"], ["pooled"], keepdims=1),
        make("Flatten", ["pooled"], ["features"]),
        make("Gemm", ["features", "head"], ["logits"], transB=1),
    ]
    weights = {**halves, **SAME_PADDING_WEIGHTS, "grey": np.float32(127.5)}
    return save_graph(path, nodes, weights, outputs=("features", "logits"), sides=(224, 224))
