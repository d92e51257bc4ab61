from __future__ import annotations

import json
import re
import shutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from adapters.checkpoints import write_clip, write_dinov2
from sightglass.encoders.hub import HubDualEncoder, load_hub_encoder
from sightglass.errors import InputError, MissingExtraError, ModelError, UnknownNameError


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "model"))


def edit(path: Path, change: Callable[[dict], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def refused(folder: Path, message: str) -> None:
    """Loading raises one sentence-like line that holds ``message``."""
    with pytest.raises(ModelError, match=re.escape(message)) as caught:
        load_hub_encoder(str(folder))
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_configuration_is_refused(folder: Path) -> None:
    (folder / "config.json").unlink()
    refused(folder, "needs config.json, found none")


@pytest.mark.parametrize("content", ["{", "[]", "\xff\xfe"])
def test_a_malformed_configuration_is_refused(folder: Path, content: str) -> None:
    (folder / "config.json").write_bytes(content.encode("latin-1"))
    refused(folder, str(folder / "config.json"))


def test_an_unknown_type_of_model_names_the_known_ones(folder: Path) -> None:
    edit(folder / "config.json", lambda config: config.update(model_type="bert"))
    with pytest.raises(UnknownNameError, match=r"'bert'.*Known: clip, dinov2, .*siglip2"):
        load_hub_encoder(str(folder))


def test_weights_in_a_pickle_are_never_opened(folder: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.write_text, (folder / "exploded", "yes"))

    (folder / "model.safetensors").unlink()
    torch.save({"logit_scale": Bomb()}, folder / "pytorch_model.bin")
    refused(folder, "found only pytorch_model.bin, which is a pickle and is never opened")
    assert not (folder / "exploded").exists()


def test_a_folder_without_weights_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    refused(folder, "weights are needed as model.safetensors, found none")


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_weights_that_stop_early_are_refused(folder: Path, kept: int) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:kept])
    refused(folder, "model.safetensors: not a complete safetensors file")


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 not at all a tensor file",
        struct.pack("<Q", 1 << 60) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 9) + b'{"a": 12}',
    ],
)
def test_weights_that_are_something_else_are_refused(folder: Path, content: bytes) -> None:
    (folder / "model.safetensors").write_bytes(content)
    refused(folder, "model.safetensors: not a complete safetensors file")


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    folder = write_clip(tmp_path / "sharded", max_shard_size="40KB")
    lost = sorted(folder.glob("model-*.safetensors"))[1]
    lost.unlink()
    refused(folder, f"{lost}: the index names this file, it is absent")


def test_a_malformed_index_of_shards_is_refused(tmp_path: Path) -> None:
    folder = write_clip(tmp_path / "sharded", max_shard_size="40KB")
    (folder / "model.safetensors.index.json").write_text('{"weight_map": 7}')
    refused(folder, "not a valid index of shards")


