from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from onnx_graphs import (
    SAME_PADDING_WEIGHTS,
    residual_network,
    runtime_answer,
    same_padding,
    save_graph,
)
from sightglass.encoders import graph_operators
from sightglass.encoders.graph_cut_points import CutPoint, cut_points
from sightglass.encoders.graph_network import load_graph_network
from sightglass.encoders.graph_reading import NodeReading, Operation
from sightglass.errors import ModelError, ShapeError, UnknownNameError

pytestmark = pytest.mark.usefixtures("one_thread")

SIDES = (6, 7)
INNER = ("first", "second", "last", "features", "logits")


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def whole(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def pictures(n: int, sides: tuple[int, int] = SIDES, *, top: float = 1.0) -> np.ndarray:
    return (top * np.random.default_rng(9).uniform(0, 1, (n, 3, *sides))).astype(np.float32)


# operator, constant inputs after the map, attributes, version of the operators
POSITIVE = np.array([0.5, 1.5, 2.0], np.float32)
CASES: dict[str, tuple[str, list[np.ndarray | None], dict[str, object], int]] = {
    "Add": ("Add", [noise(1, 3, 1, 1)], {}, 18),
    "Sub": ("Sub", [noise(6, 1)], {}, 18),
    "Mul": ("Mul", [noise(3, 6, 7)], {}, 18),
    "Div": ("Div", [np.float32(0.7)], {}, 18),
    "Pow": ("Pow", [np.float32(2)], {}, 18),
    "Relu": ("Relu", [], {}, 18),
    "LeakyRelu": ("LeakyRelu", [], {"alpha": 0.3}, 18),
    "Clip": ("Clip", [np.float32(-0.1), np.float32(0.2)], {}, 18),
    "Clip below": ("Clip", [None, np.float32(0.2)], {}, 18),
    "Clip nothing": ("Clip", [], {}, 18),
    "Clip of old": ("Clip", [], {"min": -0.2, "max": 0.3}, 10),
    "Sigmoid": ("Sigmoid", [], {}, 18),
    "HardSigmoid": ("HardSigmoid", [], {"alpha": 3.0, "beta": 0.4}, 18),
    "HardSigmoid's defaults": ("HardSigmoid", [], {}, 18),
    "HardSwish": ("HardSwish", [], {}, 18),
    "Tanh": ("Tanh", [], {}, 18),
    "Erf": ("Erf", [], {}, 18),
    "Gelu": ("Gelu", [], {}, 20),
    "Gelu by tanh": ("Gelu", [], {"approximate": "tanh"}, 20),
    "Identity": ("Identity", [], {}, 18),
    "Cast": ("Cast", [], {"to": TensorProto.DOUBLE}, 18),
    "Softmax": ("Softmax", [], {"axis": 1}, 18),
    "Softmax over the last": ("Softmax", [], {}, 18),
    "Softmax of old": ("Softmax", [], {}, 12),
    "Softmax of old from axis 2": ("Softmax", [], {"axis": 2}, 12),
    "ReduceMean": ("ReduceMean", [whole(2, 3)], {}, 18),
    "ReduceMean without the axes": ("ReduceMean", [whole(-1, -2)], {"keepdims": 0}, 18),
    "ReduceMean of old": ("ReduceMean", [], {"axes": [1], "keepdims": 0}, 13),
    "ReduceMean over nothing": ("ReduceMean", [], {"noop_with_empty_axes": 1}, 18),
    "GlobalAveragePool": ("GlobalAveragePool", [], {}, 18),
    "BatchNormalization": (
        "BatchNormalization",
        [POSITIVE, noise(3), noise(3, seed=1), POSITIVE[::-1].copy()],
        {"epsilon": 0.01},
        18,
    ),
    "LayerNormalization": ("LayerNormalization", [noise(7), noise(7, seed=1)], {}, 18),
    "LayerNormalization over two axes": (
        "LayerNormalization",
        [noise(6, 7)],
        {"axis": 2, "epsilon": 0.1},
        18,
    ),
    "MatMul": ("MatMul", [noise(7, 4)], {}, 18),
    "Flatten": ("Flatten", [], {}, 18),
    "Reshape": ("Reshape", [whole(0, -1)], {}, 18),
    "Reshape that names the pictures": ("Reshape", [whole(-1, 3 * 6 * 7)], {}, 18),
    "Reshape of the map": ("Reshape", [whole(0, 0, 42)], {}, 18),
    "Unsqueeze": ("Unsqueeze", [whole(2)], {}, 18),
    "Transpose": ("Transpose", [], {"perm": [0, 2, 3, 1]}, 18),
    "Slice": ("Slice", [whole(1, -3), whole(9999, -1), whole(2, 3), whole(2, 1)], {}, 18),
    "Slice of every axis": ("Slice", [whole(0, 1), whole(2**62, 2)], {}, 18),
    "Slice of old": ("Slice", [], {"starts": [1], "ends": [3], "axes": [1]}, 9),
    "Gather": ("Gather", [whole(2, 0)], {"axis": 1}, 18),
    "Gather of one": ("Gather", [np.int64(-1)], {"axis": 2}, 18),
    "Gather of many": ("Gather", [np.array([[0, 1], [5, 3]])], {"axis": 3}, 18),
    "Conv": ("Conv", [noise(4, 3, 3, 3), noise(4)], {}, 18),
    "Conv with gaps": (
        "Conv",
        [noise(4, 3, 2, 2)],
        {"dilations": [2, 3], "strides": [2, 1], "pads": [1, 2, 1, 2]},
        18,
    ),
    "Conv with two paddings": ("Conv", [noise(4, 3, 3, 2)], {"pads": [0, 1, 1, 2]}, 18),
    "Conv in groups": ("Conv", [noise(6, 1, 3, 3), noise(6)], {"group": 3}, 18),
    "Conv with more below": (
        "Conv",
        [noise(4, 3, 3, 4)],
        {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
        18,
    ),
    "Conv with more above": (
        "Conv",
        [noise(4, 3, 2, 4)],
        {"auto_pad": "SAME_LOWER", "strides": [1, 2]},
        18,
    ),
    "Conv without padding": ("Conv", [noise(4, 3, 3, 3)], {"auto_pad": "VALID"}, 18),
    "MaxPool": ("MaxPool", [], {"kernel_shape": [3, 2], "strides": [2, 2]}, 18),
    "MaxPool with padding": (
        "MaxPool",
        [],
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
        18,
    ),
    "MaxPool with two paddings": (
        "MaxPool",
        [],
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 1, 1], "dilations": [1, 2]},
        18,
    ),
    "MaxPool with wide padding": (
        "MaxPool",
        [],
        {"kernel_shape": [3, 3], "pads": [2, 2, 2, 2]},
        18,
    ),
    "MaxPool with a last window": (
        "MaxPool",
        [],
        {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
        18,
    ),
    "AveragePool": ("AveragePool", [], {"kernel_shape": [2, 3], "strides": [2, 1]}, 18),
    "AveragePool without its padding": (
        "AveragePool",
        [],
        {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]},
        18,
    ),
    "AveragePool with its padding": (
        "AveragePool",
        [],
        {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1},
        18,
    ),
    "AveragePool with two paddings": (
        "AveragePool",
        [],
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 1, 1, 0]},
        18,
    ),
    "AveragePool that counts two paddings": (
        "AveragePool",
        [],
        {"kernel_shape": [3, 3], "pads": [0, 1, 1, 0], "count_include_pad": 1},
        18,
    ),
    "Pad": ("Pad", [whole(0, 0, 1, 2, 0, 0, 0, 3), np.float32(0.5)], {}, 18),
    "Pad of channels": ("Pad", [whole(0, 1, 0, 0, 0, 2, 0, 0)], {}, 18),
    "Pad of named axes": ("Pad", [whole(1, 2), None, whole(3)], {}, 18),
    "Pad that crops": ("Pad", [whole(0, 0, -1, 0, 0, 0, 0, -2)], {}, 18),
    "Pad by reflection": ("Pad", [whole(0, 0, 1, 2, 0, 0, 2, 3)], {"mode": "reflect"}, 18),
    "Pad by the edge": ("Pad", [whole(0, 0, 1, 0, 0, 0, 0, 2)], {"mode": "edge"}, 18),
    "Pad of old": ("Pad", [], {"pads": [0, 0, 1, 1, 0, 0, 0, 0], "value": 2.0}, 10),
}


