from __future__ import annotations

import json
from pathlib import Path

from exported_runs import write_run
from report_rows import classified, failed
from sightglass.reports.exports.chosen_rows import Choice
from sightglass.reports.exports.convert import Layout, convert
from sightglass.reports.exports.finished_run import read_run


def test_labels_are_as_fiftyones_own_exporter_writes_them(tmp_path: Path) -> None:
    rows = [
        classified("photos/1.jpg", "dog", 0.75),
        failed("photos/2.jpg"),
        classified("/photos/3.jpg", "unknown", 0.25, unknown_score=None),
        classified("s3://bucket/4.jpg"),
        classified("photos/n\udcff.jpg"),
    ]
    run = read_run(write_run(tmp_path / "results", rows), base=Path("/home"))
    made = convert(run, tmp_path / "out", Layout(to="fiftyone"), Choice())
    assert made.left_out == {
        "URL, which FiftyOne does not open": 1,
        "corrupt": 1,
        "file name that is not UTF-8": 1,
    }
    # What FiftyOne 1.22 writes with abs_paths, include_confidence and include_attributes.
    assert json.loads((tmp_path / "out" / "labels.json").read_text()) == {
        "classes": ["cat", "dog", "teapot", "unknown"],
        "labels": {
            "/home/photos/1.jpg": {
                "label": "dog",
                "confidence": 0.75,
                "attributes": {"unknown_score": 0.25, "margin": 0.625},
            },
            "/photos/3.jpg": {"label": "unknown", "attributes": {"margin": 0.25 - 0.375}},
        },
    }


def test_a_picture_under_several_spellings_is_counted_once(tmp_path: Path) -> None:
    spelled = ["photos/c.png", "./photos/c.png", "/home/photos/c.png", "photos/d.png"]
    run = read_run(
        write_run(tmp_path / "results", list(map(classified, spelled))), base=Path("/home")
    )
    made = convert(run, tmp_path / "out", Layout(to="fiftyone"), Choice())
    labels = json.loads((tmp_path / "out" / "labels.json").read_text())["labels"]
    assert sorted(labels) == ["/home/photos/c.png", "/home/photos/d.png"]
    assert (made.pictures, made.left_out) == (2, {"listed twice": 2})
