from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from commands import complaints, run
from sightglass.cli import main
from sightglass.encoders.synthetic import SyntheticEncoder

COLOURS = {"a.png": (255, 0, 0), "b.png": (0, 0, 255), "c.png": (0, 99, 0)}
MODEL = ("--model", "synthetic:colours", "--store", "store.sqlite")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person's folder with three pictures and a file that is none."""
    home = tmp_path_factory.mktemp("home")
    (home / "photos").mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (40, 30), colour).save(home / "photos" / name)
    (home / "photos" / "notes.txt").write_text("no picture")
    return home


def expected(home: Path) -> np.ndarray:
    encoder = SyntheticEncoder()
    prepared = [encoder.prepare(Image.open(home / "photos" / name)) for name in COLOURS]
    return encoder.encode_images(prepared).rows


def test_npy_and_parquet_hold_the_encoders_rows(home: Path) -> None:
    done = run("embeddings", "photos", *MODEL, "--out", "deep/rows.npy", home=home)
    assert (done.returncode, complaints(done.stderr)) == (0, "")
    assert "3 rows of 27 by synthetic:colours" in done.stdout
    assert "3 encoded now" in done.stdout
    assert "1 of 4 files have no row: 1 unsupported." in done.stdout
    assert np.array_equal(np.load(home / "deep" / "rows.npy"), expected(home))
    again = run("embeddings", "photos", *MODEL, "--out", "rows.parquet", home=home)
    assert "0 encoded now" in again.stdout
    table = pq.read_table(home / "rows.parquet")
    assert np.array_equal(np.array(table["embedding"].to_pylist()[:3], np.float32), expected(home))
    assert table["path"].to_pylist() == [f"photos/{name}" for name in (*COLOURS, "notes.txt")]


def test_class_rows_give_the_logits_that_classify_gives(home: Path) -> None:
    names = ("--classes", "red,sea|blue,green")
    run("embeddings", "photos", *MODEL, *names, "--out", "with.npy", home=home)
    run("classify", "photos", *MODEL, *names, "--out", "results", "--no-unknown", home=home)
    card = json.loads((home / "with.card.json").read_text())
    cosines = np.load(home / "with.npy") @ np.load(home / "with.classes.npy").T
    powers = np.exp(card["encoder"]["logit_scale"] * cosines.astype(np.float64))
    shares = powers / powers.sum(axis=1, keepdims=True)
    lines = (home / "results" / "predictions.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines[:3]]
    assert [row["label"] for row in rows] == [
        card["classes"][best]["name"] for best in shares.argmax(axis=1)
    ]
    assert [row["confidence"] for row in rows] == pytest.approx(shares.max(axis=1), abs=2e-6)


def test_wrong_usage_is_one_sentence_and_no_file(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(home)
    for options, said in (
        (("photos", "--out", "x.csv"), "ends in .parquet or .npy"),
        (("--out", "x.npy"), "Pictures: some are needed"),
        (("nowhere", "--out", "x.npy"), "'nowhere' does not exist"),
    ):
        assert main(["embeddings", *MODEL, *options]) == 2
        assert said in capsys.readouterr().err
    assert not list(home.glob("x*"))


def test_a_list_that_is_the_input_is_not_written_over(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(home)
    line = '{"path": "photos/a.png"}\n'
    (home / "train.jsonl").write_text(line)
    assert main(["embeddings", "--manifest", "train.jsonl", *MODEL, "--out", "train.npy"]) == 2
    assert "train.jsonl: a new file or one that embeddings wrote" in capsys.readouterr().err
    assert [path.name for path in home.glob("*train*")] == ["train.jsonl"]
    assert (home / "train.jsonl").read_text() == line


def test_no_usable_picture_is_exit_code_1(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    assert main(["embeddings", "photos/notes.txt", *MODEL, "--out", "none.npy"]) == 1
    assert np.load(home / "none.npy").shape == (0, 27)
