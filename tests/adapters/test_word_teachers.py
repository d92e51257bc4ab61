"""Who taught a run's words is part of what the run is; and torn files of names."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from adapters.small_encoder_runs import CAPTIONS, CLASSES, recipe, write_data
from adapters.text_checkpoints import write_bert
from onnx_graphs import residual_network
from sightglass.distillation.encoder import run
from sightglass.distillation.encoder.recipe import Recipe
from sightglass.distillation.encoder.run import distil_encoder
from sightglass.distillation.encoder.teacher_settings import TextTeacher
from sightglass.distillation.encoder.word_teachers import digest_of_text_teachers
from sightglass.distillation.words.text_teachers import read_table
from sightglass.errors import InputError
from sightglass.inputs.labels import clean_name


@pytest.fixture(autouse=True)
def calm(one_thread: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread, no curve."""
    monkeypatch.setattr(run, "draw_curve", lambda *_, **__: None)


def write_table(path: Path, seed: int) -> Path:
    names = np.array([*CLASSES, *map(clean_name, CAPTIONS)])
    rows = np.random.default_rng(seed).normal(size=(len(names), 24))
    np.savez(path, names=names, rows=rows)
    return path


@pytest.mark.parametrize("left", [("words.safetensors",), ("checkpoint.safetensors",)])
def test_a_table_that_was_written_anew_makes_another_run(
    tmp_path: Path, left: tuple[str, ...]
) -> None:
    table, out = write_table(tmp_path / "table.npz", 0), tmp_path / "out"
    words = {"teachers": [{"tables": [{"path": str(table)}]}], "vocabulary": None, "pieces": 256}
    asked = recipe(
        write_data(tmp_path / "data.parquet"), words={**words, "steps": 2, "batch_size": 8}
    )
    assert not distil_encoder(asked, out, store=tmp_path / "s.sqlite").was_finished
    assert distil_encoder(asked, out, store=tmp_path / "s.sqlite").was_finished
    for path in out.glob("*.safetensors"):
        if path.name not in left:
            path.unlink()
    write_table(table, 1)
    with pytest.raises(InputError) as caught:
        distil_encoder(asked, out, store=tmp_path / "s.sqlite")
    assert str(caught.value).startswith(f"{out / left[0]}: a run is to go on with the settings")
    assert "these are others: text_teachers. Choose another --out" in str(caught.value)


def test_another_weight_in_a_folder_makes_another_sentence_encoder(tmp_path: Path) -> None:
    folder = write_bert(tmp_path / "bert")
    teacher = [TextTeacher(model=f"hf:{folder}")]
    before = digest_of_text_teachers(teacher)
    assert digest_of_text_teachers(teacher) == before
    weights = load_file(folder / "model.safetensors")
    name = next(one for one in sorted(weights) if "word_embeddings" in one)
    weights[name][3, 1] = torch.nextafter(weights[name][3, 1], torch.tensor(9.0))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert digest_of_text_teachers(teacher) != before


def not_zip(whole: bytes) -> bytes:
    return whole[:200]


def no_end(whole: bytes) -> bytes:
    return whole[:-40]


def wrong_within(whole: bytes) -> bytes:
    return whole[:70] + bytes(byte ^ 255 for byte in whole[70:200]) + whole[200:]


def another_kind(whole: bytes) -> bytes:
    del whole
    stream = io.BytesIO()
    np.save(stream, np.ones(3))
    return stream.getvalue()


def empty(whole: bytes) -> bytes:
    del whole
    return b""


@pytest.mark.parametrize("damage", [not_zip, no_end, wrong_within, another_kind, empty])
@pytest.mark.parametrize("packed", [np.savez, np.savez_compressed])
def test_a_torn_archive_is_one_sentence(
    tmp_path: Path, damage: Callable[[bytes], bytes], packed: Callable[..., None]
) -> None:
    path = tmp_path / "table.npz"
    names = np.array([f"name {number}" for number in range(200)])
    packed(path, names=names, rows=np.random.default_rng(0).normal(size=(200, 8)))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError) as caught:
        read_table(path)
    assert str(caught.value).startswith(f"Text table: '{path}' cannot be read (")
    assert str(caught.value).endswith("). Check the file.")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError) as caught:
        distil_encoder(with_names(tmp_path, path), tmp_path / "out", store=tmp_path / "s.sqlite")
    assert str(caught.value).startswith(f"{path}#names: names of the image teacher's logits are")
    assert str(caught.value).endswith("). Check the file.")
    assert "\n" not in str(caught.value)


def with_names(folder: Path, names: Path) -> Recipe:
    teacher = {
        "model": str(residual_network(folder / "teacher.onnx")),
        "logits": "logits",
        "names": f"{names}#names",
    }
    data = write_data(folder / "data.parquet", rows=8)
    return recipe(data, {"logits": 1.0}, teachers={"image": teacher})
