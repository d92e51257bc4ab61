"""A model's files from anybody: one sentence, whatever is in them, and nothing else is opened."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from sightglass.encoders.embeddings import Embeddings
from sightglass.encoders.onnx import OnnxEncoder
from sightglass.encoders.onnx_whole import check_whole
from sightglass.encoders.registry import MINI_FOLDER
from sightglass.errors import ModelError

WEIGHTS = numpy_helper.from_array(np.ones((3, 4), np.float32), "w")
CARD = json.loads((MINI_FOLDER / "encoder.json").read_text(encoding="utf-8"))


def network(weights: Sequence[TensorProto] = (WEIGHTS,), operator: str = "MatMul") -> bytes:
    """Pictures to the means of their channels times four weights each."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node(operator, ["flat", "w"], ["embed"]),
    ]
    shape = ["n", 3, 8, 8]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("embed", TensorProto.FLOAT, ["n", 4])],
        list(weights),
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def elsewhere(location: str) -> TensorProto:
    """The weights, said to lie in another file."""
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3, 4])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "48")):
        tensor.external_data.add(key=key, value=value)
    return tensor


def folder(place: Path, data: bytes, **changes: Any) -> Path:
    """An encoder of pictures alone whose card fits ``data``."""
    place.mkdir(exist_ok=True)
    (place / "image.onnx").write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    file = {"name": "image.onnx", "role": "image", "bytes": len(data), "sha256": sha256}
    image = {"size": [8, 8], "resize": "exact"}
    card = {"name": "x", "source": "x", "licence": "x", "dim": 4, "image": image, "files": [file]}
    (place / "encoder.json").write_text(json.dumps({**card, **changes}))
    return place


def rows(place: Path) -> np.ndarray:
    encoder = OnnxEncoder(place)
    return encoder.encode_images([encoder.prepare(Image.new("RGB", (9, 9), "red"))]).rows


def refused(place: Path, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        rows(place)
    assert "\n" not in str(caught.value)


def test_the_network_of_these_tests_works(tmp_path: Path) -> None:
    # Red alone is bright: every weight is one, so all four entries are the same.
    assert np.allclose(rows(folder(tmp_path, network())), [[0.5, 0.5, 0.5, 0.5]]) or np.allclose(
        rows(tmp_path), [[-0.5, -0.5, -0.5, -0.5]]
    )


@pytest.mark.parametrize(
    "location", ["../secret.bin", "/etc/passwd", "beside.bin", "link.bin", "", ".", "\0"]
)
def test_weights_in_another_file_are_refused_wherever_it_lies(
    tmp_path: Path, location: str
) -> None:
    secret = np.arange(12, dtype=np.float32).tobytes()
    (tmp_path / "secret.bin").write_bytes(secret)
    place = folder(tmp_path / "model", network([elsewhere(location)]))
    (place / "beside.bin").write_bytes(secret)
    (place / "link.bin").symlink_to(tmp_path / "secret.bin")
    refused(place, "names other files for them")


def _inside(tensor: TensorProto) -> list[onnx.NodeProto]:
    """Nodes that hold ``tensor`` in each way in which a node can."""
    inner = helper.make_graph([helper.make_node("Constant", [], ["c"], value=tensor)], "g", [], [])
    deeper = helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
    outer = helper.make_graph([deeper], "g", [], [])
    sparse = onnx.SparseTensorProto(values=tensor)
    return [
        helper.make_node("Constant", [], ["y"], value=tensor),
        helper.make_node("If", ["x"], ["y"], then_branch=inner),
        helper.make_node("Loop", ["x"], ["y"], body=outer),
        helper.make_node("Odd", [], ["y"], tensors=[WEIGHTS, tensor]),
        helper.make_node("Odd", [], ["y"], graphs=[outer]),
        helper.make_node("Constant", [], ["y"], sparse_value=sparse),
    ]


@pytest.mark.parametrize("at", range(6))
def test_weights_elsewhere_are_found_at_any_depth(tmp_path: Path, at: int) -> None:
    path = tmp_path / "x.onnx"
    for tensor, wanted in ((WEIGHTS, False), (elsewhere("b"), True)):
        graph = helper.make_graph([_inside(tensor)[at]], "g", [], [])
        function = helper.make_function("d", "f", [], [], [_inside(tensor)[at]], [])
        for model in (
            helper.make_model(graph),
            helper.make_model(helper.make_graph([], "g", [], []), functions=[function]),
        ):
            onnx.save(model, path)
            if wanted:
                with pytest.raises(ModelError, match="names other files"):
                    check_whole(path)
            else:
                check_whole(path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello" * 100,
        network()[:-9],
        b"\x80\x02}q\x00.",  # a pickle
        b"PK\x03\x04" + bytes(60),
        b"\x3a" + b"\xff" * 20,  # a length without end
        b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",  # 2^63 - 1 bytes
        b"\x3b\x3c" * 8,  # groups, which ONNX does not have
    ],
)
def test_what_is_no_whole_network_is_refused(tmp_path: Path, data: bytes) -> None:
    refused(folder(tmp_path, data), "is no whole ONNX file")


@pytest.mark.parametrize("dims", [[3, 2**40], [3, -4], [2**62, 2**62], [0]])
def test_weights_of_a_size_that_they_do_not_have_are_refused(
    tmp_path: Path, dims: list[int]
) -> None:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims, raw_data=bytes(48))
    refused(folder(tmp_path, network([tensor])), "onnxruntime cannot load|the network failed")


