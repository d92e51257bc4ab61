from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sightglass.distillation.export.whole_folder import check_replaceable, whole_folder
from sightglass.errors import InputError, ResultsError

OWN, MARKER = {"a", "b", "mark"}, "mark"


def fill(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def replace(folder: Path, *, by: Callable[[Path], object]) -> None:
    with whole_folder(folder, OWN, marker=MARKER) as part:
        by(part)


def test_a_new_folder_appears_when_all_is_written(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    with whole_folder(out, OWN, marker=MARKER) as part:
        fill(part, a="1", mark="")
        assert not out.exists()
    assert texts(out) == {"a": "1", "mark": ""}
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_an_earlier_folder_is_replaced_whole(tmp_path: Path) -> None:
    out = fill(tmp_path / "out", a="1", b="1", mark="")
    with whole_folder(out, OWN, marker=MARKER) as part:
        fill(part, a="2", mark="")
    assert texts(out) == {"a": "2", "mark": ""}


def test_an_error_leaves_everything_as_it_was(tmp_path: Path) -> None:
    out = fill(tmp_path / "out", a="1", mark="")

    def stopped(part: Path) -> None:
        fill(part, a="2")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace(out, by=stopped)
    assert texts(out) == {"a": "1", "mark": ""}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_a_killed_run_left_is_tidied_up(tmp_path: Path) -> None:
    fill(tmp_path / ".out.part", a="half", b="half")
    fill(tmp_path / ".out.old", a="1", mark="")  # killed between the two renames
    found = []

    def stopped(part: Path) -> None:
        found.extend(part.iterdir())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace(tmp_path / "out", by=stopped)
    assert found == []
    assert texts(tmp_path / "out") == {"a": "1", "mark": ""}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_two_runs_do_not_write_into_one_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with whole_folder(out, OWN, marker=MARKER) as part:
        fill(part, a="1", mark="")
        with pytest.raises(ResultsError, match="another run is writing"):
            replace(out, by=lambda other: fill(other, a="2"))
    assert texts(out) == {"a": "1", "mark": ""}


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"a": "", "mark": "", "thesis": ""}, "'thesis'"),
        ({"a": "", "b": ""}, "'a' and 1 more"),  # ours by name only
    ],
)
def test_a_folder_with_something_of_a_persons_is_refused(
    tmp_path: Path, files: dict[str, str], named: str
) -> None:
    out = fill(tmp_path / "out", **files)
    with pytest.raises(InputError, match=named):
        replace(out, by=lambda part: fill(part, a="2"))
    assert texts(out) == files


def test_what_appears_meanwhile_is_not_lost(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError, match="'thesis'"):
        replace(out, by=lambda part: (fill(part, a="1", mark=""), fill(out, thesis="mine")))
    assert texts(out) == {"thesis": "mine"}


def test_a_file_and_the_current_folder_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="a folder is needed for the export"):
        check_replaceable(tmp_path / "file", OWN, marker=MARKER)
    (tmp_path / "empty").mkdir()
    check_replaceable(tmp_path / "empty", OWN, marker=MARKER)
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(InputError, match="this is where the command runs"):
        check_replaceable(Path(), OWN, marker=MARKER)