def save_case(path: Path, name: str) -> Path:
    operator, constants, attributes, opset = CASES[name]
    inputs = ["" if one is None else f"c{index}" for index, one in enumerate(constants)]
    nodes = [
        helper.make_node("Sub", ["pixels", "half"], ["centred"]),
        helper.make_node(operator, ["centred", *inputs], ["y"], **attributes),
    ]
    weights = {f"c{i}": one for i, one in enumerate(constants) if one is not None}
    return save_graph(path, nodes, {**weights, "half": np.float32(0.5)}, opset=opset)


@pytest.mark.parametrize("name", CASES)
def test_an_operator_gives_in_torch_what_onnxruntime_gives(name: str, tmp_path: Path) -> None:
    path = save_case(tmp_path / "one.onnx", name)
    pixels = pictures(3)
    (found,) = load_graph_network(path, size=SIDES)(torch.from_numpy(pixels))
    (expected,) = runtime_answer(path, pixels)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-6, rtol=1e-5)


def test_every_operator_that_is_offered_is_compared_with_onnxruntime() -> None:
    compared = {operator for operator, _, _, _ in CASES.values()}
    # Compared below, in graphs of several nodes.
    assert set(graph_operators._OPERATORS) - compared == {"Concat", "Gemm", "Sqrt", "Squeeze"}


