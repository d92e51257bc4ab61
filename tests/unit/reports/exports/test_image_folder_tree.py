from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exported_runs import files_in, picture, write_run
from report_rows import classified, failed
from sightglass.errors import InputError
from sightglass.evaluation.image_folder import read_image_folder
from sightglass.reports.exports.chosen_rows import Choice
from sightglass.reports.exports.convert import Converted, Layout, convert
from sightglass.reports.exports.finished_run import read_run
from sightglass.reports.exports.image_folder_tree import How


def export(
    results: Path, out: Path, how: How | None = None, shown: Any = iter, **choice: Any
) -> Converted:
    layout = Layout(to="imagefolder", how=how)
    return convert(read_run(results), out, layout, Choice(**choice), shown=shown)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Five pictures, two of which are called 1.png, of three labels; and one that failed."""
    photos = tmp_path / "photos"
    rows = [
        picture(photos / "a" / "1.png", "cat", shade=1),
        picture(photos / "b" / "1.png", "cat", shade=2),
        picture(photos / "b" / "dog", "dog", shade=3, kind="JPEG"),
        failed(str(photos / "broken.jpg")),
        picture(photos / "odd.gif", "unknown", shade=4, kind="GIF"),
        picture(photos / "z.webp", "dog", shade=5, kind="WEBP"),
    ]
    return write_run(tmp_path / "results", rows)


@pytest.mark.parametrize(("how", "kind"), [(None, "hard links"), ("copy", "copies")])
def test_every_picture_lies_in_its_classes_folder_and_is_read_back_so(
    results: Path, tmp_path: Path, how: How | None, kind: str
) -> None:
    made = export(results, tmp_path / "out", how)
    assert made.pictures == 5
    assert made.left_out == {"corrupt": 1}
    assert made.record["files"] == {kind: 5}
    assert made.record["passed_over"] == {".gif": 1}
    read = read_image_folder(tmp_path / "out")
    assert read.class_names == ("cat", "dog", "unknown")
    # By hand: what the rows say, with the bytes of the files that they name.
    photos = tmp_path / "photos"
    expected = {
        "cat": {photos / "a" / "1.png", photos / "b" / "1.png"},
        "dog": {photos / "b" / "dog", photos / "z.webp"},
        "unknown": {photos / "odd.gif"},
    }
    found = [(read.class_names[i], data) for i, data in zip(read.labels, read.read(), strict=True)]
    assert sorted(found) == sorted(
        (name, path.read_bytes()) for name, paths in expected.items() for path in paths
    )


def test_originals_are_not_changed_and_links_share_their_bytes(
    results: Path, tmp_path: Path
) -> None:
    before = files_in(tmp_path / "photos")
    export(results, tmp_path / "linked")
    export(results, tmp_path / "copied", "copy")
    assert files_in(tmp_path / "photos") == before
    inodes = {path.stat().st_ino for path in (tmp_path / "photos").rglob("*") if path.is_file()}
    for name, shared in (("linked", True), ("copied", False)):
        for path in (tmp_path / name).rglob("*/*"):
            assert (path.stat().st_ino in inodes) == shared


@pytest.mark.parametrize(
    ("refused", "kind"), [(("link",), "symbolic links"), (("link", "symlink"), "copies")]
)
def test_where_the_file_system_takes_no_link_the_next_best_is_made(
    results: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    refused: tuple[str, ...],
    kind: str,
) -> None:
    for name in refused:
        monkeypatch.setattr(os, name, _refuse)
    assert export(results, tmp_path / "out").record["files"] == {kind: 5}
    read = read_image_folder(tmp_path / "out")
    assert sorted(map(bytes, read.read())) == sorted(  # type: ignore[arg-type]
        data for name, data in files_in(tmp_path / "photos").items() if name != "broken.jpg"
    )


@pytest.mark.parametrize("how", ["link", "copy"])
@pytest.mark.parametrize("after", [0, 1, 3, 5])
def test_a_stopped_export_goes_on_and_ends_as_an_undisturbed_one(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: How, after: int
) -> None:
    export(results, tmp_path / "undisturbed", how)
    mark = json.loads((tmp_path / "undisturbed" / ".sightglass-export.json").read_text())

    def stopped(rows: Iterable[Any]) -> Iterator[Any]:
        for number, row in enumerate(rows):
            if number == after:
                raise KeyboardInterrupt
            yield row
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(results, tmp_path / "out", how, stopped)
    assert not (tmp_path / "out").exists()
    begun = files_in(tmp_path / ".out.part")
    assert len(begun) == after
    export(results, tmp_path / "out", how)
    assert files_in(tmp_path / "out") == files_in(tmp_path / "undisturbed")
    again = json.loads((tmp_path / "out" / ".sightglass-export.json").read_text())
    assert again | {"contents": ""} == mark | {"contents": ""}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out",
        "photos",
        "results",
        "undisturbed",
    ]


def test_pictures_that_went_or_changed_are_left_out_and_counted(
    results: Path, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    (photos / "a" / "1.png").unlink()
    (photos / "b" / "1.png").write_text("now a text")
    for how in ("link", "copy"):
        made = export(results, tmp_path / "out", how)  # type: ignore[arg-type]
        assert made.pictures == 3
        assert made.left_out == {"changed since it was classified": 1, "corrupt": 1, "not found": 1}
    picture(photos / "z.webp", shade=99, kind="WEBP")  # another picture, under the same name
    assert (
        export(results, tmp_path / "out", "copy").left_out["changed since it was classified"] == 2
    )


def test_an_export_of_links_is_not_replaced_once_it_holds_the_last_copy(
    results: Path, tmp_path: Path
) -> None:
    export(results, tmp_path / "out")
    (tmp_path / "photos" / "z.webp").unlink()
    with pytest.raises(InputError, match="holds the last copy of a picture"):
        export(results, tmp_path / "out")
    assert len(files_in(tmp_path / "out")) == 5


def test_a_url_can_be_copied_but_not_linked(tmp_path: Path) -> None:
    row = picture(tmp_path / "1.png") | {"path": "https://user:secret@host/1.png?signature=abc"}
    results = write_run(tmp_path / "results", [row])
    with pytest.raises(InputError, match=r"https://host/1\.png: a link needs a file on this mach"):
        export(results, tmp_path / "out")
    local = row | {"path": f"file://{tmp_path}/1.png"}
    for how in ("link", "copy"):
        made = export(write_run(tmp_path / "results", [local]), tmp_path / "out", how)  # type: ignore[arg-type]
        assert made.pictures == 1


def test_a_picture_in_memory_of_fsspec_is_downloaded(tmp_path: Path) -> None:
    import fsspec

    row = picture(tmp_path / "1.png")
    far = fsspec.filesystem("memory")
    far.pipe("/exports/1.png", (tmp_path / "1.png").read_bytes())
    row["path"] = "memory://exports/1.png"
    export(write_run(tmp_path / "results", [row]), tmp_path / "out", "copy")
    far.rm("/exports/1.png")
    (data,) = files_in(tmp_path / "out").values()
    assert data == (tmp_path / "1.png").read_bytes()


def test_nothing_to_export_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    rows = [failed("a.jpg"), classified(str(tmp_path / "gone.jpg"))]
    with pytest.raises(InputError, match=r"nothing is left to export \(1 corrupt, 1 not found\)"):
        export(write_run(tmp_path / "results", rows), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_pictures_of_an_earlier_export_are_not_exported_over_themselves(
    results: Path, tmp_path: Path
) -> None:
    export(results, tmp_path / "out")
    inside = next((tmp_path / "out" / "cat").iterdir())
    again = write_run(tmp_path / "again", [classified(str(inside))])
    with pytest.raises(InputError, match="must lie outside of the pictures' folders"):
        export(again, tmp_path / "out")
    assert inside.exists()


def test_hostile_class_names_stay_below_the_export(tmp_path: Path) -> None:
    names = ("../../x", "/etc/x", "a/b", "a-b", "con")
    rows = [
        picture(tmp_path / f"{i}.png", name, shade=i, top=[{"label": name, "probability": 1.0}])
        for i, name in enumerate(names)
    ]
    results = write_run(tmp_path / "deep" / "results", rows, classes=names)
    made = export(results, tmp_path / "deep" / "out")
    assert made.pictures == len(names)
    placed = files_in(tmp_path / "deep" / "out")
    assert len({name.split("/")[0] for name in placed}) == len(names)
    assert all(name.count("/") == 1 for name in placed)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["deep"]


@pytest.mark.parametrize(
    ("how", "kinds"), [("link", {"copies": 1, "hard links": 4}), ("copy", {"copies": 5})]
)
def test_a_picture_in_place_before_a_stop_counts_though_its_source_is_gone(
    results: Path, tmp_path: Path, how: How, kinds: dict[str, int]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        export(results, tmp_path / "out", how, stopped_at_the_end)
    gone = tmp_path / "photos" / "z.webp"
    data = gone.read_bytes()
    gone.unlink()
    made = export(results, tmp_path / "out", how)
    assert (made.pictures, made.left_out, made.record["files"]) == (5, {"corrupt": 1}, kinds)
    assert list(files_in(tmp_path / "out").values()).count(data) == 1


@pytest.mark.parametrize("gone", [True, False])
def test_what_a_stopped_run_put_in_place_goes_once_it_is_no_picture(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    if gone:  # symbolic links, one of which leads nowhere then
        monkeypatch.setattr(os, "link", _refuse)
    with pytest.raises(KeyboardInterrupt):
        export(results, tmp_path / "out", "link", stopped_at_the_end)
    source = tmp_path / "photos" / "z.webp"
    if gone:
        source.unlink()
    else:
        source.write_text("now a text")
    made = export(results, tmp_path / "out", "link")
    reason = "not found" if gone else "changed since it was classified"
    assert (made.pictures, made.left_out) == (4, {"corrupt": 1, reason: 1})
    assert len(list((tmp_path / "out").glob("*/*"))) == 4


def stopped_at_the_end(rows: Iterable[Any]) -> Iterator[Any]:
    yield from rows
    raise KeyboardInterrupt


def _refuse(*_: object, **__: object) -> None:
    raise OSError(errno.EXDEV, "Invalid cross-device link")
