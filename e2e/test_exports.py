"""Exports, read by the very tools they are for, each in an environment of its own; and kills.

Every environment is made by ``pip install`` below the test's folder, which takes minutes.
FiftyOne's importer runs without its database, which not every machine can have.
"""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from commands import environment, run, start
from sightglass.evaluation.image_folder import read_image_folder

# "train" is a class that Hugging Face takes for a split, "a/b" no folder's name.
CLASSES = ("red", "a/blue", "train green", 'say "white" & <b>')
COLOURS = {"red": (250, 0, 0), "blue": (0, 0, 250), "green": (0, 125, 0), "white": (250,) * 3}
LABELS = dict(zip(COLOURS, CLASSES, strict=True))
NAMES = ("1.png", "2 a.JPG", "ü&d=#?%25.webp", "no suffix", "test.bmp")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person's folder with twenty pictures of four colours, odd files, and their results."""
    home = tmp_path_factory.mktemp("home")
    for number, (colour, shade) in enumerate(COLOURS.items()):
        folder = home / "photos" / colour
        folder.mkdir(parents=True)
        for other, name in enumerate(NAMES):
            kinds = {".png": "PNG", ".JPG": "JPEG", ".webp": "WEBP", ".bmp": "BMP"}
            kind = kinds.get(Path(name).suffix, "PNG")
            Image.new("RGB", (30 + number, 20 + other), shade).save(folder / name, kind)
    shutil.copy(home / "photos" / "red" / "1.png", home / "photos" / "copy.png")
    (home / "photos" / "empty.jpg").write_bytes(b"")
    (home / "photos" / "notes.txt").write_text("no picture")
    names = ("--classes", "names.txt", "--model", "synthetic:colours", "--no-unknown")
    (home / "names.txt").write_text("\n".join(CLASSES))
    done = run("classify", "photos", *names, "--out", "results", home=home)
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture(scope="module")
def expected(home: Path) -> dict[str, str]:
    """Label by path, from how the pictures were made."""
    labels = {
        str(home / "photos" / colour / name): LABELS[colour] for colour in COLOURS for name in NAMES
    }
    return labels | {str(home / "photos" / "copy.png"): LABELS["red"]}


Reader = Callable[[str], Any]


def reader(folder: Path, home: Path, *packages: str) -> Reader:
    """What a program prints as JSON at its end, run where ``packages`` are installed."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    quiet = ("--quiet", "--disable-pip-version-check")
    subprocess.run([python, "-m", "pip", "install", *quiet, *packages], check=True)

    def read(program: str) -> Any:
        done = subprocess.run(
            [python, "-c", f"import json\n{program}"],
            cwd=home,
            env=environment(home)
            | {"FIFTYONE_DO_NOT_TRACK": "true", "HF_HOME": str(home / "cache")},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return read


def export(home: Path, to: str, *options: str) -> None:
    done = run("convert", "results", "--to", to, "--out", f"for-{to}", *options, home=home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith(f"{4 * len(NAMES) + 1} pictures")
    assert "Left out: 1 corrupt, 1 unsupported." in done.stdout


def test_label_studios_sdk_accepts_every_task_and_finds_every_picture(
    home: Path, tmp_path: Path, expected: dict[str, str]
) -> None:
    read = reader(tmp_path / "venv", home, "label-studio-sdk")
    export(home, "label-studio", "--root", "photos")
    # validate_task(task with predictions) calls validate_prediction() without one in SDK 2.1.
    found, wrong, refused = read(
        f"""
import os
os.environ["LOCAL_FILES_DOCUMENT_ROOT"] = {str(home / "photos")!r}
from label_studio_sdk.label_interface import LabelInterface
from label_studio_sdk._extensions.label_studio_tools.core.utils.io import (
    resolve_local_storage_file as resolve,
)
interface = LabelInterface(open("for-label-studio/labeling_config.xml").read())
interface.validate()
found, wrong = {{}}, []
for task in json.load(open("for-label-studio/tasks.json")):
    if not interface.validate_task({{"data": task["data"]}}):
        wrong.append(task)
    (prediction,) = task["predictions"]
    wrong += interface.validate_prediction(prediction, return_errors=True)
    (label,) = prediction["result"][0]["value"]["choices"]
    found[resolve(task["data"]["image"])] = label
prediction["result"][0]["value"]["choices"] = ["no class"]
refused = interface.validate_prediction(prediction, return_errors=True)
print(json.dumps([found, wrong, refused]))
"""
    )
    assert wrong == []
    assert found == expected
    assert len(refused) == 1  # it looks at the choices


def test_fiftyones_importer_reads_every_picture_with_its_confidence(
    home: Path, tmp_path: Path, expected: dict[str, str]
) -> None:
    read = reader(tmp_path / "venv", home, "fiftyone")
    export(home, "fiftyone")
    classes, found = read(
        """