@pytest.mark.parametrize("across", [0, 1])
def test_a_head_of_several_operators_gives_what_onnxruntime_gives(
    across: int, tmp_path: Path
) -> None:
    make = helper.make_node
    nodes = [
        make("Mul", ["pixels", "pixels"], ["squares"]),
        make("Sqrt", ["squares"], ["roots"]),
        make("GlobalAveragePool", ["roots"], ["pooled"]),
        make("Squeeze", ["pooled", "axes"], ["rows"]),
        make("Gemm", ["rows", "w", "b"], ["y"], transB=across, alpha=0.5, beta=2.0),
    ]
    weights = {
        "axes": whole(2, 3),
        "w": noise(5, 3) if across else noise(3, 5),
        "b": noise(5, seed=1),
    }
    path = save_graph(tmp_path / "head.onnx", nodes, weights)
    pixels = pictures(4)
    (found,) = load_graph_network(path, size=SIDES)(torch.from_numpy(pixels))
    np.testing.assert_allclose(found.numpy(), runtime_answer(path, pixels)[0], atol=1e-5)


def test_what_is_the_same_for_every_picture_is_joined_to_each(tmp_path: Path) -> None:
    # As exporters write a class token: repeated as often as there are pictures.
    make = helper.make_node
    nodes = [
        make("Reshape", ["pixels", "rows"], ["tokens"]),
        make("Shape", ["pixels"], ["shape"]),
        make("Gather", ["shape", "first"], ["n"], axis=0),
        make("Concat", ["n", "one_row"], ["repeated"], axis=0),
        make("Expand", ["token", "repeated"], ["class"]),
        make("Concat", ["class", "tokens", "tokens"], ["y"], axis=1),
    ]
    weights = {
        "rows": whole(0, 3, 42),
        "first": whole(0),
        "one_row": whole(1, 42),
        "token": noise(1, 1, 42),
    }
    path = save_graph(tmp_path / "token.onnx", nodes, weights)
    pixels = pictures(3)
    (found,) = load_graph_network(path, size=SIDES)(torch.from_numpy(pixels))
    assert found.shape == (3, 7, 42)
    np.testing.assert_array_equal(found.numpy(), runtime_answer(path, pixels)[0])


def test_tokens_of_several_pictures_stay_apart(tmp_path: Path) -> None:
    # A linear layer on tokens: onnxruntime would make one matrix of all of them.
    make = helper.make_node
    nodes = [
        make("Reshape", ["pixels", "rows"], ["tokens"]),
        make("MatMul", ["tokens", "w"], ["product"]),
        make("Add", ["product", "b"], ["y"]),
    ]
    weights = {"rows": whole(0, 3, 42), "w": noise(42, 5), "b": noise(5)}
    path = save_graph(tmp_path / "tokens.onnx", nodes, weights)
    pixels = pictures(3)
    (found,) = load_graph_network(path, size=SIDES)(torch.from_numpy(pixels))
    np.testing.assert_allclose(found.numpy(), runtime_answer(path, pixels)[0], atol=1e-4)


