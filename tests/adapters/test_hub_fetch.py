from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from adapters.checkpoints import write_clip, write_uneven_clip
from adapters.open_clip_checkpoints import write_open_clip_resnet, write_open_clip_vit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
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
    """What the program prints; it must be silent on the other channel."""
    keep = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, name],
        env=keep | {"HF_HOME": str(home)} | environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.strip()


@contextmanager
def hub(folder: Path | None, *, refusal: int = 404) -> Iterator[tuple[str, list[str]]]:
    """A local server that speaks as much of the hub's protocol as fetching a model needs."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, *, with_body: bool) -> None:
            asked.append(self.path)
            found = self.found()
            self.send_response(refusal if found is None else 200)
            body = b"" if found is None else found
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def found(self) -> bytes | None:
            if folder is None:
                return None
            path = self.path.partition("?")[0]
            files = sorted(folder.iterdir())
            if "/tree/" in path:
                return json.dumps(
                    [
                        {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": ""}
                        for file in files
                    ]
                ).encode()
            if path.startswith("/api/models/org/name"):
                siblings = [{"rfilename": file.name} for file in files]
                listing = {"id": "org/name", "sha": COMMIT, "siblings": siblings}
                return json.dumps(listing).encode()
            name = path.rpartition("/")[2]
            return (folder / name).read_bytes() if (folder / name).is_file() else None

        def log_message(self, *_: object) -> None:
            """Nothing: the test reads ``asked``."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_model_is_fetched_once_and_then_used_without_a_connection(tmp_path: Path) -> None:
    folder = write_clip(tmp_path / "model")
    (folder / "pytorch_model.bin").write_bytes(b"the same weights again, as a pickle")
    (folder / "flax_model.msgpack").write_bytes(b"and again")
    with hub(folder) as (address, asked):
        first = run("org/name", tmp_path / "home", HF_ENDPOINT=address)
    assert len(first) == 32
    assert not any("pytorch_model" in path or "flax" in path for path in asked)
    assert run("org/name", tmp_path / "home", HF_HUB_OFFLINE="1") == first
    assert run(str(folder), tmp_path / "other") == first


@pytest.mark.parametrize(
    "missing", ["model.safetensors", "preprocessor_config.json", "tokenizer_config.json"]
)
def test_a_half_fetched_model_is_fetched_to_the_end(tmp_path: Path, missing: str) -> None:
    folder = write_clip(tmp_path / "model")
    with hub(folder) as (address, _):
        first = run("org/name", tmp_path / "home", HF_ENDPOINT=address)
        (file,) = (tmp_path / "home").glob(f"**/snapshots/*/{missing}")
        file.unlink()
        assert "could not be fetched" in run("org/name", tmp_path / "home", HF_HUB_OFFLINE="1")
        assert run("org/name", tmp_path / "home", HF_ENDPOINT=address) == first


def test_of_a_page_in_open_clips_form_its_own_weights_alone_are_fetched(tmp_path: Path) -> None:
    folder = write_open_clip_resnet(tmp_path / "model")
    (folder / "open_clip_pytorch_model.bin").write_bytes(b"the same weights, as a pickle")
    (folder / "config.json").write_text('{"architecture": "resnet50_clip"}')
    (folder / "model.safetensors").write_bytes(b"timm's, one tower")
    with hub(folder) as (address, asked):
        first = run("org/name", tmp_path / "home", HF_ENDPOINT=address)
    assert len(first) == 32
    weights = {path.rpartition("/")[2] for path in asked if "model" in path.rpartition("/")[2]}
    assert weights == {"open_clip_model.safetensors"}
    assert run("org/name", tmp_path / "home", HF_HUB_OFFLINE="1") == first
    assert run(str(folder), tmp_path / "other") == first


def test_of_a_page_in_both_forms_one_is_fetched(tmp_path: Path) -> None:
    folder = write_open_clip_vit(tmp_path / "model", write_uneven_clip(tmp_path / "model"))
    with hub(folder) as (address, asked):
        whole = run("org/name", tmp_path / "home", HF_ENDPOINT=address)
    assert any(path.endswith("/model.safetensors") for path in asked)
    assert not any(path.endswith("/open_clip_model.safetensors") for path in asked)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with hub(folder) as (address, asked):
        other = run("org/name", tmp_path / "second", HF_ENDPOINT=address)
    assert any(path.endswith("/open_clip_model.safetensors") for path in asked)
    assert len(whole) == len(other) == 32
    assert other != whole


@pytest.mark.parametrize("missing", ["open_clip_model.safetensors", "tokenizer_config.json"])
def test_a_half_fetched_model_of_open_clip_is_fetched_to_the_end(
    tmp_path: Path, missing: str
) -> None:
    folder = write_open_clip_resnet(tmp_path / "model")
    with hub(folder) as (address, _):
        first = run("org/name", tmp_path / "home", HF_ENDPOINT=address)
        (file,) = (tmp_path / "home").glob(f"**/snapshots/*/{missing}")
        file.unlink()
        assert "could not be fetched" in run("org/name", tmp_path / "home", HF_HUB_OFFLINE="1")
        assert run("org/name", tmp_path / "home", HF_ENDPOINT=address) == first


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
    with hub(None, refusal=status) as (address, _):
        said = run("org/name", tmp_path, HF_ENDPOINT=address)
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
