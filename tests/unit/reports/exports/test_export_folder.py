from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from exported_runs import files_in
from sightglass.errors import InputError, ResultsError
from sightglass.reports.exports.export_folder import MARK, contents_of, export_folder

PLAN = {"to": "coco"}


def export(out: Path, text: str = "new", plan: dict[str, str] | None = None) -> None:
    with export_folder(out, plan or PLAN) as (folder, record):
        (folder / "a.json").write_text(text)
        record["pictures"] = 1


def test_an_export_takes_its_place_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    export(tmp_path / "deep" / "out")
    assert files_in(tmp_path) == {"deep/out/a.json": b"new"}
    mark = json.loads((tmp_path / "deep" / "out" / MARK).read_text())
    assert (mark["plan"], mark["pictures"]) == (PLAN, 1)
    assert names_in(tmp_path / "deep") == ["out"]


def test_an_earlier_export_is_replaced_and_an_empty_folder_filled(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    export(out, "first")
    export(out, "second", {"to": "fiftyone"})
    assert files_in(tmp_path) == {"out/a.json": b"second"}
    assert names_in(tmp_path) == ["out"]


def export_but(out: Path, error: BaseException) -> None:
    with export_folder(out, PLAN) as (folder, _):
        (folder / "a.json").write_text("half")
        raise error


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("change", ["added", "removed", "edited", "renamed"])
def test_an_export_that_a_person_worked_on_is_not_replaced(tmp_path: Path, change: str) -> None:
    out = tmp_path / "out"
    export(out)
    if change == "added":
        (out / "mine.txt").write_text("work")
    elif change == "removed":
        (out / "a.json").unlink()
    elif change == "edited":
        (out / "a.json").write_text("work of hours")
    else:
        (out / "a.json").rename(out / "b.json")
    before = files_in(out)
    with pytest.raises(InputError, match="was changed since"):
        export(out)
    assert files_in(out) == before


def test_other_peoples_folders_and_files_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").write_bytes(b"1")
    with pytest.raises(InputError, match="this holds other files"):
        export(tmp_path / "photos")
    with pytest.raises(InputError, match="this is a file"):
        export(tmp_path / "photos" / "1.jpg")
    (tmp_path / ".out.part").mkdir()
    (tmp_path / ".out.part" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="Move it away"):
        export(tmp_path / "out")
    assert set(files_in(tmp_path)) == {"photos/1.jpg", ".out.part/mine.txt"}


def test_what_a_stopped_run_left_is_there_for_the_same_plan_only(tmp_path: Path) -> None:
    for name, plan, left in (("same", PLAN, True), ("other", {"to": "fiftyone"}, False)):
        out = tmp_path / name
        with pytest.raises(KeyboardInterrupt):
            export_but(out, KeyboardInterrupt())
        assert not out.exists()
        with export_folder(out, plan) as (folder, _):
            assert (folder / "a.json").exists() == left
        assert (out / "a.json").exists() == left


def test_an_error_of_the_person_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no"):
        export_but(tmp_path / "out", InputError("no"))
    assert names_in(tmp_path) == []


def test_a_kill_between_the_two_moves_loses_neither_folder(tmp_path: Path) -> None:
    out, old = tmp_path / "out", tmp_path / ".out.old"
    export(out, "first")
    out.rename(old)  # killed here: the old one is away, the new one not yet there
    with pytest.raises(KeyboardInterrupt):
        export_but(out, KeyboardInterrupt())
    assert files_in(out) == {"a.json": b"first"}
    export(out, "second")
    out.rename(old)
    export(out, "third")  # killed later: both are there
    assert files_in(tmp_path) == {"out/a.json": b"third"}
    assert names_in(tmp_path) == ["out"]


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match=r"out: the export cannot be written \("):
        export(tmp_path / "file" / "out")


def test_a_hard_link_counts_as_a_link_until_it_is_the_last_copy(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "original").write_text("1")
    os.link(tmp_path / "original", tmp_path / "out" / "a")
    before = contents_of(tmp_path / "out")
    (tmp_path / "original").write_text("edited")
    assert contents_of(tmp_path / "out") == before
    (tmp_path / "original").unlink()
    assert contents_of(tmp_path / "out") != before


def test_hard_links_of_one_another_are_the_last_copy_once_no_name_is_left_outside(
    tmp_path: Path,
) -> None:
    (tmp_path / "a").write_text("1")
    os.link(tmp_path / "a", tmp_path / "b")
    with export_folder(tmp_path / "out", PLAN) as (folder, _):
        (folder / "deep").mkdir()
        os.link(tmp_path / "a", folder / "a")
        os.link(tmp_path / "b", folder / "deep" / "b")
    (tmp_path / "a").unlink()
    before = contents_of(tmp_path / "out")
    assert json.loads((tmp_path / "out" / MARK).read_text())["contents"] == before
    (tmp_path / "b").unlink()
    with pytest.raises(InputError, match="holds the last copy of a picture"):
        export(tmp_path / "out")
    assert files_in(tmp_path / "out") == {"a": b"1", "deep/b": b"1"}


def test_a_kill_before_the_first_mark_was_whole_leaves_a_folder_that_is_known(
    tmp_path: Path,
) -> None:
    (tmp_path / ".out.part").mkdir()
    (tmp_path / ".out.part" / f"{MARK}.part").write_text("{")
    export(tmp_path / "out")
    assert files_in(tmp_path) == {"out/a.json": b"new"}
    assert names_in(tmp_path) == ["out"]


def test_a_second_run_touches_nothing_of_the_first(tmp_path: Path) -> None:
    out, old = tmp_path / "out", tmp_path / ".out.old"
    export(out, "first")
    with export_folder(out, PLAN) as (folder, _):
        (folder / "a.json").write_text("second")
        out.rename(old)  # as the first run does just before it puts its own in place
        with pytest.raises(ResultsError, match="out: another run is writing it"):
            export(out, "third", {"to": "fiftyone"})
        assert (old / "a.json").read_text() == "first"
        assert not out.exists()
        old.rename(out)
    assert files_in(tmp_path) == {"out/a.json": b"second"}
    assert names_in(tmp_path) == ["out"]
