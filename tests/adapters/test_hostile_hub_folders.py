"""A model's folder in the hub's form, from anybody: one sentence, and nothing in it is run."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from adapters.checkpoints import write_clip
from sightglass.encoders.hub import HubDualEncoder, load_hub_encoder
from sightglass.errors import ModelError, SightglassError

WEIGHTS = "model.safetensors"
Header = dict[str, Any]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "model"))


def used(folder: Path) -> None:
    encoder = load_hub_encoder(str(folder))
    assert isinstance(encoder, HubDualEncoder)
    encoder.encode_texts(["a cat"])
    encoder.encode_images([encoder.prepare(Image.new("RGB", (40, 30), "red"))])


def refused(folder: Path) -> None:
    with pytest.raises(SightglassError) as caught:
        used(folder)
    assert "\n" not in str(caught.value)


def test_code_that_comes_with_a_model_is_never_run(folder: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    code = (
        f"open({str(made)!r}, 'w').close()\n"
        "from transformers import CLIPConfig, CLIPModel, CLIPTokenizer, CLIPImageProcessor\n"
        "class Config(CLIPConfig): pass\nclass Model(CLIPModel): pass\n"
        "class Tokenizer(CLIPTokenizer): pass\nclass Processor(CLIPImageProcessor): pass\n"
    )
    (folder / "evil.py").write_text(code)
    named = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    named |= {"AutoTokenizer": ["evil.Tokenizer", None], "AutoImageProcessor": "evil.Processor"}
    for file in ("config.json", "tokenizer_config.json", "preprocessor_config.json"):
        settings = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps({**settings, "auto_map": named}))
    used(folder)
    assert not made.exists()


@pytest.mark.parametrize(
    "file", ["config.json", "tokenizer_config.json", "preprocessor_config.json", "tokenizer.json"]
)
@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 100_000,
        "[]",
        "\0",
        '{"model_type": "clip", "vision_config": [], "text_config": 5, "pad_token": 7, "size": "x",'
        ' "added_tokens": 5, "added_tokens_decoder": [1], "model": [], "image_mean": 7}',
    ],
)
def test_settings_of_another_form_are_one_sentence(folder: Path, file: str, text: str) -> None:
    (folder / file).write_text(text)
    refused(folder)


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("vision_config", {"num_hidden_layers": 10**9}),
        ("text_config", {"num_hidden_layers": 10**9}),
        ("vision_config", {"hidden_size": -4}),
        ("vision_config", {"image_size": "large"}),
        ("vision_config", {"num_attention_heads": 0}),
    ],
)
def test_a_network_that_its_weights_do_not_fill_is_refused(
    folder: Path, part: str, changes: dict[str, Any]
) -> None:
    config = json.loads((folder / "config.json").read_text())
    config[part].update(changes)
    (folder / "config.json").write_text(json.dumps(config))
    refused(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"crop_size": 10**9, "size": 10**9},
        {"crop_size": 0, "size": 0},
        {"crop_size": {"height": [1], "width": 2}},
        {"image_mean": [float("nan")] * 3},
        {"image_std": [0, 0, 0]},
        {"image_std": ["a", "b", "c"]},
        {"image_std": [1]},
        {"resample": 10**30},
    ],
)
def test_pictures_of_no_sensible_size_or_colour_are_refused(
    folder: Path, changes: dict[str, Any]
) -> None:
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps({**settings, **changes}))
    refused(folder)


def _first(header: Header) -> dict[str, Any]:
    return next(entry for name, entry in header.items() if name != "__metadata__")


def _changed(**changes: Any) -> Callable[[Header], Any]:
    return lambda header: _first(header).update(changes)


@pytest.mark.parametrize(
    "change",
    [
        _changed(data_offsets=[-8, 4]),
        _changed(data_offsets=[0, 10**15]),
        _changed(data_offsets=[float("inf"), 4]),
        _changed(data_offsets="ab"),
        _changed(shape=[10**12]),
        _changed(shape=[-1, -1]),
        _changed(shape=None),
        _changed(dtype=["F32"]),
        lambda header: header["logit_scale"].update(data_offsets=[-5, -1]),
        lambda header: header["logit_scale"].update(shape=[0]),
        lambda header: header.update(extra=dict(_first(header))),  # two tensors in one place
        lambda header: header.update(extra=7),
    ],
)
def test_weights_whose_header_lies_are_refused(
    folder: Path, change: Callable[[Header], Any]
) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    with pytest.raises(ModelError, match="not a complete safetensors file") as caught:
        load_hub_encoder(str(folder))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 99_000_000) + b"{}",
        struct.pack("<Q", 600_000) + b'{"a":' * 120_000,
        struct.pack("<Q", 2) + b"[]",
        b"\x80\x02}q\x00.",
    ],
)
def test_weights_without_a_header_are_refused(folder: Path, data: bytes) -> None:
    (folder / WEIGHTS).write_bytes(data)
    with pytest.raises(ModelError, match="not a complete safetensors file"):
        load_hub_encoder(str(folder))


@pytest.mark.parametrize("scale", [1e9, float("inf"), float("nan"), 50.0])
def test_a_scale_that_is_no_sensible_number_is_refused(folder: Path, scale: float) -> None:
    data = bytearray((folder / WEIGHTS).read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    first, last = json.loads(data[8 : 8 + length])["logit_scale"]["data_offsets"]
    data[8 + length + first : 8 + length + last] = struct.pack("<f", scale)
    (folder / WEIGHTS).write_bytes(data)
    refused(folder)


def test_weights_that_are_no_numbers_are_refused(folder: Path) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    first, last = json.loads(data[8 : 8 + length])["logit_scale"]["data_offsets"]
    start = 8 + length
    weights = bytearray(b"\xff" * (len(data) - start))  # NaN in every format
    weights[first:last] = data[start + first : start + last]
    (folder / WEIGHTS).write_bytes(data[:start] + weights)
    with pytest.raises(ModelError, match="must give finite numbers"):
        used(folder)


def test_an_index_of_shards_names_files_of_its_own_folder_alone(
    folder: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.safetensors"
    shutil.move(folder / WEIGHTS, outside)
    index = {"weight_map": {"a": "../outside.safetensors", "b": str(outside)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match="the index names this file, it is absent"):
        load_hub_encoder(str(folder))
