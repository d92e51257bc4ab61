"""Files of learned prompts."""

from __future__ import annotations

import json
import struct

import numpy as np

from harness import Harness, check_sentence, written
from sightglass.encoders.prompted.prompt_file import read_prompts
from sightglass.errors import ModelError

_ABOUT = {
    "format": 1,
    "host": "coop",
    "depth": 1,
    "prefix": "a photo of",
    "student": "hf:model",
    "student_fingerprint": "0",
    "class_names": ["cat", "dog"],
    "teacher": "hf:teacher",
    "loss": "kdpl",
    "epochs": 1,
    "seed": 0,
    "pictures": 4,
    "note": "",
}


def one_input(data: bytes) -> None:
    """As the description in a file that is whole otherwise, then as the whole file."""
    metadata = {"sightglass": data.decode("utf-8", "replace")}
    tensors = {"context": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}}
    for whole in (_file({"__metadata__": metadata, **tensors}), data):
        path = written("prompts.safetensors", whole)
        try:
            stored = read_prompts(path)
        except ModelError as error:
            check_sentence(error)
            continue
        assert stored.size == len(whole)
        assert all(np.isfinite(tensor).all() for tensor in stored.tensors.values())


def _file(header: object) -> bytes:
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(12)


def _seeds() -> list[bytes]:
    about = json.dumps(_ABOUT)
    tensors = {"context": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}}
    return [about.encode(), _file({"__metadata__": {"sightglass": about}, **tensors})]


HARNESS = Harness(one_input=one_input, seeds=_seeds, words=tuple(_ABOUT), tree=True)