from fiftyone.utils.data.importers import FiftyOneImageClassificationDatasetImporter as Importer
with Importer(labels_path="for-fiftyone/labels.json", compute_metadata=True) as importer:
    classes = importer.get_dataset_info()["classes"]
    found = {
        path: [label.label, label.confidence, label.unknown_score, metadata.width, metadata.height]
        for path, metadata, label in importer
    }
print(json.dumps([classes, found]))
"""
    )
    assert classes == [*CLASSES, "unknown"]
    assert {path: label for path, (label, *_) in found.items()} == expected
    rows = map(json.loads, (home / "results" / "predictions.jsonl").read_text().splitlines())
    for row in rows:
        if row["label"] is not None:
            numbers = [row[name] for name in ("confidence", "unknown_score", "width", "height")]
            assert found[str(home / row["path"])][1:] == numbers


def test_hugging_faces_imagefolder_reads_every_picture(
    home: Path, tmp_path: Path, expected: dict[str, str]
) -> None:
    read = reader(tmp_path / "venv", home, "datasets[vision]")
    export(home, "imagefolder")
    names, found = read(
        """
from datasets import load_dataset
loaded = load_dataset("imagefolder", data_files={"train": "for-imagefolder/**"})["train"]
names = loaded.features["label"].names
found = [[names[one["label"]], *one["image"].size] for one in loaded]
print(json.dumps([names, found]))
"""
    )
    assert_classes_and_sizes(home, names, found, expected)


def test_our_own_reader_reads_every_picture_of_an_image_folder(
    home: Path, expected: dict[str, str]
) -> None:
    export(home, "imagefolder")
    read = read_image_folder(home / "for-imagefolder")
    found = []
    for label, data in zip(read.labels, read.read(), strict=True):
        assert isinstance(data, bytes)
        with Image.open(io.BytesIO(data)) as image:
            found.append([read.class_names[label], *image.size])
    assert_classes_and_sizes(home, list(read.class_names), found, expected)


def test_pycocotools_names_every_picture_with_its_size_and_class(
    home: Path, tmp_path: Path, expected: dict[str, str]
) -> None:
    read = reader(tmp_path / "venv", home, "pycocotools")
    export(home, "coco", "--root", "photos")
    found = read(
        """
from pycocotools.coco import COCO
coco = COCO("for-coco/annotations.json")
found = {}
for one in coco.loadAnns(coco.getAnnIds()):
    (image,) = coco.loadImgs(one["image_id"])
    label = coco.cats[one["category_id"]]["name"]
    found[image["file_name"]] = [label, image["width"], image["height"]]
print(json.dumps(found))
"""
    )
    assert {str(home / "photos" / name): label for name, (label, *_) in found.items()} == expected
    for name, (_, *size) in found.items():
        with Image.open(home / "photos" / name) as image:
            assert [*image.size] == size


def assert_classes_and_sizes(
    home: Path, names: list[str], found: list[list[Any]], expected: dict[str, str]
) -> None:
    mark = json.loads((home / "for-imagefolder" / ".sightglass-export.json").read_text())
    assert set(names) == {mark["folders"][name] for name in CLASSES}
    wanted = Counter[tuple[str, int, int]]()
    for path, label in expected.items():
        with Image.open(path) as image:
            wanted[mark["folders"][label], *image.size] += 1
    assert Counter(map(tuple, found)) == wanted


def test_twenty_kills_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(2000):
        shade = (number % 256, number // 256, 0)
        Image.new("RGB", (8, 8), shade).save(tmp_path / "photos" / f"{number}.bmp")
    names = ("--classes", "red,black,maroon", "--model", "synthetic:colours")
    assert run("classify", "photos", *names, "--out", "results", home=tmp_path).returncode == 0
    rng = random.Random(0)
    landed = Counter[str]()
    for how in ("--link", "--copy"):
        asked = ("convert", "results", "--to", "imagefolder", how, "--out")
        began = time.monotonic()
        assert run(*asked, f"whole{how}", home=tmp_path).returncode == 0
        seconds = time.monotonic() - began
        wanted = tree(tmp_path / f"whole{how}")
        assert len(wanted) == 2001
        attempts = 0
        while landed[how] < 10:
            attempts += 1
            assert attempts < 200, f"only {landed} kills met an export"
            out = tmp_path / f"killed{how}-{attempts}"
            process = start(*asked, out.name, home=tmp_path)
            time.sleep(rng.uniform(0, 1.1 * seconds))
            process.kill()
            process.communicate()
            if out.exists():
                assert tree(out) == wanted  # whole, or not there
            part = out.with_name(f".{out.name}.part")
            landed[how] += part.exists() and 1 < len(tree(part)) < len(wanted)
            assert run(*asked, out.name, home=tmp_path).returncode == 0
            assert tree(out) == wanted
            assert not part.exists()
            shutil.rmtree(out)
    print(f"kills that met an export with some of 2,000 pictures in place: {dict(landed)}")  # noqa: T201


def tree(folder: Path) -> dict[str, bytes]:
    """Bytes by path within; of the record only that it is there."""
    return {
        os.path.relpath(path, folder): b"" if path.name.startswith(".") else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
