from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from sightglass.encoders import card as card_module
from sightglass.encoders.card import EncoderCard, FileEntry, Golden, ImageInput, TextInput

FILES = (
    FileEntry(name="image.onnx", role="image", bytes=100, sha256="a" * 64),
    FileEntry(name="text.onnx", role="text", bytes=23, sha256="b" * 64),
)
CARD = EncoderCard(
    name="tiny",
    source="made here",
    licence="MIT",
    dim=4,
    logit_scale=20.0,
    image=ImageInput(size=(8, 8), resize="exact"),
    text=TextInput(length=16),
    files=FILES,
)


def changed(**changes: Any) -> EncoderCard:
    return EncoderCard(**{**dict(CARD), **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"source": "elsewhere"},
        {"licence": "Apache-2.0"},
        {"notes": "now with notes"},
        {"golden": (Golden(text="cat", starts=(0.5,)),)},
        {"logit_scale": 30.0},
        {"logit_bias": -1.0},
        {"files": FILES[::-1]},
        {"files": tuple(entry.model_copy(update={"name": "moved/x"}) for entry in FILES)},
    ],
)
def test_what_moves_no_row_leaves_the_fingerprint(changes: dict[str, Any]) -> None:
    assert changed(**changes).fingerprint == CARD.fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {"dim": 5},
        {"image": ImageInput(size=(8, 9), resize="exact")},
        {"image": ImageInput(size=(8, 8), resize="exact", resample="lanczos")},
        {"image": ImageInput(size=(8, 8), resize="exact", std=(0.5, 0.5, 0.4))},
        {"image": None},
        {"text": TextInput(length=17)},
        {"text": TextInput(length=16, lower_case=True)},
        {"text": None},
        {"precision": "int8"},
        {"files": FILES[:1]},
        {"files": (FILES[0], FILES[1].model_copy(update={"sha256": "c" * 64}))},
        {"files": (FILES[0], FILES[1].model_copy(update={"role": "weights"}))},
    ],
)
def test_what_decides_a_row_changes_the_fingerprint(changes: dict[str, Any]) -> None:
    assert changed(**changes).fingerprint != CARD.fingerprint


def test_another_way_of_reading_pictures_changes_every_fingerprint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = CARD.fingerprint
    monkeypatch.setattr(card_module, "READING", "reading-next")
    assert CARD.fingerprint != before


def test_a_fingerprint_is_32_hex_digits_and_survives_the_file() -> None:
    again = EncoderCard.model_validate_json(CARD.model_dump_json())
    assert again == CARD
    assert again.fingerprint == CARD.fingerprint
    assert len(bytes.fromhex(CARD.fingerprint)) == 16


def test_a_card_weighs_as_much_as_its_files() -> None:
    assert CARD.bytes == 123
    assert changed(files=()).bytes == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"dimension": 4}, "dimension"),
        ({"dim": 0}, "dim"),
        ({"logit_scale": 0.0}, "logit_scale"),
        ({"logit_scale": -1.0}, "logit_scale"),
        ({"precision": "fp64"}, "precision"),
    ],
)
def test_a_card_with_a_wrong_or_misspelled_entry_is_refused(
    changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        changed(**changes)
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]


@pytest.mark.parametrize("sha256", ["a" * 63, "A" * 64, "g" * 64, "a" * 64 + "\n"])
def test_a_hash_that_is_none_is_refused(sha256: str) -> None:
    with pytest.raises(ValidationError):
        FileEntry(name="x", bytes=1, sha256=sha256)


def test_a_card_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        CARD.dim = 7  # type: ignore[misc]
