"""Against a server that others wrote: transformers' own, with a model that knows nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from adapters.checkpoints import unigram_tokenizer
from commands import run
from sightglass.generation.budget import Budget
from sightglass.generation.chat import ChatServer


def write_chat_model(folder: Path) -> None:
    """A Llama with random weights that stops after 30 tokens."""
    tokenizer = unigram_tokenizer()
    tokenizer.model_max_length = 4096
    tokenizer.chat_template = (
        "{% for one in messages %}{{ one.role }}: {{ one.content }}\n{% endfor %}"
    )
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=4096,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    model.generation_config.max_new_tokens = 30
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("serve")
    write_chat_model(home / "tiny")
    (home / "hub").mkdir()
    port = free_port()
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(Path(sys.executable).with_name("transformers"), "serve", "tiny"),
                *("--host", "127.0.0.1", "--port", str(port), "--device", "cpu"),
            ],
            cwd=home,
            env={**os.environ, "HF_HUB_CACHE": str(home / "hub")},
            stdout=log,
            stderr=log,
        )
    try:
        until = time.monotonic() + 90
        while not answers(port):
            said = (home / "log").read_text(errors="replace")
            assert process.poll() is None, said
            assert time.monotonic() < until, said
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait(30)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5):
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def test_gibberish_ends_in_a_clear_sentence(base_url: str, tmp_path: Path) -> None:
    done = run(
        *("describe", "--classes", "cat,dog", "--out", "book.yaml", "--answers", "answers"),
        *("--base-url", base_url, "--llm-model", "tiny"),
        home=tmp_path,
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        "Error: Asking tiny what 2 classes (cat, dog) look like: a description of each is needed, "
        "and 3 rounds of asking did not bring it ("
    )
    assert last.endswith("the same command goes on from there.")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "book.yaml").exists()
    assert list((tmp_path / "answers").iterdir()) == []


def test_what_the_server_writes_arrives(base_url: str) -> None:
    server = ChatServer(model="tiny", base_url=base_url, key=None, budget=Budget(2))
    reply = server.ask([{"role": "user", "content": "cat"}], schema={}, what="Asking")
    assert reply.text
    assert reply.fault == "the answer was cut off"


def test_a_model_that_the_server_does_not_have_is_reported(base_url: str, tmp_path: Path) -> None:
    done = run(
        *("describe", "--classes", "cat,dog", "--base-url", base_url, "--llm-model", "large"),
        home=tmp_path,
    )
    assert done.returncode == 1
    assert "the server refuses it (400: " in done.stderr
    assert "pinned to 'tiny'; requested 'large'" in done.stderr
    assert "check the model's name" in done.stderr
