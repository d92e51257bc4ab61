from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from commands import run

NAMES = ["black", "blue", "cyan", "gray", "lime", "magenta", "orange", "red", "white", "yellow"]


def write_cifar10(root: Path) -> Path:
    """Ten colours in CIFAR-10's place, three pictures each; no two files are the same."""
    for name in NAMES:
        folder = root / "cifar10" / "test" / name
        folder.mkdir(parents=True)
        for number in range(3):
            picture = Image.new("RGB", (12, 12), name)
            picture.putpixel((number, 0), (number, number, number))
            picture.save(folder / f"{number}.png")
    return root


def test_one_command_writes_every_table_the_figures_and_a_page_of_them_all(tmp_path: Path) -> None:
    write_cifar10(tmp_path / "sets")
    for name in NAMES:
        folder = tmp_path / "mine" / name
        folder.mkdir(parents=True)
        Image.new("RGB", (9, 9), name).save(folder / "1.png")
    done = run(
        *("evaluate", "--suite", "yin-jiang", "--data", "sets", "--model", "synthetic:colours"),
        *("--vision-model", "synthetic:colours", "--references", "mine", "--harvest", "0"),
        *("--limit", "20", "--out", "out"),
        home=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "cifar10: read and encode 20 pictures\n" in done.stderr
    assert "Table 1. Open set, mean over the five splits: " in done.stdout
    assert "svhn: absent. SVHN is the file test_32x32.mat" in done.stdout
    assert done.stdout.endswith("Written: out/report.html\n")

    out = tmp_path / "out"
    rows = json.loads((out / "metrics.json").read_text())
    assert {row["table"] for row in rows} == set("12345678")
    assert {row["n"] for row in rows} == {20}
    for name in [*(f"table_{number}" for number in range(1, 9)), "figure_3", "plans"]:
        assert {(out / f"{name}.{form}").is_file() for form in ("csv", "md", "html")} == {True}
    with (out / "table_2.csv").open(newline="") as stream:
        table = list(csv.DictReader(stream))
    assert [row["alignments"] for row in table] == ["M1", "M2", "M3", "M1+M2+M3"]
    # Colours by their own names: nothing to get wrong.
    assert {row["top-1 %"] for row in table} == {"100.0"}
    assert (out / "figure_3.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (out / "figure_3.svg").read_text()
    page = (out / "report.html").read_text()
    assert "data:image/png;base64," in page
    assert "sightglass evaluate --suite yin-jiang --data sets" in page
    assert "http://ufldl.stanford.edu" in page
    # The page needs nothing but itself: addresses stand in it as text only.
    assert not any(mark in page for mark in ("<script", "<link", 'src="http', 'href="http'))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--suite", "yin-jang"],
            "Unknown suite 'yin-jang'. Did you mean 'yin-jiang'? Known: data-efficient, kdpl, "
            "yin-jiang.",
        ),
        (
            ["--suite", "yin-jiang"],
            "evaluate: --suite yin-jiang needs --data, a folder. Add it.",
        ),
        (
            ["--suite", "yin-jiang", "--data", "."],
            "evaluate: --suite yin-jiang needs --out, a folder. Add it.",
        ),
        (
            ["photos", "--suite", "yin-jiang"],
            "evaluate: with --suite the data sets are those in --data, a data set has no place "
            "there. Leave it out.",
        ),
        (
            ["photos", "--harvest", "0"],
            "evaluate: --harvest belongs to --suite, which was not given. Add --suite yin-jiang, "
            "or leave it out.",
        ),
        (
            [],
            "evaluate: a data set is needed, got none. Give its path, or --suite with --data.",
        ),
    ],
)
def test_options_that_do_not_fit_together_are_one_sentence(
    arguments: list[str], sentence: str, tmp_path: Path
) -> None:
    done = run("evaluate", *arguments, home=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"Error: {sentence}\n")


def test_a_folder_without_any_data_set_says_what_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "sets").mkdir()
    done = run(
        *("evaluate", "--suite", "yin-jiang", "--data", "sets", "--out", "out"), home=tmp_path
    )
    assert done.returncode == 2
    assert done.stderr.startswith(
        "Error: Suite: at least one data set is needed, found none. MNIST is the files "
    )
    assert "SVHN is the file test_32x32.mat" in done.stderr