@settings(max_examples=12, deadline=None)
@given(
    st.integers(5, 12),
    st.integers(5, 12),
    st.sampled_from([1, 2, 3]),
    st.sampled_from([2, 3, 5]),
)
def test_padding_that_is_computed_from_the_shape_is_that_of_the_size_asked_for(
    height: int, width: int, stride: int, kernel: int
) -> None:
    nodes = [
        helper.make_node("Mul", ["pixels", "two"], ["doubled"]),
        *same_padding("p", "doubled", kernel=kernel, stride=stride),
        helper.make_node("Conv", ["p_padded", "w"], ["y"], strides=[stride, stride]),
    ]
    weights = {**SAME_PADDING_WEIGHTS, "w": noise(4, 3, kernel, kernel), "two": np.float32(2)}
    with TemporaryDirectory() as folder:
        path = save_graph(Path(folder) / "same.onnx", nodes, weights)
        pixels = pictures(2, (height, width))
        (found,) = load_graph_network(path, size=(height, width))(torch.from_numpy(pixels))
        (expected,) = runtime_answer(path, pixels)
    # TensorFlow's SAME: as many cells as steps, the last of them perhaps over the edge.
    assert found.shape[2:] == (-(-height // stride), -(-width // stride))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("sides", [(32, 32), (33, 47), (40, 24)])
def test_inner_tensors_are_those_of_onnxruntime_at_any_size(
    sides: tuple[int, int], tmp_path: Path
) -> None:
    path = residual_network(tmp_path / "net.onnx")  # which says 224 x 224
    pixels = pictures(3, sides, top=255)
    network = load_graph_network(path, size=sides, outputs=INNER)
    # Its input is declared as 224 x 224; what onnxruntime is compared by takes any size.
    model = onnx.load(path)
    for dimension, side in zip((2, 3), sides, strict=True):
        model.graph.input[0].type.tensor_type.shape.dim[dimension].dim_value = side
    onnx.save(model, path)
    expected = runtime_answer(path, pixels, INNER)
    found = network(torch.from_numpy(pixels))
    for name, one, other in zip(INNER, found, expected, strict=True):
        assert one.shape == other.shape, name
        np.testing.assert_allclose(one.numpy(), other, atol=1e-5 * np.abs(other).max())


def test_outputs_come_in_the_order_asked_for_even_twice(tmp_path: Path) -> None:
    path = residual_network(tmp_path / "net.onnx")
    pixels = torch.from_numpy(pictures(2, (32, 32), top=255))
    names = ("logits", "first", "logits")
    one, two, three = load_graph_network(path, size=(32, 32), outputs=names)(pixels)
    assert (one.shape, two.shape) == ((2, 5), (2, 8, 16, 16))
    assert torch.equal(one, three)
    both = load_graph_network(path, size=(32, 32))(pixels)
    assert [tuple(tensor.shape) for tensor in both] == [(2, 20), (2, 5)]


def test_a_pictures_answer_does_not_depend_on_its_neighbours(tmp_path: Path) -> None:
    path = residual_network(tmp_path / "net.onnx")
    network = load_graph_network(path, size=(33, 32), outputs=INNER)
    pixels = torch.from_numpy(pictures(5, (33, 32), top=255))
    for whole_batch, alone in zip(network(pixels), network(pixels[3:4]), strict=True):
        torch.testing.assert_close(whole_batch[3:4], alone)


def test_bfloat16_keeps_the_direction_of_features_and_maps(tmp_path: Path) -> None:
    path = residual_network(tmp_path / "net.onnx")
    pixels = torch.from_numpy(pictures(8, (64, 64), top=255))
    exact = load_graph_network(path, size=(64, 64), outputs=INNER)(pixels)
    network = load_graph_network(path, size=(64, 64), outputs=INNER, dtype=torch.bfloat16)
    for name, one, other in zip(INNER, network(pixels), exact, strict=True):
        assert one.dtype == network.dtype == torch.bfloat16
        cosines = torch.cosine_similarity(one.float().flatten(1), other.flatten(1))
        assert cosines.min() > 0.999, name


def test_whole_numbers_and_channels_last_are_taken_as_they_are(tmp_path: Path) -> None:
    network = load_graph_network(residual_network(tmp_path / "net.onnx"), size=(32, 32))
    crops = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)
    seen = crops.permute(0, 3, 1, 2)
    for one, other in zip(network(seen), network(seen.contiguous().double()), strict=True):
        torch.testing.assert_close(one, other)


def test_a_teacher_has_nothing_to_learn_to_save_or_to_ship(tmp_path: Path) -> None:
    network = load_graph_network(residual_network(tmp_path / "net.onnx"), size=(32, 32))
    assert list(network.parameters()) == []
    assert network.state_dict() == {}
    assert sum(one.numel() for one in network.buffers()) > 2_000


def test_a_student_can_learn_from_a_map_and_no_gradient_passes_it(tmp_path: Path) -> None:
    path = residual_network(tmp_path / "net.onnx")
    network = load_graph_network(path, size=(32, 32), outputs=("first",))
    pixels = torch.rand(2, 3, 32, 32, requires_grad=True)
    (found,) = network(pixels)
    assert not found.requires_grad
    stage = torch.nn.Conv2d(8, 4, 3)
    stage(found).square().mean().backward()
    assert pixels.grad is None
    assert stage.weight.grad is not None
    assert stage.weight.grad.abs().sum() > 0


def padded_twice(path: Path, outputs: tuple[str, ...]) -> Path:
    """Zeros around a map that two convolutions read, and others that a rectifier reads too."""
    make = helper.make_node
    nodes = [
        make("Pad", ["pixels", "around"], ["padded"]),
        make("Conv", ["padded", "w"], ["left"]),
        make("Conv", ["padded", "w"], ["right"], pads=[1, 0, 0, 0]),
        make("Relu", ["left"], ["left_relu"]),
        make("Relu", ["right"], ["right_relu"]),
        make("Pad", ["right", "around"], ["again"]),
        make("Relu", ["again"], ["again_relu"]),
        make("Conv", ["again", "v"], ["far"]),
    ]
    weights = {
        "around": whole(0, 0, 0, 1, 0, 0, 2, 1),
        "w": noise(4, 3, 3, 3),
        "v": noise(2, 4, 3, 3),
    }
    return save_graph(path, nodes, weights, outputs=outputs)


@pytest.mark.parametrize(
    "outputs",
    [
        ("left_relu", "right_relu", "far", "again_relu"),
        ("padded", "left", "left_relu", "right", "again", "far"),
        ("far",),
    ],
)
def test_what_becomes_part_of_a_convolution_is_still_there_where_it_is_wanted(
    outputs: tuple[str, ...], tmp_path: Path
) -> None:
    path = padded_twice(tmp_path / "padded.onnx", outputs)
    pixels = pictures(2) - np.float32(0.5)
    found = load_graph_network(path, size=SIDES, outputs=outputs)(torch.from_numpy(pixels))
    for one, other in zip(found, runtime_answer(path, pixels, outputs), strict=True):
        np.testing.assert_allclose(one.numpy(), other, atol=1e-5)


def test_a_network_that_computes_in_half_precision_comes_out_nearly_the_same(
    tmp_path: Path,
) -> None:
    make = helper.make_node
    nodes = [
        make("Cast", ["pixels"], ["half"], to=TensorProto.FLOAT16),
        make("MatMul", ["half", "w"], ["product"]),
        make("Cast", ["product"], ["y"], to=TensorProto.FLOAT),
    ]
    weights = {"w": noise(7, 4).astype(np.float16)}
    path = save_graph(tmp_path / "half.onnx", nodes, weights)
    pixels = pictures(2)
    (found,) = load_graph_network(path, size=SIDES)(torch.from_numpy(pixels))
    expected = pixels @ weights["w"].astype(np.float32)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


REFUSED: dict[str, tuple[str, list[np.ndarray], dict[str, object], str]] = {
    "Cos": ("Cos", [], {}, r"operator Cos that gives 'y' .* it is none of Add, AveragePool"),
    "Flatten": ("Flatten", [], {"axis": 0}, "operator Flatten .* mixes pictures"),
    "Flatten 2": ("Flatten", [], {"axis": 2}, "mixes pictures"),
    "ReduceMean": ("ReduceMean", [], {}, "computes across pictures"),
    "ReduceMean 0": ("ReduceMean", [whole(-4)], {}, "computes across pictures"),
    "Softmax": ("Softmax", [], {"axis": 0}, "computes across pictures"),
    "Concat": ("Concat", [noise(1, 3, 6, 7)], {"axis": 0}, "computes across pictures"),
    "Transpose": ("Transpose", [], {"perm": [1, 0, 2, 3]}, "moves the axis of the pictures"),
    "Transpose all": ("Transpose", [], {}, "moves the axis of the pictures"),
    "Reshape": ("Reshape", [whole(3, -1)], {}, "mixes pictures"),
    "Gather": ("Gather", [whole(0)], {}, "computes across pictures"),
    "Pad": ("Pad", [whole(1, 0, 0, 0, 0, 0, 0, 0)], {}, "adds pictures"),
    "Slice": ("Slice", [whole(5), whole(0), whole(2), whole(-1)], {}, "goes backwards"),
    "Cast": ("Cast", [], {"to": TensorProto.INT64}, "makes whole numbers"),
    "AveragePool": (
        "AveragePool",
        [],
        {"kernel_shape": [2, 2], "dilations": [2, 2]},
        "windows with gaps are not known",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_torch_is_not_told_to_run_is_named(name: str, tmp_path: Path) -> None:
    operator, constants, attributes, message = REFUSED[name]
    inputs = [f"c{index}" for index in range(len(constants))]
    opset = 19 if name == "AveragePool" else 18
    nodes = [
        helper.make_node("Sub", ["pixels", "half"], ["centred"]),
        helper.make_node(operator, ["centred", *inputs], ["y"], **attributes),
    ]
    weights = dict(zip(inputs, constants, strict=True)) | {"half": np.float32(0.5)}
    path = save_graph(tmp_path / "refused.onnx", nodes, weights, opset=opset)
    with pytest.raises(ModelError, match=message):
        load_graph_network(path, size=SIDES)


def test_an_operator_with_two_results_is_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("MaxPool", ["pixels"], ["y", "places"], kernel_shape=[2, 2])]
    path = save_graph(tmp_path / "two.onnx", nodes, {}, outputs=("y", "places"))
    with pytest.raises(ModelError, match=r"MaxPool .* gives more than one tensor"):
        load_graph_network(path, size=SIDES)


def test_operators_that_no_wanted_tensor_needs_need_not_be_known(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Mul", ["pixels", "pixels"], ["squares"]),
        helper.make_node("Cos", ["squares"], ["y"]),
    ]
    path = save_graph(tmp_path / "late.onnx", nodes, {})
    pixels = pictures(1)
    (found,) = load_graph_network(path, size=SIDES, outputs=("squares",))(torch.from_numpy(pixels))
    np.testing.assert_allclose(found.numpy(), pixels**2, rtol=1e-6)


def test_a_network_that_comes_out_differently_in_torch_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_case(tmp_path / "tanh.onnx", "Tanh")

    def wrong(reading: NodeReading) -> Operation:
        return Operation(run=torch.sin, inputs=reading.tensors(1))

    monkeypatch.setitem(graph_operators._OPERATORS, "Tanh", wrong)
    # sin and tanh of half differ by 0.017, of 0.46 at most.
    with pytest.raises(ModelError, match="'y' must be in torch what it is in onnxruntime"):
        load_graph_network(path, size=SIDES)


def test_a_tensor_that_is_not_there_is_told_with_its_like(tmp_path: Path) -> None:
    path = residual_network(tmp_path / "net.onnx")
    with pytest.raises(UnknownNameError, match=r"tensor of net\.onnx 'a_padd'.* 'a_padded'"):
        load_graph_network(path, size=(32, 32), outputs=("a_padd",))


def test_a_tensor_that_no_picture_changes_is_no_output(tmp_path: Path) -> None:
    path = residual_network(tmp_path / "net.onnx")
    with pytest.raises(ModelError, match="must depend on the picture, 'a_pads' is the same"):
        load_graph_network(path, size=(32, 32), outputs=("first", "a_pads"))


def test_pictures_of_another_size_are_refused(tmp_path: Path) -> None:
    network = load_graph_network(residual_network(tmp_path / "net.onnx"), size=(32, 40))
    with pytest.raises(ShapeError, match=r"shape \(n, 3, 32, 40\), got \(1, 3, 40, 32\)"):
        network(torch.zeros(1, 3, 40, 32))


def test_files_that_are_no_such_network_are_refused(tmp_path: Path) -> None:
    absent, broken = tmp_path / "absent.onnx", tmp_path / "broken.onnx"
    broken.write_bytes(b"not a graph")
    for path in (absent, broken):
        with pytest.raises(ModelError, match=f"{path.name}: this is not a readable ONNX file"):
            load_graph_network(path, size=SIDES)
    relu = helper.make_node("Relu", ["pixels"], ["y"])
    bytes_in = save_graph(
        tmp_path / "bytes.onnx",
        [helper.make_node("Cast", ["pixels"], ["y"], to=TensorProto.FLOAT)],
        {},
        kind=TensorProto.UINT8,
    )
    with pytest.raises(ModelError, match="one input of float32 pixels"):
        load_graph_network(bytes_in, size=SIDES)
    two = onnx.load(save_graph(tmp_path / "two.onnx", [relu], {}))
    two.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))
    onnx.save(two, tmp_path / "two.onnx")
    with pytest.raises(ModelError, match="one input of float32 pixels"):
        load_graph_network(tmp_path / "two.onnx", size=SIDES)


