from __future__ import annotations

import csv
from pathlib import Path

import pytest

from adapters.small_students import use_small_graphs, write_small_student
from sightglass.cli import main
from sightglass.distillation.export.parity_inputs import made_pictures


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student, and a folder with three pictures and a file that is none."""
    root = tmp_path_factory.mktemp("export")
    write_small_student(root / "student")
    (root / "pics").mkdir()
    for number, image in enumerate(made_pictures(seed=1).images[:3]):
        image.save(root / "pics" / f"{number}.png")
    (root / "pics" / "notes.txt").write_text("no picture")
    return root


def test_a_student_is_exported_checked_and_used(
    here: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_small_graphs(monkeypatch)
    out = tmp_path / "model"
    asked = ("export", str(here / "student"), "--out", str(out))
    assert main([*asked, "--precision", "fp16", "--pictures", str(here / "pics")]) == 0
    printed = capsys.readouterr().out
    assert "on 3 pictures (of yours)" in printed
    assert "1 files could not be read as pictures." in printed
    assert "--licence puts one there" in printed
    assert f"--model onnx:{out}" in printed
    assert main([*asked, "--verify-only"]) == 0
    assert "on 64 pictures (made here" in capsys.readouterr().out
    assert main([*asked, "--verify-only", "--precision", "fp32"]) == 1
    refused = capsys.readouterr()
    assert "no entry of the pictures' rows may differ by more than 0.0001" in refused.err
    assert main(["doctor", "--model", f"onnx:{out}"]) == 0
    assert capsys.readouterr().out.count("  ok: ") == 3
    answers = ("--out", str(tmp_path / "answers"), "--store", str(tmp_path / "store.sqlite"))
    names = ("--classes", "cat,dog", "--no-unknown")
    code = main(["classify", str(here / "pics"), *names, "--model", f"onnx:{out}", *answers])
    assert code == 0
    with (tmp_path / "answers" / "predictions.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["outcome"] for row in rows] == ["ok", "ok", "ok", "unsupported"]
    assert {row["label"] for row in rows[:3]} <= {"cat", "dog"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--precision", "fp8"), "Unknown precision 'fp8'. Did you mean 'fp32'?"),
        (("--text-precision", "int4"), "Unknown precision 'int4'. Did you mean 'int8'?"),
        (("--pictures", "nowhere"), "'nowhere' does not exist"),
    ],
)
def test_wrong_usage_is_one_sentence_and_leaves_nothing(
    here: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    said: str,
) -> None:
    assert main(["export", str(here / "student"), "--out", str(tmp_path / "m"), *options]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_student_is_exit_code_1(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(here / "pics"), "--out", str(tmp_path / "m")]) == 1
    assert "needs the file student.json, found none" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
