from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from torch import Tensor

from sightglass.distillation.words.text_teachers import EncoderTeacher, TableTeacher, read_table
from sightglass.encoders.card import TextInput
from sightglass.encoders.synthetic import SyntheticEncoder
from sightglass.encoders.towers.contract import TextTower
from sightglass.errors import InputError, ShapeError

ROWS = np.array([[3.0, 4.0], [0.0, -2.0], [1.0, 0.0]])


def test_a_tables_rows_are_unit_and_found_by_name_whatever_its_case_and_spacing() -> None:
    table = TableTeacher.of(["red_fox", "Goldfish, Carassius auratus", "mug"], ROWS, name="t")
    assert table.names == ("red fox", "goldfish", "mug")
    assert table.rows(["Red  Fox", "GOLDFISH"]) == pytest.approx(np.array([[0.6, 0.8], [0, -1]]))
    assert table.knows("mug")
    assert not table.knows("Carassius auratus")


def test_a_name_can_keep_its_commas() -> None:
    table = TableTeacher.of(["mug, cup"], ROWS[:1], name="t", first_name=False)
    assert table.knows("mug, cup")
    assert not table.knows("mug")


def test_a_name_that_is_there_twice_has_the_unit_mean_of_its_unit_rows() -> None:
    table = TableTeacher.of(["crane", "Crane, machine"], np.array([[5.0, 0], [0, 0.1]]), name="t")
    assert table.rows(["crane"])[0] == pytest.approx([0.5**0.5, 0.5**0.5])


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_table_is_read_from_either_format_in_half_precision_too(
    tmp_path: Path, suffix: str
) -> None:
    path, half = tmp_path / f"table{suffix}", ROWS.astype(np.float16)
    names = ["a", "b", "c"]
    if suffix == ".npz":
        np.savez(path, text=half, listed=np.array(names))
    else:
        save_file({"text": half}, str(path), metadata={"listed": json.dumps(names)})
    table = read_table(path, rows="text", names="listed")
    assert table.rows(["a", "c"]) == pytest.approx(np.array([[0.6, 0.8], [1, 0]]), abs=1e-3)
    with pytest.raises(InputError, match=re.escape("needs 'txt'")):
        read_table(path, rows="txt", names="listed")


def test_a_file_that_is_no_table_is_one_sentence(tmp_path: Path) -> None:
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, rows=ROWS, names=np.array(["a", "b", None], dtype=object))
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    for path in (pickled, torn, tmp_path / "absent.npz", tmp_path / "absent.safetensors"):
        with pytest.raises(InputError, match="cannot be read") as caught:
            read_table(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"a \.npz or \.safetensors file is needed"):
        read_table(tmp_path / "table.csv")
    unlisted = tmp_path / "unlisted.safetensors"
    save_file({"rows": ROWS}, str(unlisted), metadata={"names": '{"a": 1}'})
    with pytest.raises(InputError, match="needs a JSON list of names under 'names', got a dict"):
        read_table(unlisted)


@pytest.mark.parametrize(
    ("names", "rows", "message"),
    [
        (["a"], ROWS, "got 1 names and 3 rows"),
        ([], ROWS[:0], "got 0 names and 0 rows"),
        (["a", "", "c"], ROWS, "every row needs a name"),
        (["a", "b", "c"], ROWS * [[1], [0], [1]], "got one that has not for 'b'"),
        (["a", "b", "c"], ROWS * [[1], [1], [np.nan]], "got one that has not for 'c'"),
    ],
)
def test_rows_without_names_and_rows_that_say_nothing_are_refused(
    names: list[str], rows: np.ndarray, message: str
) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        TableTeacher.of(names, rows, name="t")


def test_an_encoders_text_side_teaches_with_its_own_rows() -> None:
    encoder = SyntheticEncoder()
    teacher = EncoderTeacher.of_encoder(encoder)
    texts = ["red", "green", "a photo of something blue"]
    assert teacher.rows(texts) == pytest.approx(encoder.encode_texts(texts).rows, abs=1e-6)


class Lengths(TextTower):
    """Rows (letters, 1) of texts, not unit: enough to see which row belongs to which text."""

    def __init__(self) -> None:
        super().__init__()
        self.dim, self.text_input = 2, TextInput(length=9)
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.widths: list[int] = []

    def tokenise(self, texts: list[str]) -> Tensor:
        self.widths.append(max(map(len, texts)))
        return torch.tensor([[len(text)] for text in texts])

    def forward(self, ids: Tensor) -> Tensor:
        assert not self.training
        return torch.cat([ids * self.weight, torch.ones(len(ids), 1)], dim=1)

    def settings(self) -> dict[str, object]:
        return {}

    def vocabulary_file(self) -> tuple[str, bytes]:
        return "", b""


def test_a_tower_teaches_in_eval_mode_rows_in_the_order_of_the_texts_short_texts_first() -> None:
    tower = Lengths()
    texts = ["x" * (1 + (37 * number) % 150) for number in range(150)]
    rows = EncoderTeacher.of_tower(tower, name="t").rows(texts)
    assert (rows[:, 0] / rows[:, 1]).round().tolist() == [len(text) for text in texts]
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1)
    assert tower.widths == sorted(tower.widths)


def test_an_encoder_that_gives_too_few_rows_is_found_out() -> None:
    teacher = EncoderTeacher(name="odd", encode=lambda _: np.ones((1, 3)))
    with pytest.raises(ShapeError, match=re.escape("odd: 2 texts need as many rows")):
        teacher.rows(["a", "b"])
