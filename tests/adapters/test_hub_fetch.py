from __future__ import annotations

from pathlib import Path

import pytest

from adapters.checkpoints import write_clip, write_uneven_clip
from adapters.open_clip_checkpoints import write_open_clip_resnet, write_open_clip_vit
from hub_server import HubServer, told_by

PROGRAM = """
import sys
from sightglass.encoders.hub import load_hub_encoder
from sightglass.errors import ModelError
try:
    encoder = load_hub_encoder(sys.argv[1], precision="fp32")
    print(encoder.fingerprint)
except ModelError as error:
    print(error)
assert "torch" not in sys.modules
"""


def run(name: str, home: Path, **environment: str) -> str:
    """What the program prints."""
    return told_by(PROGRAM, name, home=home, **environment)


def test_a_model_is_fetched_once_and_then_used_without_a_connection(tmp_path: Path) -> None:
    folder = write_clip(tmp_path / "model")
    (folder / "pytorch_model.bin").write_bytes(b"the same weights again, as a pickle")
    (folder / "flax_model.msgpack").write_bytes(b"and again")
    with HubServer(folder) as hub:
        first = run("org/name", tmp_path / "home", HF_ENDPOINT=hub.url)
    assert len(first) == 32
    assert not any("pytorch_model" in path or "flax" in path for path in hub.asked)
    assert run("org/name", tmp_path / "home", HF_HUB_OFFLINE="1") == first
    assert run(str(folder), tmp_path / "other") == first


@pytest.mark.parametrize(
    "missing", ["model.safetensors", "preprocessor_config.json", "tokenizer_config.json"]
)
def test_a_half_fetched_model_is_fetched_to_the_end(tmp_path: Path, missing: str) -> None:
    folder = write_clip(tmp_path / "model")
    with HubServer(folder) as hub:
        first = run("org/name", tmp_path / "home", HF_ENDPOINT=hub.url)
        (file,) = (tmp_path / "home").glob(f"**/snapshots/*/{missing}")
        file.unlink()
        assert "could not be fetched" in run("org/name", tmp_path / "home", HF_HUB_OFFLINE="1")
        assert run("org/name", tmp_path / "home", HF_ENDPOINT=hub.url) == first


def test_of_a_page_in_open_clips_form_its_own_weights_alone_are_fetched(tmp_path: Path) -> None:
    folder = write_open_clip_resnet(tmp_path / "model")
    (folder / "open_clip_pytorch_model.bin").write_bytes(b"the same weights, as a pickle")
    (folder / "config.json").write_text('{"architecture": "resnet50_clip"}')
    (folder / "model.safetensors").write_bytes(b"timm's, one tower")
    with HubServer(folder) as hub:
        first = run("org/name", tmp_path / "home", HF_ENDPOINT=hub.url)
    assert len(first) == 32
    weights = {path.rpartition("/")[2] for path in hub.asked if "model" in path.rpartition("/")[2]}
    assert weights == {"open_clip_model.safetensors"}
    assert run("org/name", tmp_path / "home", HF_HUB_OFFLINE="1") == first
    assert run(str(folder), tmp_path / "other") == first


def test_of_a_page_in_both_forms_one_is_fetched(tmp_path: Path) -> None:
    folder = write_open_clip_vit(tmp_path / "model", write_uneven_clip(tmp_path / "model"))
    with HubServer(folder) as hub:
        whole = run("org/name", tmp_path / "home", HF_ENDPOINT=hub.url)
    assert any(path.endswith("/model.safetensors") for path in hub.asked)
    assert not any(path.endswith("/open_clip_model.safetensors") for path in hub.asked)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with HubServer(folder) as hub:
        other = run("org/name", tmp_path / "second", HF_ENDPOINT=hub.url)
    assert any(path.endswith("/open_clip_model.safetensors") for path in hub.asked)
    assert len(whole) == len(other) == 32
    assert other != whole


@pytest.mark.parametrize("missing", ["open_clip_model.safetensors", "tokenizer_config.json"])
def test_a_half_fetched_model_of_open_clip_is_fetched_to_the_end(
    tmp_path: Path, missing: str
) -> None:
    folder = write_open_clip_resnet(tmp_path / "model")
    with HubServer(folder) as hub:
        first = run("org/name", tmp_path / "home", HF_ENDPOINT=hub.url)
        (file,) = (tmp_path / "home").glob(f"**/snapshots/*/{missing}")
        file.unlink()
        assert "could not be fetched" in run("org/name", tmp_path / "home", HF_HUB_OFFLINE="1")
        assert run("org/name", tmp_path / "home", HF_ENDPOINT=hub.url) == first


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "the hub knows no such public model"),
        (404, "the hub knows no such public model"),
        (403, "its authors ask for an agreement on the model's page first"),
        (418, "the hub answered 418"),
    ],
)
def test_a_refusal_of_the_hub_is_one_sentence(tmp_path: Path, status: int, reason: str) -> None:
    with HubServer(None, refusal=status) as hub:
        said = run("org/name", tmp_path, HF_ENDPOINT=hub.url)
    assert said == (
        f"hf:org/name: the model is not on this machine and could not be fetched ({reason}). "
        "Run once with a connection, or give a folder: hf:FOLDER."
    )


def test_without_a_connection_the_reason_is_told_at_once(tmp_path: Path) -> None:
    # Port 9 of this machine: nobody listens.
    said = run("org/name", tmp_path, HF_ENDPOINT="http://127.0.0.1:9")
    assert said.startswith("hf:org/name: the model is not on this machine")
    assert "(the hub could not be reached)" in said
    assert "(HF_HUB_OFFLINE is set)" in run("org/name", tmp_path, HF_HUB_OFFLINE="1")


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "~/no-such-folder", "a/b/c", ""])
def test_a_path_that_does_not_exist_is_not_looked_up_on_the_hub(tmp_path: Path, name: str) -> None:
    said = run(name, tmp_path, HF_ENDPOINT="http://127.0.0.1:9")
    assert said.startswith(f"hf:{name}: a folder with a model is needed, found none there.")


def test_a_name_that_cannot_be_a_models_is_told_so(tmp_path: Path) -> None:
    assert "(this is not a model's name)" in run("a b", tmp_path, HF_ENDPOINT="http://127.0.0.1:9")
