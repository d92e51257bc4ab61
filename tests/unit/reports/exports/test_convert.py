from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exported_runs import files_in, write_run
from report_rows import classified, many
from sightglass.errors import InputError, UnknownNameError
from sightglass.reports.exports.chosen_rows import Choice
from sightglass.reports.exports.convert import TARGETS, Layout, convert
from sightglass.reports.exports.finished_run import read_run


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ({"to": "coco", "how": "copy"}, "--link/--copy is for imagefolder, got it with coco"),
        ({"to": "fiftyone", "root": Path("/")}, "--root is for label-studio and coco, got it with"),
        ({"to": "coco", "prefix": "https://h"}, "--prefix is for label-studio, got it with coco"),
        ({"to": "label-studio", "prefix": "https://h"}, "--prefix needs --root"),
    ],
)
def test_options_that_a_target_does_not_ask_are_refused(layout: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Layout(**layout)


def test_an_unknown_target_gets_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'imagefolder'"):
        Layout(to="image-folder")


@pytest.mark.parametrize("to", [to for to in TARGETS if to != "imagefolder"])
def test_the_same_results_give_the_same_files(tmp_path: Path, to: str) -> None:
    run = read_run(write_run(tmp_path / "results", many(200)), base=Path("/home"))
    root = None if to == "fiftyone" else Path("/home")
    made = []
    for name in ("one", "two", "one"):
        convert(run, tmp_path / name, Layout(to=to, root=root), Choice())
        made.append(files_in(tmp_path / name))
    assert made[0] == made[1] == made[2]
    assert made[0]


@pytest.mark.parametrize("to", TARGETS)
@pytest.mark.parametrize(
    "change",
    [{"top": [{"label": "eel", "probability": 0.5}]}, {"margin": "wide"}, {"path": "b\udcff.jpg"}],
)
def test_results_that_somebody_edited_are_one_sentence_and_leave_nothing(
    tmp_path: Path, to: str, change: dict[str, Any]
) -> None:
    results = write_run(tmp_path / "results", [classified("a.jpg"), classified("b.jpg") | change])
    path = results / "predictions.jsonl"
    path.write_bytes(path.read_bytes().replace(b"\\udcff", b"\xff"))
    layout = Layout(to=to, root=tmp_path if to in {"label-studio", "coco"} else None)
    with pytest.raises(InputError, match="line 2 must be a row"):
        convert(read_run(results, base=tmp_path), tmp_path / "out", layout, Choice())
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
