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


LAYOUTS = [
    Layout(to="fiftyone"),
    Layout(to="label-studio", root=Path("/")),
    Layout(to="coco", root=Path("/")),
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("recorded", [True, False])
def test_a_folder_that_nobody_named_and_that_has_no_picture_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: Layout, recorded: bool
) -> None:
    more = {"working_folder": str(tmp_path / "old")} if recorded else {}
    results = write_run(tmp_path / "results", [classified(f"{n}.jpg") for n in range(150)], **more)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").mkdir()
    here = tmp_path / "old" if recorded else tmp_path
    with pytest.raises(InputError, match=f"'{here}' has none of the first 100 pictures"):
        convert(read_run(results), tmp_path / "out", layout, Choice())
    assert not (tmp_path / "out").exists()

    # One that is there is enough: the others may have been removed since.
    (here / "99.jpg").touch()
    assert convert(read_run(results), tmp_path / "out", layout, Choice()).pictures == 150
    named = convert(read_run(results, base=Path("/x")), tmp_path / "named", layout, Choice())
    assert named.pictures == 150


@pytest.mark.parametrize("layout", [*LAYOUTS, Layout(to="coco")])
def test_where_nothing_is_relative_nothing_has_to_be_there(tmp_path: Path, layout: Layout) -> None:
    rows = [classified("/gone/1.jpg"), classified("https://h/2.jpg"), classified("/gone/3.jpg")]
    run = read_run(write_run(tmp_path / "results", rows))
    made = convert(run, tmp_path / "out", layout, Choice())
    assert made.pictures + sum(made.left_out.values()) == 3


def test_coco_without_root_takes_paths_as_they_stand_wherever_it_is_made(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "results", [classified("gone/1.jpg")]))
    assert convert(run, tmp_path / "out", Layout(to="coco"), Choice()).pictures == 1


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
