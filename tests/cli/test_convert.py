from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from commands import complaints, run
from exported_runs import files_in
from sightglass.cli import main
from sightglass.evaluation.image_folder import read_image_folder

COLOURS = {"red": (255, 0, 0), "blue": (0, 0, 255)}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person's folder with ``photos`` and what classify said of them in ``results``."""
    home = tmp_path_factory.mktemp("home")
    for shade, (name, colour) in enumerate(COLOURS.items()):
        (home / "photos" / name).mkdir(parents=True)
        Image.new("RGB", (40 + shade, 30), colour).save(home / "photos" / name / "1.png")
    (home / "photos" / "bad.jpg").write_bytes(b"")
    options = ("--classes", "red,blue", "--model", "synthetic:colours", "--out", "results")
    assert run("classify", "photos", *options, home=home).returncode == 0
    return home


def test_results_become_a_folder_per_class(home: Path) -> None:
    done = run("convert", "results", "--to", "imagefolder", "--out", "by-class", home=home)
    assert (done.returncode, complaints(done.stderr)) == (0, "")
    assert done.stdout == "2 pictures (2 hard links): by-class\nLeft out: 1 corrupt.\n"
    read = read_image_folder(home / "by-class")
    assert read.class_names == ("blue", "red")
    assert list(read.read()) == [
        (home / "photos" / name / "1.png").read_bytes() for name in ("blue", "red")
    ]


def test_an_export_is_the_same_from_whatever_folder_it_is_made(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("convert", home / "results", "--to", "imagefolder", "--out", "out", "--copy")
    found = run(*asked, home=tmp_path)
    assert found.stdout == "2 pictures (2 copies): out\nLeft out: 1 corrupt.\n"

    made = []
    for number, folder in enumerate((home, tmp_path)):
        monkeypatch.chdir(folder)
        out = tmp_path / f"made-{number}"
        for to, options in (
            ("fiftyone", ()),
            ("coco", ("--root", home)),
            ("label-studio", ("--root", home)),
        ):
            words = ("convert", home / "results", "--to", to, *options, "--out", out / to)
            assert main([str(word) for word in words]) == 0
        made.append(files_in(out))
    assert made[0] == made[1]
    labels = json.loads(made[0]["fiftyone/labels.json"])["labels"]
    assert sorted(labels) == sorted(f"{home}/photos/{name}/1.png" for name in COLOURS)
    images = json.loads(made[0]["coco/annotations.json"])["images"]
    assert {one["file_name"] for one in images} == {f"photos/{name}/1.png" for name in COLOURS}


def test_pictures_that_were_moved_are_found_with_base(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    moved = tmp_path / "moved"
    for part in ("photos", "results"):
        shutil.copytree(home / part, moved / part)
    (home / "photos").rename(home / "away")
    monkeypatch.chdir(tmp_path)
    try:
        for to, said in (
            ("imagefolder", "nothing is left to export (1 corrupt, 2 not found). If the pictures"),
            ("fiftyone", f"'{home}' has none of the first 2 pictures. If they were moved"),
        ):
            asked = ["convert", "moved/results", "--to", to, "--out", f"for-{to}"]
            assert main(asked) == 2
            assert said in capsys.readouterr().err
            assert not (tmp_path / f"for-{to}").exists()
            assert main([*asked, "--base", "moved"]) == 0
    finally:
        (home / "away").rename(home / "photos")


def test_the_other_targets_are_written_with_their_options(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    for to, options, name in (
        ("label-studio", ("--root", "photos"), "tasks.json"),
        ("fiftyone", (), "labels.json"),
        ("coco", ("--root", "photos", "--min-confidence", "0.5"), "annotations.json"),
    ):
        assert main(["convert", "results", "--to", to, "--out", f"for-{to}", *options]) == 0
        json.loads((home / f"for-{to}" / name).read_text())


def test_wrong_usage_is_one_sentence_and_exit_code_2(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(home)
    for options, said in (
        (("results", "--to", "voc", "--out", "x"), "Unknown export 'voc'"),
        (("results", "--to", "coco", "--out", "photos"), "this holds other files"),
        (("photos", "--to", "coco", "--out", "x"), "run.json is not there"),
        (("results", "--to", "coco", "--out", "x", "--copy"), "Leave it out"),
    ):
        assert main(["convert", *options]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line
    assert not (home / "x").exists()
