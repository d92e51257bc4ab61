from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from sightglass.distillation.export.weights import quantise, reduce_weights
from sightglass.errors import ModelError


def graph(
    nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray], shape: list[int | str]
) -> onnx.ModelProto:
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return np.asarray(session.run(["y"], {"x": x})[0])


def uneven(shape: tuple[int, ...], axis: int) -> np.ndarray:
    """Random weights whose slices along ``axis`` are of very different size: 1 to 10,000."""
    scale = np.geomspace(1e-3, 10, shape[axis])
    wide = np.moveaxis(np.random.default_rng(0).standard_normal(shape), axis, -1) * scale
    return np.moveaxis(wide, -1, axis).astype(np.float32)


def test_whole_numbers_and_scales_are_those_worked_out_by_hand() -> None:
    # Rows with 127 and 2.54 as their largest: scales of 1 and 0.02. 3.4 -> 3; -1.28 / 0.02 = -64.
    weight = np.array([[127.0, 3.4, -3.6], [2.54, -1.28, 0.0], [0.0, 0.0, 0.0]], np.float32)
    small, scale = quantise(weight, axis=0)
    np.testing.assert_array_equal(small, [[127, 3, -4], [127, -64, 0], [0, 0, 0]])
    np.testing.assert_allclose(scale, [1.0, 0.02, 1.0], rtol=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(0, 3))
def test_no_entry_moves_by_more_than_half_a_scale(seed: int, axis: int) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal((4, 3, 2, 5)).astype(np.float32) * 10 ** rng.uniform(-6, 6)
    small, scale = quantise(weight, axis=axis)
    shape = [-1 if place == axis else 1 for place in range(4)]
    half = scale.reshape(shape) / 2
    assert (np.abs(weight - small * scale.reshape(shape)) <= half * (1 + 1e-4)).all()


@pytest.mark.parametrize(
    ("node", "shape", "axis", "x"),
    [
        (helper.make_node("Conv", ["x", "w"], ["y"]), (16, 8, 3, 3), 0, (2, 8, 5, 5)),
        (helper.make_node("Gemm", ["x", "w"], ["y"], transB=1), (32, 40), 0, (2, 40)),
        (helper.make_node("Gemm", ["x", "w"], ["y"]), (40, 32), 1, (2, 40)),
        (helper.make_node("MatMul", ["x", "w"], ["y"]), (40, 32), 1, (2, 3, 40)),
    ],
    ids=["Conv", "Gemm of the transposed", "Gemm", "MatMul"],
)
def test_every_output_channel_has_a_scale_of_its_own(
    node: onnx.NodeProto, shape: tuple[int, ...], axis: int, x: tuple[int, ...]
) -> None:
    model = graph([node], {"w": uneven(shape, axis)}, list(x))
    reduced = reduce_weights(model, "int8")
    inputs = np.random.default_rng(1).standard_normal(x).astype(np.float32)
    wanted, found = run(model, inputs), run(reduced, inputs)
    # One scale for all would round the channels a thousand times smaller to nothing.
    channel = 1 if node.op_type != "MatMul" else 2
    others = tuple(other for other in range(wanted.ndim) if other != channel)
    error = np.abs(found - wanted).max(others) / np.abs(wanted).max(others)
    # Half a step of 127 for each of up to 72 products; a single output may be small by chance.
    assert 1e-6 < np.median(error) < 0.02
    assert error.max() < 0.2
    assert len(reduced.SerializeToString()) < 0.45 * len(model.SerializeToString())


def test_a_weight_behind_a_transposition_is_scaled_along_its_own_axis() -> None:
    nodes = [
        helper.make_node("Transpose", ["w"], ["turned"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "turned"], ["y"]),
    ]
    reduced = reduce_weights(graph(nodes, {"w": uneven((32, 40), 0)}, [2, 40]), "int8")
    scale = next(one for one in reduced.graph.initializer if one.name == "w_scale")
    assert list(scale.dims) == [32, 1]


def test_a_table_has_a_scale_per_row() -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["ids"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "ids"], ["y"]),
    ]
    table = uneven((64, 32), 0)
    model = graph(nodes, {"table": table}, [3])
    found = run(reduce_weights(model, "int8"), np.array([0, 5, 63], np.float32))
    for row, wanted in zip(found, table[[0, 5, 63]], strict=True):
        np.testing.assert_allclose(row, wanted, atol=np.abs(wanted).max() / 254 * 1.001)


def test_half_precision_keeps_eleven_bits_and_what_it_cannot_hold_as_it_is() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("MatMul", ["a", "huge"], ["b"]),
        helper.make_node("Add", ["b", "bias"], ["y"]),
    ]
    weights = {
        "w": uneven((40, 40), 1),
        "huge": uneven((40, 40), 1) * np.float32(1e5),
        "bias": np.full(40, 1 / 3, np.float32),
    }
    reduced = reduce_weights(graph(nodes, weights, [1, 40]), "fp16")
    stored = {one.name: numpy_helper.to_array(one) for one in reduced.graph.initializer}
    assert sorted(stored) == ["bias", "huge", "w_half"]
    np.testing.assert_array_equal(stored["huge"], weights["huge"])
    np.testing.assert_array_equal(stored["bias"], weights["bias"])
    np.testing.assert_allclose(
        stored["w_half"].astype(np.float32), weights["w"], rtol=2**-11, atol=2**-25
    )


def test_fp32_leaves_every_weight_and_the_given_graph_stays_as_it_was() -> None:
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    model = graph([node], {"w": uneven((40, 32), 1)}, [1, 40])
    before = model.SerializeToString()
    assert reduce_weights(model, "fp32").SerializeToString() == before
    reduce_weights(model, "int8")
    assert model.SerializeToString() == before


def test_a_weight_that_is_no_number_is_refused() -> None:
    weight = uneven((4, 4), 0)
    weight[1, 2] = np.inf
    model = graph([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": weight}, [1, 4])
    with pytest.raises(ModelError, match="'w' has 1 that are not"):
        reduce_weights(model, "fp32")
