"""Encoder cards: what is read is written and read again the same, and its rule can be followed."""

from __future__ import annotations

import json
import math

import numpy as np
from PIL import Image

from harness import Harness, check_sentence, written
from sightglass.encoders.card import EncoderCard
from sightglass.encoders.onnx import read_card
from sightglass.encoders.preprocess import normalise, prepare
from sightglass.encoders.tokens import canonical_text
from sightglass.errors import ModelError

_CARD = {
    "name": "model",
    "source": "here",
    "licence": "Apache-2.0",
    "dim": 4,
    "logit_scale": 100.0,
    "logit_bias": -10.0,
    "image": {
        "size": [8, 6],
        "resize": "shortest_edge",
        "resize_to": 9,
        "resample": "bicubic",
        "rounding": "floor",
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "patch_size": 4,
        "max_patches": 16,
        "output": "image",
    },
    "text": {"length": 16, "lower_case": True, "padding": "longest", "pad_id": 0},
    "precision": "fp32",
    "files": [{"name": "a.onnx", "role": "image", "bytes": 3, "sha256": "0" * 64}],
    "golden": [{"text": "cat", "starts": [0.5, 0.5], "tolerance": 0.001}],
    "own_context": False,
    "notes": "none",
}
_WORDS = (
    *_CARD,
    *_CARD["image"],  # type: ignore[misc]
    *("exact", "patches", "nearest", "lanczos", "max_length", "bf16", "int8", "vocabulary", "role"),
    *("sha256", "bytes", "colour", "picture_size", "starts", "tolerance", "strip_punctuation"),
)
_PICTURE = Image.new("RGB", (7, 5), (250, 128, 3))
_LARGEST = 512  # pixels of a side; larger ones are as good, and slow


def one_input(data: bytes) -> None:
    """As ``encoder.json``."""
    path = written("encoder.json", data)
    try:
        card = read_card(path)
    except ModelError as error:
        check_sentence(error)
        return
    written("encoder.json", card.model_dump_json().encode())
    again = read_card(path)
    assert again == card, "written and read again, it is another card"
    assert again.fingerprint == card.fingerprint
    assert card.bytes >= 0
    for number in (card.logit_scale, card.logit_bias):
        assert number is None or math.isfinite(number), "a scale that is not finite"
    if card.text is not None:
        canonical_text("A cat_, dog!", card.text)
    _follow(card)


def _follow(card: EncoderCard) -> None:
    spec = card.image
    if spec is None:
        return
    sizes = (*spec.size, spec.resize_to or 0, (spec.patch_size or 0) * (spec.max_patches or 0))
    if max(sizes) > _LARGEST:
        return
    try:
        picture = prepare(_PICTURE, spec)
    except ModelError as error:
        check_sentence(error)
        return
    if spec.resize != "patches":
        assert picture.shape == (*spec.size, 3), "a picture of another size than the card says"
    assert np.isfinite(normalise([picture], spec)).all(), "pixels that are not finite"


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [json.dumps(_CARD).encode()],
    words=_WORDS,
    tree=True,
)
