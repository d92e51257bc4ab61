"""A model's folder in the hub's form, from anybody: one sentence, and nothing in it is run."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image

from adapters.checkpoints import write_clip
from sightglass.encoders.failed_pass import failing_in_one_sentence
from sightglass.encoders.hub import HubDualEncoder, load_hub_encoder
from sightglass.encoders.hub_tokens import load_tokenizer
from sightglass.errors import ModelError, SightglassError

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
SETTINGS = ("config.json", "preprocessor_config.json", "tokenizer_config.json", "tokenizer.json")
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


@pytest.mark.parametrize(
    "name",
    ["../{0}", "../outside/{0}", "/{0}", "{outside}", "sub/{0}", "./{0}", "..\\{0}", "C:{0}"],
)
def test_an_index_of_shards_names_files_of_its_own_folder_alone(tmp_path: Path, name: str) -> None:
    folder = write_clip(tmp_path / "model", max_shard_size="40KB")
    index = json.loads((folder / INDEX).read_text())
    shard = sorted(set(index["weight_map"].values()))[0]
    # The shard stays too: a decoy for a reader that looks at the last part of the name alone.
    for place in (tmp_path / "outside", folder / "sub"):
        place.mkdir()
        shutil.copy(folder / shard, place)
    named = name.format(shard, outside=tmp_path / "outside" / shard)
    index["weight_map"] = {
        key: named if value == shard else value for key, value in index["weight_map"].items()
    }
    (folder / INDEX).write_text(json.dumps(index))
    with pytest.raises(ModelError, match="shards in the same folder are needed") as caught:
        load_hub_encoder(str(folder))
    assert "\n" not in str(caught.value)


def test_files_may_be_links_into_the_cache_of_the_hub(tmp_path: Path) -> None:
    folder = write_clip(tmp_path / "model", max_shard_size="40KB")
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(blobs / str(number))
        path.symlink_to(Path("..", "blobs", str(number)))
    used(folder)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("vocab.txt", {"tokenizer_class": "BertTokenizer"}),
        ("tokenizer.4.0.0.json", {"fast_tokenizer_files": ["tokenizer.4.0.0.json"]}),
    ],
)
def test_a_vocabulary_under_another_name_changes_the_fingerprint_as_it_changes_tokens(
    folder: Path, name: str, settings: dict[str, Any]
) -> None:
    path = folder / "tokenizer_config.json"
    kept = json.loads(path.read_text()) | {"tokenizer_class": "PreTrainedTokenizerFast"}
    decoder = {"added_tokens_decoder": {"1": {"content": kept["pad_token"]}}}
    path.write_text(json.dumps(kept | decoder | settings))
    words = (folder / "tokenizer.json").read_text()
    (folder / "tokenizer.json").unlink()
    tree = json.loads(words)
    letters = tree["model"]["vocab"]
    letters["cat</w>"], letters["dog</w>"] = letters["dog</w>"], letters["cat</w>"]
    lists = {
        "vocab.txt": [f"[UNK]\n[CLS]\n[SEP]\n[PAD]\n{pair}\n" for pair in ("cat\ndog", "dog\ncat")],
        "tokenizer.4.0.0.json": [words, json.dumps(tree)],
    }
    found = []
    for text in lists[name]:
        (folder / name).write_text(text)
        encoder = load_hub_encoder(str(folder))
        found.append((encoder.fingerprint, load_tokenizer(folder).encode("cat").ids))
    assert found[0][1] != found[1][1]
    assert found[0][0] != found[1][0]


@pytest.mark.parametrize("part", [None, "vision_config"])
@pytest.mark.parametrize("name", ["other.safetensors", "adapter_model.bin"])
def test_settings_that_name_other_weights_than_the_hashed_ones_are_refused(
    folder: Path, part: str | None, name: str
) -> None:
    shutil.copy(folder / WEIGHTS, folder / name)
    config = json.loads((folder / "config.json").read_text())
    (config if part is None else config[part])["transformers_weights"] = name
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"config\.json names others"):
        load_hub_encoder(str(folder))


def test_an_adapter_beside_the_weights_is_refused(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "../other"}')
    with pytest.raises(ModelError, match=r"adapter_config\.json lies beside them"):
        load_hub_encoder(str(folder))


@pytest.mark.parametrize("name", [*SETTINGS, "README.md", INDEX, "vocab.json", WEIGHTS])
def test_a_pipe_in_a_folder_is_refused_and_not_waited_for(folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    with pytest.raises(ModelError, match=f"{name}: .* this is a named pipe"):
        load_hub_encoder(str(folder))


@pytest.mark.parametrize("name", [*SETTINGS, "README.md", INDEX])
def test_a_device_in_a_folder_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to("/dev/zero")
    with pytest.raises(ModelError, match=f"{name}: .* this is a device"):
        load_hub_encoder(str(folder))


@pytest.mark.parametrize("name", [*SETTINGS, INDEX, "merges.txt"])
def test_settings_and_words_without_end_are_not_read(folder: Path, name: str) -> None:
    if name == INDEX:
        (folder / WEIGHTS).unlink()
    with (folder / name).open("ab") as stream:
        stream.truncate(100_000_001)  # of zeros that take no room on the disk
    with pytest.raises(ModelError, match=f"{name}: .*100,000,000") as caught:
        load_hub_encoder(str(folder))
    assert "\n" not in str(caught.value)


def test_a_long_page_about_a_model_is_no_reason_to_refuse_it(folder: Path) -> None:
    with (folder / "README.md").open("wb") as stream:
        stream.truncate(100_000_001)
    assert load_hub_encoder(str(folder)).card.licence == "see the model's page"


@pytest.mark.parametrize(
    ("part", "changes", "side"),
    [
        ("vision_config", {"num_attention_heads": -1}, "image"),
        ("text_config", {"eos_token_id": []}, "text"),
    ],
)
def test_a_network_that_fails_on_its_inputs_is_one_sentence(
    folder: Path, part: str, changes: dict[str, Any], side: str
) -> None:
    config = json.loads((folder / "config.json").read_text())
    config[part].update(changes)
    (folder / "config.json").write_text(json.dumps(config))
    encoder = load_hub_encoder(str(folder))
    assert isinstance(encoder, HubDualEncoder)
    picture = encoder.prepare(Image.new("RGB", (40, 30), "red"))
    passes = {
        "image": lambda: encoder.encode_images([picture]),
        "text": lambda: encoder.encode_texts(["a cat"]),
    }
    with pytest.raises(ModelError, match="settings fit its weights is needed") as caught:
        passes[side]()
    assert "\n" not in str(caught.value)


def test_too_little_memory_is_not_blamed_on_the_files() -> None:
    for error in (MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")):
        with (
            pytest.raises(ModelError, match=r"^hf:x: the network needs more memory than is free"),
            failing_in_one_sentence("hf:x"),
        ):
            raise error


def test_a_run_that_is_stopped_stops() -> None:
    with pytest.raises(KeyboardInterrupt), failing_in_one_sentence("hf:x"):
        raise KeyboardInterrupt


# 214 tokens, the last of them the end of every text.
@pytest.mark.parametrize("number", [214, 10**6])
def test_tokens_that_the_network_has_no_embedding_for_are_refused(
    folder: Path, number: int
) -> None:
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    assert len(tokenizer["model"]["vocab"]) == 214
    tokenizer["model"]["vocab"]["a</w>"] = number
    path.write_text(json.dumps(tokenizer))
    encoder = load_hub_encoder(str(folder))
    assert isinstance(encoder, HubDualEncoder)
    encoder.encode_texts(["cat"])
    with pytest.raises(ModelError, match=f"has 214 tokens, this one gives number {number:,}"):
        encoder.encode_texts(["a cat"])


def test_an_id_of_the_padding_token_without_an_embedding_is_refused(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text())
    settings["added_tokens_decoder"] = {"5000": {"content": settings["pad_token"]}}
    path.write_text(json.dumps(settings))
    with pytest.raises(ModelError, match="this one gives number 5,000"):
        used(folder)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a JSON tree, words of a vocabulary aside."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in inner:
        yield (*at, key)
        if isinstance(part, dict | list) and key not in ("vocab", "merges"):
            yield from places(part, (*at, key))


@pytest.mark.parametrize("seed", range(4))
def test_a_setting_of_any_other_kind_is_used_or_refused_in_one_sentence(
    folder: Path, seed: int
) -> None:
    random = Random(seed)
    odd = [0, -1, 1.5, 10**9, 10**30, "x", None, [], {}, True, float("nan"), [0, 0, 0], {"a": 1}]
    refusals = []
    for _ in range(25):
        path = folder / random.choice(SETTINGS)
        before = path.read_text()
        tree = json.loads(before)
        *way, last = random.choice(list(places(tree)))
        part = tree
        for key in way:
            part = part[key]
        part[last] = random.choice(odd)
        path.write_text(json.dumps(tree))
        try:
            used(folder)
        except SightglassError as error:
            refusals.append(str(error))
        path.write_text(before)
    assert 0 < len(refusals) < 25
    assert not any("\n" in refusal for refusal in refusals)