def test_an_operator_that_onnxruntime_does_not_have_is_refused(tmp_path: Path) -> None:
    refused(folder(tmp_path, network(operator="RunAnything")), "onnxruntime cannot load this file")


def test_a_network_of_no_numbers_is_refused(tmp_path: Path) -> None:
    weights = numpy_helper.from_array(np.full((3, 4), np.nan, np.float32), "w")
    refused(folder(tmp_path, network([weights])), "must give finite numbers, 1 of 1 rows")
    with pytest.raises(ModelError, match="1 of 2 rows"):
        Embeddings.of(np.array([[1.0, 0.0], [np.inf, 0.0]]), fingerprint="x")


def test_a_file_with_another_hash_is_refused_and_not_loaded(tmp_path: Path) -> None:
    place = folder(tmp_path, network())
    (place / "image.onnx").write_bytes(network([elsewhere("/etc/passwd")]))
    refused(place, r"sha256 must be [0-9a-f]{12}…, is [0-9a-f]{12}…")


@pytest.mark.parametrize(
    "name", ["../image.onnx", "/etc/passwd", "a/../../x", "C:\\x", "..\\x", "a\0", "", "."]
)
def test_a_file_of_the_card_cannot_lie_outside_of_its_folder(tmp_path: Path, name: str) -> None:
    data = network()
    file = {"name": name, "role": "image", "bytes": 1, "sha256": hashlib.sha256(data).hexdigest()}
    refused(folder(tmp_path / "model", data, files=[file]), "files in the folder are needed")


def test_a_file_that_is_a_pipe_or_a_device_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    place = folder(tmp_path, network())
    (place / "image.onnx").unlink()
    os.mkfifo(place / "image.onnx")
    refused(place, "it is no regular file")
    (place / "image.onnx").unlink()
    (place / "image.onnx").symlink_to("/dev/zero")
    refused(place, "it is no regular file")
    (place / "encoder.json").unlink()
    os.mkfifo(place / "encoder.json")
    refused(place, "a named pipe")


IMAGE, TEXT, GOLDEN = CARD["image"], CARD["text"], {"text": "a", "starts": [0.5]}


@pytest.mark.parametrize(
    "changes",
    [
        *({"dim": dim} for dim in (0, -1, 10**12, 10**30, "wide", None, [4], float("nan"))),
        *({"logit_scale": scale} for scale in (0, -1, float("nan"), float("inf"), 1e308)),
        {"logit_bias": float("nan")},
        {"auto_map": {"AutoModel": "evil.Model"}},
        *({"image": {**IMAGE, "size": size}} for size in ([0, 0], [-5, 7], [10**9] * 2, [8], 8)),
        *({"image": {**IMAGE, "resize_to": side}} for side in (0, -3, 10**9)),
        *({"image": {**IMAGE, "std": [std] * 3}} for std in (0, -1, float("nan"), float("inf"))),
        *({"image": {**IMAGE, "mean": [mean] * 3}} for mean in (float("nan"), float("-inf"))),
        *({"image": {**IMAGE, "patch_size": patch}} for patch in (0, -1, 10**9)),
        *({"image": {**IMAGE, "max_patches": most}} for most in (0, -1, 10**9)),
        *({"text": {**TEXT, "length": length}} for length in (0, -1, 10**12)),
        *({"text": {**TEXT, "pad_id": number}} for number in (-1, 10**30)),
        {"golden": [{**GOLDEN, "starts": [float("nan")]}]},
        {"golden": [{**GOLDEN, "starts": []}]},
        {"golden": [{**GOLDEN, "colour": [1, 2, 300]}]},
        {"golden": [{**GOLDEN, "picture_size": [10**9, 10**9]}]},
        {"name": "\udc80"},
    ],
)
def test_a_card_that_asks_for_what_no_encoder_needs_is_refused(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    (tmp_path / "encoder.json").write_text(json.dumps({**CARD, **changes}))
    with pytest.raises(ModelError, match="not a valid encoder card: ") as caught:
        OnnxEncoder(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ['{"a":' * 100_000, "[" * 100_000, "1" * 10_000, "\0", "\xff"])
def test_a_card_that_is_no_object_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "encoder.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelError, match="not a valid encoder card: ") as caught:
        OnnxEncoder(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("vocab.txt", b""),
        ("vocab.txt", b"\0\n" * 100),
        ("vocab.txt", b"cat\ndog\n"),
        ("vocab.txt", b"\xff\xfe\x00"),
        ("tokenizer.json", b""),
        ("tokenizer.json", b"[" * 100_000),
        ("tokenizer.json", b'{"version": "1.0", "model": {"type": "Evil"}}'),
        ("tokenizer.json", b'{"model": 7, "added_tokens": "x"}'),
    ],
)
def test_a_vocabulary_that_is_none_is_one_sentence(tmp_path: Path, name: str, data: bytes) -> None:
    place = Path(shutil.copytree(MINI_FOLDER, tmp_path / "model"))
    (place / "vocab.txt").unlink()
    (place / name).write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    new = {"name": name, "role": "vocabulary", "bytes": len(data), "sha256": sha256}
    files = [file for file in CARD["files"] if file["role"] != "vocabulary"]
    (place / "encoder.json").write_text(json.dumps({**CARD, "files": [*files, new]}))
    with pytest.raises(ModelError, match=name) as caught:
        OnnxEncoder(place).encode_texts(["a cat"])
    assert "\n" not in str(caught.value)
