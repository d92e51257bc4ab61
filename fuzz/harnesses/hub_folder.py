"""A hub model's folder, several files at once: from its configuration to its card."""

from __future__ import annotations

import json
import shutil
import struct

from harness import Harness, check_sentence, scratch
from sightglass.encoders.hub_card import hashed_card
from sightglass.encoders.hub_checkpoint import read_checkpoint
from sightglass.errors import ModelError, UnknownNameError

_WEIGHTS = "header of the weights"
_CLIP_TENSORS = {
    "logit_scale": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]},
    "text_projection.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [4, 20]},
    "text_model.embeddings.position_embedding.weight": {
        "dtype": "F32",
        "shape": [3, 2],
        "data_offsets": [20, 44],
    },
}
_OPEN_CLIP_TENSORS = {
    "logit_scale": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]},
    "text_projection": {"dtype": "F32", "shape": [2, 2], "data_offsets": [2, 18]},
    "positional_embedding": {"dtype": "F32", "shape": [3, 2], "data_offsets": [18, 42]},
}
_CLIP = {
    "config.json": {"model_type": "clip", "vision_config": {"image_size": 8}},
    "preprocessor_config.json": {
        "size": {"shortest_edge": 8},
        "crop_size": {"height": 8, "width": 8},
        "do_center_crop": True,
        "resample": 3,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    },
    "tokenizer_config.json": {"pad_token": "!", "added_tokens_decoder": {"0": {"content": "?"}}},
    "tokenizer.json": {"added_tokens": [{"id": 1, "content": "!"}], "model": {"vocab": {"!": 1}}},
    "README.md": "---\nlicense: other\nlicense_name: mine\n---\n",
    _WEIGHTS: _CLIP_TENSORS,
}
_OPEN_CLIP = {
    "open_clip_config.json": {
        "model_cfg": {
            "embed_dim": 2,
            "vision_cfg": {"image_size": 32, "patch_size": 16, "width": 64, "layers": 1},
            "text_cfg": {"context_length": 3, "width": 8, "heads": 1, "layers": 1},
        },
        "preprocess_cfg": {"mean": [0, 0, 0], "std": [1, 1, 1], "size": [3, 32, 32]},
    },
    "tokenizer_config.json": {"pad_token": {"content": "!"}},
    "vocab.json": {"!": 0},
    _WEIGHTS: _OPEN_CLIP_TENSORS,
}
_SIGLIP = {
    **_CLIP,
    "config.json": {"model_type": "siglip2"},
    "preprocessor_config.json": {"patch_size": 4, "max_num_patches": 16},
    _WEIGHTS: {
        **_CLIP_TENSORS,
        "logit_bias": {"dtype": "F32", "shape": [1], "data_offsets": [44, 48]},
        "vision_model.head.probe": {"dtype": "F32", "shape": [1, 1, 2], "data_offsets": [48, 56]},
    },
}
_FILES = frozenset((*_CLIP, *_OPEN_CLIP, "special_tokens_map.json", "processor_config.json"))


def one_input(data: bytes) -> None:
    """As one JSON object: a file's name, and what it holds."""
    try:
        files = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(files, dict):
        return
    folder = scratch() / "model"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in sorted(_FILES & files.keys()):
        if name == _WEIGHTS:
            weights = "open_clip_model" if "open_clip_config.json" in files else "model"
            (folder / f"{weights}.safetensors").write_bytes(_safetensors(files[name]))
        else:
            content = files[name] if name == "README.md" else json.dumps(files[name])
            (folder / name).write_bytes(str(content).encode("utf-8", "surrogatepass"))
    try:
        card = hashed_card(read_checkpoint("hf:model", folder))
    except (ModelError, UnknownNameError) as error:
        check_sentence(error)
        return
    assert card.model_validate_json(card.model_dump_json()) == card


def _safetensors(header: object) -> bytes:
    text = json.dumps(header).encode()
    ends = [0]
    try:
        ends += [one["data_offsets"][1] for one in header.values()]  # type: ignore[attr-defined]
        length = max(ends)
    except (AttributeError, KeyError, TypeError, IndexError):
        length = 0
    length = length if isinstance(length, int) and 0 <= length < 4096 else 64
    return struct.pack("<Q", len(text)) + text + b"\x3f\x3f" * (length // 2) + b"?" * (length % 2)


def _words() -> tuple[str, ...]:
    inner = [
        key for model in (_CLIP, _OPEN_CLIP, _SIGLIP) for part in model.values() for key in part
    ]
    kinds = ("dinov2", "siglip", "clip", "siglip2", "shortest_edge", "do_rescale", "do_normalize")
    settings = ("mode", "interpolation", "resize_mode", "squash", "F16", "F64", "I64", "pad_token")
    other = ("transformers_weights", "other.safetensors")
    return (*sorted(_FILES), *(key for key in inner if len(key) > 1), *kinds, *settings, *other)


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [json.dumps(model).encode() for model in (_CLIP, _OPEN_CLIP, _SIGLIP)],
    words=_words(),
    longest=8192,
    tree=True,
)