def test_weights_in_another_file_are_refused(tmp_path: Path) -> None:
    path = save_case(tmp_path / "conv.onnx", "Conv")
    onnx.save_model(
        onnx.load(path),
        path,
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    with pytest.raises(ModelError, match="weights in the same file is needed"):
        load_graph_network(path, size=SIDES)


def test_a_size_that_the_network_cannot_take_is_told(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["pixels", "w"], ["y"])]
    path = save_graph(tmp_path / "wide.onnx", nodes, {"w": noise(9, 2)})
    with pytest.raises(ModelError, match=r"wide\.onnx: onnxruntime cannot load this network"):
        load_graph_network(path, size=SIDES)


def test_cut_points_are_the_blocks_outputs_and_the_map_before_pooling(tmp_path: Path) -> None:
    path = residual_network(tmp_path / "net.onnx")
    # 40 rows of pixels give 20 and 10 rows of cells; the pooled gate inside a block is none.
    expected = [
        CutPoint("first", channels=8, stride=2),
        CutPoint("second", channels=12, stride=4),
        CutPoint("last", channels=20, stride=4),
    ]
    assert cut_points(path, size=(40, 40)) == expected
    assert cut_points(path, size=(224, 160)) == expected


def test_a_block_that_works_with_channels_last_is_a_place_to_cut(tmp_path: Path) -> None:
    # As in a ConvNeXt: a norm after the stem, depthwise, then a norm and a linear layer on the
    # channels of each cell. onnxruntime would turn the block's sum, too, under a name of its own.
    make = helper.make_node
    nodes = [
        make("Conv", ["pixels", "stem"], ["patches"], strides=[2, 2]),
        make("Transpose", ["patches"], ["patches_turned"], perm=[0, 2, 3, 1]),
        make("LayerNormalization", ["patches_turned", "gain", "bias"], ["patches_normal"]),
        make("Transpose", ["patches_normal"], ["map"], perm=[0, 3, 1, 2]),
        make("Conv", ["map", "depthwise"], ["wide"], group=4, pads=[1, 1, 1, 1]),
        make("Transpose", ["wide"], ["turned"], perm=[0, 2, 3, 1]),
        make("LayerNormalization", ["turned", "gain", "bias"], ["normal"]),
        make("MatMul", ["normal", "w"], ["mixed"]),
        make("Transpose", ["mixed"], ["back"], perm=[0, 3, 1, 2]),
        make("Add", ["map", "back"], ["block"]),
        make("Transpose", ["block"], ["block_turned"], perm=[0, 2, 3, 1]),
        make("LayerNormalization", ["block_turned", "gain", "bias"], ["block_normal"]),
        make("Transpose", ["block_normal"], ["last"], perm=[0, 3, 1, 2]),
        make("GlobalAveragePool", ["last"], ["pooled"]),
        make("Flatten", ["pooled"], ["y"]),
    ]
    weights = {
        "stem": noise(4, 3, 2, 2),
        "depthwise": noise(4, 1, 3, 3),
        "gain": noise(4),
        "bias": noise(4, seed=1),
        "w": noise(4, 4),
    }
    path = save_graph(tmp_path / "block.onnx", nodes, weights)
    assert cut_points(path, size=(8, 8)) == [
        CutPoint("block", channels=4, stride=2),
        CutPoint("last", channels=4, stride=2),
    ]