def test_a_checkpoint_without_a_scale_is_refused(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    del tensors["logit_scale"]
    save_file(tensors, folder / "model.safetensors")
    refused(folder, "a clip model needs the weight 'logit_scale', found none")


@pytest.mark.parametrize("scale", [torch.zeros(2), torch.tensor(4)])
def test_a_scale_that_is_not_one_number_is_refused(folder: Path, scale: torch.Tensor) -> None:
    tensors = load_file(folder / "model.safetensors") | {"logit_scale": scale}
    save_file(tensors, folder / "model.safetensors")
    refused(folder, "one floating number is needed for a scale")


def test_a_checkpoint_with_holes_is_refused_when_it_is_loaded(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    del tensors["vision_model.post_layernorm.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    encoder = load_hub_encoder(str(folder))
    assert isinstance(encoder, HubDualEncoder)
    with pytest.raises(ModelError, match=r"missing: vision_model.post_layernorm.weight\."):
        encoder.encode_texts(["cat"])


def test_weights_of_another_size_than_the_configuration_are_refused_when_loaded(
    folder: Path,
) -> None:
    edit(folder / "config.json", lambda config: config["text_config"].update(hidden_size=64))
    encoder = load_hub_encoder(str(folder))
    assert isinstance(encoder, HubDualEncoder)
    with pytest.raises(
        ModelError, match=r"'text_model\.\S+' must be \(.*64.*\), is \(.*32.*\)\. Fetch"
    ) as caught:
        encoder.encode_texts(["cat"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("write", [write_clip, write_dinov2])
def test_a_weight_of_another_shape_is_named(tmp_path: Path, write: Callable[..., Path]) -> None:
    folder = write(tmp_path)
    path = folder / "model.safetensors"
    tensors = load_file(path)
    name = next(key for key in tensors if key.endswith("norm.weight"))
    save_file(tensors | {name: torch.ones(7)}, path, metadata={"format": "pt"})
    encoder = load_hub_encoder(str(folder))
    picture = encoder.prepare(Image.new("RGB", (40, 30)))
    with pytest.raises(ModelError, match=rf"'{name}' must be \(32,\), is \(7,\)\. Fetch"):
        encoder.encode_images([picture])


def test_embeddings_of_no_token_at_all_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    name = "text_model.embeddings.token_embedding.weight"
    save_file(load_file(path) | {name: torch.tensor(1.0)}, path, metadata={"format": "pt"})
    encoder = load_hub_encoder(str(folder))
    assert isinstance(encoder, HubDualEncoder)
    with pytest.raises(ModelError, match="which has 0 tokens"):
        encoder.encode_texts(["cat"])


def test_a_weight_is_named_whatever_its_file_puts_before_it(tmp_path: Path) -> None:
    path = write_dinov2(tmp_path) / "model.safetensors"
    tensors = {f"dinov2.{name}": tensor for name, tensor in load_file(path).items()}
    tensors["dinov2.layernorm.weight"] = torch.ones(7)
    save_file(tensors, path, metadata={"format": "pt"})
    encoder = load_hub_encoder(str(tmp_path))
    picture = encoder.prepare(Image.new("RGB", (40, 30)))
    with pytest.raises(ModelError, match=r"'dinov2.layernorm.weight' must be \(32,\), is \(7,\)"):
        encoder.encode_images([picture])


def test_a_folder_without_an_image_processor_is_refused(folder: Path) -> None:
    (folder / "preprocessor_config.json").unlink()
    refused(folder, "needs preprocessor_config.json, found none")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": {"shortest_edge": 40}, "crop_size": 40}, "pictures of 32 x 32, got 40 x 40"),
        ({"do_resize": False}, "pictures resized and scaled to 0..1"),
        ({"do_rescale": False}, "pictures resized and scaled to 0..1"),
        ({"size": {"height": 40, "width": 40}}, "a crop of the resized picture"),
        ({"resample": 9}, "settings that make sense"),
        ({"do_center_crop": False}, "settings that make sense"),
        ({"image_mean": [0.5]}, "settings that make sense"),
        ({"resample": None, "image_std": 7}, "settings that make sense"),
    ],
)
def test_an_image_processor_that_we_cannot_follow_is_refused(
    folder: Path, change: dict[str, object], message: str
) -> None:
    edit(folder / "preprocessor_config.json", lambda content: content.update(change))
    refused(folder, message)


def test_an_image_processor_that_does_not_normalise_is_followed(folder: Path) -> None:
    path = folder / "preprocessor_config.json"
    edit(path, lambda content: content.update(do_normalize=False))
    image = load_hub_encoder(str(folder)).card.image
    assert image is not None
    assert (image.mean, image.std) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def test_a_folder_without_a_tokenizer_is_refused(folder: Path) -> None:
    (folder / "tokenizer_config.json").unlink()
    refused(folder, "a text side needs tokenizer_config.json with a pad_token, found none")


def test_a_padding_token_outside_the_vocabulary_is_refused(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    edit(path, lambda content: content.update(pad_token="<nothing>"))
    refused(folder, "the padding token '<nothing>' must be in the vocabulary, it is not")


def test_a_damaged_tokenizer_is_refused_when_it_is_used(folder: Path) -> None:
    edit(folder / "tokenizer.json", lambda content: content.update(model={"type": "none"}))
    encoder = load_hub_encoder(str(folder))
    assert isinstance(encoder, HubDualEncoder)
    with pytest.raises(ModelError, match="got files that make none"):
        encoder.encode_texts(["cat"])


@pytest.mark.parametrize(
    ("stored", "pad_id"),
    [
        ({"added_tokens_decoder": {"7": {"content": "<pad>"}}, "pad_token": "<pad>"}, 7),
        ({"pad_token": {"content": "a"}}, None),
    ],
)
def test_the_padding_token_is_found_in_each_form_of_the_files(
    folder: Path, stored: dict[str, object], pad_id: int | None
) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps(stored))
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    text = load_hub_encoder(str(folder)).card.text
    assert text is not None
    assert text.pad_id == (vocabulary["a"] if pad_id is None else pad_id)


def test_int8_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="precision must be fp32 or bf16, got int8"):
        load_hub_encoder(str(folder), precision="int8")


@pytest.mark.parametrize("module", ["torch", "transformers"])
def test_a_missing_extra_says_how_to_install_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sightglass\[hub\]'"):
        load_hub_encoder(str(folder))


def test_a_vision_model_needs_no_tokenizer(tmp_path: Path) -> None:
    assert load_hub_encoder(str(write_dinov2(tmp_path))).card.text is None
