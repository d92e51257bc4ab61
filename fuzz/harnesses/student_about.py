"""What stands beside a student's weights."""

from __future__ import annotations

import json

from harness import Harness, check_sentence, scratch
from sightglass.encoders.towers.student_file import ABOUT, read_about
from sightglass.errors import ModelError

_SEED = {
    "format": 1,
    "image": {"kind": "convolutional", "width": 8},
    "text": {"kind": "word_table", "width": 8},
    "vocabulary": "vocabulary.txt",
    "sha256": {"weights.safetensors": "0" * 64},
    "logit_scale": 10.0,
    "learned": {"pairs": 3},
}


def one_input(data: bytes) -> None:
    """As the JSON file of a student's folder."""
    (scratch() / ABOUT).write_bytes(data)
    try:
        about = read_about(scratch())
    except ModelError as error:
        check_sentence(error)
        return
    # NaN in the free fields equals nothing; as JSON it is null.
    assert about.vocabulary is None or "/" not in about.vocabulary
    about.model_dump_json()


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [json.dumps(_SEED).encode()],
    words=(*_SEED, "..", "a/b"),
    tree=True,
)
