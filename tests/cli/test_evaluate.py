from __future__ import annotations

import csv
import json
from pathlib import Path

from PIL import Image

from commands import complaints, run
from published_data import pictures_of, write_cifar_10


def colour_folders(root: Path) -> Path:
    """Four pictures of three colours, one of them in the wrong folder."""
    for name, colour in (
        ("blue/1.png", "blue"),
        ("lime/1.png", "lime"),
        ("red/1.png", "red"),
        ("red/2.png", "lime"),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30), colour).save(root / name)
    (root / "red" / "3.png").write_bytes(b"")
    return root


def test_the_terminal_shows_the_table_and_the_folder_holds_it_in_every_form(
    tmp_path: Path,
) -> None:
    data = colour_folders(tmp_path / "colours")
    done = run("evaluate", data, "--model", "synthetic:colours", "--out", "results", home=tmp_path)
    assert (done.returncode, complaints(done.stderr)) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["metric", "value", "%", "low", "%", "high", "%"]
    # Three of the four that could be opened are right; one of five could not be.
    assert lines[1][:2] == ["top1", "75.00"]
    assert ["failed", "20.00"] in lines
    assert "4 pictures of colours, 3 classes, closed set, names only" in done.stdout
    assert done.stdout.endswith("Written: results\n")

    out = tmp_path / "results"
    with (out / "table.csv").open(newline="") as stream:
        table = list(csv.reader(stream))
    assert table[1][:2] == ["top1", "75.0"]
    assert "| top1 | 75.00 |" in (out / "table.md").read_text()
    assert "sightglass evaluate" in (out / "table.html").read_text()
    top1 = json.loads((out / "metrics.json").read_text())[0]
    assert top1 == {
        "suite": None,
        "table": None,
        "dataset": "colours",
        "protocol": "closed_set",
        "split": None,
        "heads": "text_image",
        "weighting": None,
        "mode": None,
        "encoders": "synthetic:colours",
        "metric": "top1",
        "value": 0.75,
        "low": top1["low"],
        "high": 1.0,
        "n": 4,
    }
    # A quarter of all draws of four from three right ones and a wrong one have one right or none:
    # 13 / 256; so the lower end of the middle 95 % is 1/4.
    assert top1["low"] == 0.25
    assert (out / "per_class.csv").read_text().splitlines()[-1] == "red,2,1,50.0"
    assert (out / "confusion.csv").read_text().splitlines()[-1] == "red,0,1,1"


def test_published_files_are_evaluated_as_they_are(tmp_path: Path) -> None:
    write_cifar_10(tmp_path, pictures_of(2), [3, 5])
    names = "red,lime,blue,white,black,cyan,navy,yellow,orange,pink"
    done = run(
        *("evaluate", "cifar-10-batches-py", "--model", "synthetic:colours"),
        *("--classes", names),
        home=tmp_path,
    )
    assert (done.returncode, complaints(done.stderr)) == (0, "")
    assert "2 pictures of cifar-10-batches-py, 10 classes" in done.stdout


def test_absent_data_are_one_sentence_with_where_people_get_them(tmp_path: Path) -> None:
    done = run("evaluate", "cifar-100-python", home=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "Error: Data set: a file or folder is needed, 'cifar-100-python' does not exist. Check the "
        "path. CIFAR-100 is the folder cifar-100-python (the version for Python, unpacked); get it "
        "from the CIFAR page of the University of Toronto "
        "(https://www.cs.toronto.edu/~kriz/cifar.html).\n"
    )
