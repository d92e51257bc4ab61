"""What was found, refused with which sentence."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from harness import load_harness
from sightglass.distillation.encoder.recipe import read_recipe
from sightglass.distillation.npz_file import npz_arrays
from sightglass.encoders.card import TextInput
from sightglass.encoders.hub_weights import INDEX, read_headers, weight_files
from sightglass.encoders.onnx import read_card
from sightglass.encoders.tokens import make_tokens
from sightglass.encoders.towers.student_file import ABOUT, read_about
from sightglass.encoders.word_pieces import load_tokenizer
from sightglass.errors import InputError, ModelError
from sightglass.evaluation.kdpl.known import known_datasets
from sightglass.evaluation.kdpl.split_file import read_split_file
from sightglass.evaluation.mnist_idx import read_idx
from sightglass.evaluation.restricted_pickle import read_pickled_dict
from sightglass.inputs.class_book import (
    ClassBook,
    ClassEntry,
    Confusable,
    read_class_book,
    write_class_book,
)
from sightglass.inputs.references import RECORD, read_record


def written(folder: Path, data: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_a_pickle_that_numbers_a_value_beyond_its_bytes_is_refused_before_room_is_made(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, b"}r" + struct.pack("<I", 0x7F000000) + b".")
    with pytest.raises(InputError, match=r"it numbers a value 2130706432, at byte 1\)\. Fetch"):
        read_pickled_dict(path)


@pytest.mark.parametrize("length", [1 << 20, (1 << 63) - 1])
def test_a_pickle_that_announces_more_bytes_than_it_has_is_refused(
    tmp_path: Path, length: int
) -> None:
    path = written(tmp_path, b"\x80\5\x96" + struct.pack("<Q", length) + b"abc.")
    with pytest.raises(InputError, match="must be a whole pickle of arrays"):
        read_pickled_dict(path)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_arrays_are_read_in_every_protocol_that_names_only_arrays(
    tmp_path: Path, protocol: int
) -> None:
    content = {"names": ["cat", "dog"] * 300, "numbers": list(range(500))}
    found = read_pickled_dict(written(tmp_path, pickle.dumps(content, protocol)))
    assert {str(key, "ascii") if isinstance(key, bytes) else key for key in found} == set(content)


def test_pictures_of_an_impossible_size_are_refused_even_where_there_are_none(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, b"\0\0\x08\3" + bytes(4) + b"\xff" * 8)
    with pytest.raises(
        InputError, match="pictures of 4294967295 x 4294967295 bytes, which no machine can hold"
    ):
        read_idx(path, axes=3)


def test_a_member_of_an_archive_that_is_no_array_is_refused(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("rows.npy", b"something else")
    with pytest.raises(ValueError, match=r"^'rows' in it is no array$"):
        npz_arrays(written(tmp_path, archive.getvalue()), "rows")


@pytest.mark.parametrize("text", ['!!float ""', "!!timestamp x", '!!int ""', "!!bool maybe"])
def test_a_tag_on_what_it_cannot_be_said_of_is_no_recipe(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, f"data: {text}\n".encode())
    with pytest.raises(InputError, match=r"must be YAML without tags \('!!float'\)\.$"):
        read_recipe(path)


def test_a_tokenizer_that_fails_on_a_text_is_a_model_error(tmp_path: Path) -> None:
    words = b'{"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "[UNK]"}}'
    tokenizer = load_tokenizer(written(tmp_path, words, "tokenizer.json"))
    tokens = make_tokens(tokenizer, TextInput(length=8))
    with pytest.raises(ModelError, match=r"that takes any text is needed.*Missing \[UNK\]"):
        tokens(["cat"])


def test_a_group_bears_the_entrys_own_name_to_the_space(tmp_path: Path) -> None:
    group = Confusable(classes=("A", "b"))
    book = ClassBook(classes=(ClassEntry(name=" a"), ClassEntry(name="b")), confusable=(group,))
    assert book.confusable[0].classes == (" a", "b")
    write_class_book(tmp_path / "book.yaml", book)
    assert read_class_book(tmp_path / "book.yaml") == book


@pytest.mark.parametrize("note", ["\x85", "a\x85b", "\x85\n", "'\x85\"", "a: \x85 #"])
def test_a_line_break_of_some_machines_survives_yaml(tmp_path: Path, note: str) -> None:
    book = ClassBook(classes=(ClassEntry(name="a"), ClassEntry(name="b")), notes=(note,))
    write_class_book(tmp_path / "book.yaml", book)
    assert read_class_book(tmp_path / "book.yaml").notes == (note,)


@pytest.mark.parametrize("name", ["x" * 300, "a/" + "x" * 300])
def test_an_index_that_names_what_no_file_can_be_called_is_none(tmp_path: Path, name: str) -> None:
    written(tmp_path, json.dumps({"weight_map": {"a": name}}).encode(), INDEX)
    with pytest.raises(ModelError, match=r"not a valid index of shards|shards in the same folder"):
        weight_files(tmp_path)


def test_a_tensor_of_negative_sides_is_refused(tmp_path: Path) -> None:
    header = b'{"a": {"dtype": "F32", "shape": [-1, -3], "data_offsets": [0, 12]}}'
    path = written(tmp_path, struct.pack("<Q", len(header)) + header + bytes(12))
    with pytest.raises(ModelError, match="not a complete safetensors file"):
        read_headers((path,))


def test_a_picture_whose_name_no_file_can_have_is_missing(tmp_path: Path) -> None:
    known = known_datasets()["caltech101"]
    (tmp_path / known.pictures[0]).mkdir()
    entries = [["x" * 300, 0, "cat"]]
    path = written(tmp_path, json.dumps({"train": entries, "test": entries}).encode())
    with pytest.raises(InputError, match="all 2 pictures that it lists are needed"):
        read_split_file(path, known)


@pytest.mark.parametrize(("old", "new"), [('"std": [0.5', '"std": [1e-320'), ("-10.0", "NaN")])
def test_a_card_with_numbers_that_no_pixel_survives_is_refused(
    tmp_path: Path, old: str, new: str
) -> None:
    card = load_harness("card").seeds()[0].decode()
    assert old in card
    assert np.isfinite(read_card(written(tmp_path, card.encode())).image.std).all()  # type: ignore[union-attr]
    with pytest.raises(ModelError, match=r"not a valid encoder card: (image\.std\.0|logit_bias): "):
        read_card(written(tmp_path, card.replace(old, new).encode()))


@pytest.mark.parametrize("data", [b"\xff", b"[" * 1200, b'{"vocabulary": "\\ud800"}', b"1"])
def test_a_students_description_that_is_none_is_refused(tmp_path: Path, data: bytes) -> None:
    written(tmp_path, data, ABOUT)
    with pytest.raises(ModelError, match="not a student's description"):
        read_about(tmp_path)


def test_a_score_that_no_filter_gives_is_refused(tmp_path: Path) -> None:
    data = load_harness("references").seeds()[0]
    written(tmp_path, data.replace(b"0.5", b"-Infinity"), RECORD)
    with pytest.raises(InputError, match="cannot be read as a record of references"):
        read_record(tmp_path)
