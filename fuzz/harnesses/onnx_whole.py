"""The search of ONNX files for weights elsewhere, held against onnx's own parser."""

from __future__ import annotations

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import (
    _get_all_tensors,
    uses_external_data,
)

from harness import Harness, check_sentence, written
from sightglass.encoders.onnx_whole import check_whole
from sightglass.errors import ModelError


def one_input(data: bytes) -> None:
    """As a network."""
    refused = False
    try:
        check_whole(written("network.onnx", data))
    except ModelError as error:
        check_sentence(error)
        refused = True
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError:
        return
    elsewhere = any(uses_external_data(tensor) for tensor in _get_all_tensors(model))
    assert refused or not elsewhere, "weights elsewhere that nobody saw"


def _seeds() -> list[bytes]:
    shape = [1, 2]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy"]
    weights = numpy_helper.from_array(np.ones((2, 2), np.float32), "w")
    constant = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.ones(1)))
    nodes = [constant, helper.make_node("MatMul", ["x", "w"], ["y"])]
    whole = helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], [weights]))
    inner = helper.make_graph([constant], "inner", [], ends[1:], [weights])
    branch = helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
    nested = helper.make_model(helper.make_graph([branch], "g", ends[:1], ends[1:]))
    models = [whole, nested]
    for model in (whole, nested):
        moved = onnx.ModelProto.FromString(model.SerializeToString())
        tensor = next(iter(_get_all_tensors(moved)))
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../weights")
        models.append(moved)
    return [model.SerializeToString() for model in models]


HARNESS = Harness(
    one_input=one_input,
    seeds=_seeds,
    words=(
        "\x70\x01",
        "\x6a\x08",
        "\x3a",
        "\x2a",
        "\x0a",
        "\x1b",
        "\x1c",
        "\xf0\x80\x00\x01",
        "location",
    ),
    longest=1024,
)
