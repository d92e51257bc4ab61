from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO

from exported_runs import write_run
from report_rows import classified, failed
from sightglass.errors import InputError
from sightglass.reports.exports.chosen_rows import Choice
from sightglass.reports.exports.convert import Layout, convert
from sightglass.reports.exports.finished_run import read_run

ROWS = [
    classified("a/1.jpg", "dog", 0.75),
    failed("a/2.jpg"),
    classified("b/1.jpg", "unknown", 0.25),
    classified("https://host/3.jpg", "teapot", 0.5, width=8, height=6),
    classified("n\udcff.jpg"),
]


def export(tmp_path: Path, root: Path | None = None, **choice: Any) -> Path:
    run = read_run(write_run(tmp_path / "results", ROWS), base=Path("/home"))
    convert(run, tmp_path / "out", Layout(to="coco", root=root), Choice(**choice))
    return tmp_path / "out"


def test_pycocotools_reads_every_picture_with_its_class_and_confidence(tmp_path: Path) -> None:
    coco = COCO(str(export(tmp_path) / "annotations.json"))
    assert coco.loadCats([1, 2, 3, 4]) == [
        {"id": number, "name": name, "supercategory": ""}
        for number, name in enumerate(("cat", "dog", "teapot", "unknown"), start=1)
    ]
    # Ids are lines of predictions.jsonl: the second and the fifth are left out.
    assert coco.loadImgs(coco.getImgIds()) == [
        {"id": 1, "file_name": "a/1.jpg", "width": 640, "height": 480},
        {"id": 3, "file_name": "b/1.jpg", "width": 640, "height": 480},
        {
            "id": 4,
            "file_name": "https://host/3.jpg",
            "width": 8,
            "height": 6,
            "coco_url": "https://host/3.jpg",
        },
    ]
    assert coco.getImgIds(catIds=coco.getCatIds(catNms=["dog"])) == [1]
    assert coco.loadAnns(coco.getAnnIds(imgIds=[1, 3])) == [
        {"id": 1, "image_id": 1, "category_id": 2, "score": 0.75, "unknown_score": 0.25},
        {"id": 3, "image_id": 3, "category_id": 4, "unknown_score": 0.75},
    ]


def test_pycocotools_reads_the_ranked_classes_as_results(tmp_path: Path) -> None:
    out = export(tmp_path)
    results = COCO(str(out / "annotations.json")).loadRes(str(out / "results.json"))
    ranked = [
        (one["image_id"], one["category_id"], one["score"])
        for one in results.loadAnns(results.getAnnIds())
    ]
    # Each row's two best; a picture called unknown has cat and dog as its nearest.
    assert ranked == [
        (1, 2, 0.75),
        (1, 1, 0.125),
        (3, 1, 0.25),
        (3, 2, 0.375),
        (4, 3, 0.5),
        (4, 1, 0.25),
    ]


def test_ids_do_not_depend_on_what_is_left_out(tmp_path: Path) -> None:
    whole = json.loads((export(tmp_path) / "annotations.json").read_text())
    fewer = export(tmp_path, unknown="drop", min_confidence=0.6) / "annotations.json"
    left = json.loads(fewer.read_text())
    assert left["categories"] == whole["categories"][:3]
    assert left["images"] == whole["images"][:1]
    assert left["annotations"] == whole["annotations"][:1]


def test_file_names_can_be_relative_to_a_folder(tmp_path: Path) -> None:
    whole = json.loads((export(tmp_path, Path("/home")) / "annotations.json").read_text())
    assert [image["file_name"] for image in whole["images"]] == [
        "a/1.jpg",
        "b/1.jpg",
        "https://host/3.jpg",
    ]
    with pytest.raises(InputError, match=r"/home/b/1\.jpg: every picture must lie in the folder"):
        export(tmp_path, Path("/home/a"))
