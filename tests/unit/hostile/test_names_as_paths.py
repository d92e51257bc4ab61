"""What a file says never makes a run read or write outside of the folder that a person named."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from colour_photos import encoded
from sightglass.cli import main
from sightglass.errors import InputError
from sightglass.generation.image_ledger import Entry
from sightglass.generation.imagined_folder import ImaginedFolder, file_of, make_folder
from sightglass.inputs.inner_path import is_inner, stays_within
from sightglass.inputs.labels import LabelSet
from sightglass.inputs.references import (
    RECORD,
    Provenance,
    ReferenceRecord,
    class_folder,
    read_record,
    read_references,
    write_record,
)

LABELS = LabelSet.of(["cat", "dog"])
OUTSIDE = [
    *("../x", "/etc/passwd", "cat/../../x", "..", "", ".", "//host/x", "cat/..", "\0"),
    *("C:\\x", "c:/x", "C:x", "cat\\a.png", "..\\x", "\\\\host\\x", "cat/a\0.png"),
]
INSIDE = ["cat/a.png", "a", "a/b/c", "..a/b", "cat/...", "café/1.png", "a b/=1.png", "con"]
# Names of classes as nobody should give them; no two of them may share a folder.
HOSTILE = [
    *("../../x", "/etc/x", ".", "..", "...", "con", "CON.txt", "a/b", "a:b", "a\\b", "x" * 300),
    *(
        "x" * 301,
        "é" * 200,
        "dog.",
        "dog ..",
        " .dog",
        "-rf",
        "~",
        "$HOME",
        "a|b",
        "*",
        "nul\u200b",
    ),
    *(
        "C:",
        "C:x",
        "aux.",
        "lpt1",
        "\u202egnp",
        "a\u2028b",
        "%2e%2e%2f",
        ".imagine",
        "references.json",
    ),
]


def entry(path: str) -> dict[str, str]:
    return {"path": path, "class_name": "cat", "origin": "imagined", "sha256": "0" * 64}


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded("red"))
    return path


@pytest.mark.parametrize("written", OUTSIDE)
def test_a_path_that_could_leave_its_folder_is_none_of_it(written: str) -> None:
    assert not is_inner(written)


@pytest.mark.parametrize("written", INSIDE)
def test_a_path_that_stays_is_taken(written: str) -> None:
    assert is_inner(written)


@given(st.lists(st.sampled_from(["..", ".", "a", "b", "/", "//", "\\", "C:", "\0"]), max_size=6))
def test_an_inner_path_stays_however_it_is_put_together(parts: list[str]) -> None:
    written = "/".join(parts)
    if is_inner(written):
        # By the system's own arithmetic on text.
        assert os.path.normpath(os.path.join("/folder", written)).startswith("/folder/")  # noqa: PTH118


@pytest.mark.parametrize("written", OUTSIDE)
def test_a_record_of_references_that_names_what_lies_outside_is_refused(
    tmp_path: Path, written: str
) -> None:
    put(tmp_path / "references" / "cat" / "a.png")
    (tmp_path / "references" / RECORD).write_text(json.dumps({"pictures": [entry(written)]}))
    with pytest.raises(InputError, match="must lie in this folder") as caught:
        read_references(tmp_path / "references", LABELS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("link", ["file", "folder"])
def test_a_link_out_of_the_folder_is_the_persons_own_unless_the_record_names_it(
    tmp_path: Path, link: str
) -> None:
    folder = tmp_path / "references"
    outside = put(tmp_path / "elsewhere" / "a.png")
    if link == "file":
        (folder / "cat").mkdir(parents=True)
        (folder / "cat" / "a.png").symlink_to(outside)
    else:
        folder.mkdir()
        (folder / "cat").symlink_to(outside.parent)
    assert len(read_references(folder, LABELS).pictures) == 1
    write_record(folder, ReferenceRecord(pictures=(Provenance.model_validate(entry("cat/a.png")),)))
    with pytest.raises(InputError, match=r"'cat/a\.png' is a link out of it"):
        read_references(folder, LABELS)


def test_a_folder_of_references_may_be_a_link_itself(tmp_path: Path) -> None:
    folder = tmp_path / "real"
    put(folder / "cat" / "a.png")
    write_record(folder, ReferenceRecord(pictures=(Provenance.model_validate(entry("cat/a.png")),)))
    (tmp_path / "link").symlink_to(folder)
    (picture,) = read_references(tmp_path / "link", LABELS).pictures
    assert picture.provenance is not None


def test_links_in_a_circle_are_passed_over_like_what_is_no_picture(tmp_path: Path) -> None:
    put(tmp_path / "cat" / "a.png")
    (tmp_path / "cat" / "b.png").symlink_to("c.png")
    (tmp_path / "cat" / "c.png").symlink_to("b.png")
    (tmp_path / "cat" / "d.png").symlink_to("/nowhere")
    assert len(read_references(tmp_path, LABELS).pictures) == 1
    assert not stays_within(tmp_path / "cat" / "b.png", tmp_path / "dog")


def test_a_record_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / RECORD)
    with pytest.raises(InputError, match=r"cannot be read as a record.*a named pipe"):
        read_record(tmp_path)


def test_a_record_nested_without_end_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text('{"pictures":' + "[" * 100_000)
    with pytest.raises(InputError, match="cannot be read as a record") as caught:
        read_record(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_class_of_any_name_gets_one_folder_of_its_own_inside(tmp_path: Path, name: str) -> None:
    folder = class_folder(name)
    assert is_inner(folder)
    assert len(Path(folder).parts) == 1
    assert not folder.startswith(".")
    assert not folder.endswith((".", " "))
    (tmp_path / folder).mkdir()
    assert [path.name for path in tmp_path.iterdir()] == [folder]


def test_no_two_classes_share_a_folder_on_a_system_that_does_not_tell_cases_apart() -> None:
    names = [name for name in HOSTILE if name not in ("dog.", "dog ..", " .dog")]
    folders = [class_folder(name).casefold() for name in names]
    assert len(set(folders)) == len(names)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_picture_that_is_made_lies_in_the_folder_of_the_run(tmp_path: Path, name: str) -> None:
    file = file_of(name, slot=0, attempt=0)
    said = {"event": "asked", "time": "t", "class_name": name, "slot": 0, "attempt": 0}
    asked = Entry.model_validate({**said, "file": file, "prompt": "p", "generator": "g"})
    run = tmp_path / "run"
    run.mkdir()
    ImaginedFolder(run).keep(asked, b"picture")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    (made,) = (path for path in run.rglob("*.png"))
    assert made.read_bytes() == b"picture"


@pytest.mark.parametrize("link", [".imagine", ".imagine/arrived", ".imagine/arrived/cat"])
def test_a_link_in_the_folder_of_a_run_leads_no_picture_out_of_it(
    tmp_path: Path, link: str
) -> None:
    run, outside = tmp_path / "run", tmp_path / "outside"
    outside.mkdir()
    (run / link).parent.mkdir(parents=True)
    (run / link).symlink_to(outside)
    said = {"event": "asked", "time": "t", "class_name": "cat", "slot": 0, "attempt": 0}
    file = file_of("cat", slot=0, attempt=0)
    asked = Entry.model_validate({**said, "file": file, "prompt": "p", "generator": "g"})
    with pytest.raises(InputError, match="is a link out of it"):
        ImaginedFolder(run).keep(asked, b"picture")
    assert not [path for path in outside.rglob("*") if path.is_file()]
    if link == ".imagine":
        with pytest.raises(InputError, match="is a link out of it"):
            make_folder(run)


@pytest.mark.parametrize(
    "file",
    [
        *("../imagined-001-1.png", "/etc/imagined-001-1.png", "C:/imagined-001-1.png"),
        *("a/../imagined-001-1.png", "a\\b/imagined-001-1.png", "a\0/imagined-001-1.png"),
        *(".imagine/imagined-001-1.png", "cat/x.png", "cat/imagined-001-1.png\n"),
    ],
)
def test_a_line_of_the_ledger_cannot_name_another_place(file: str) -> None:
    said = {"event": "accepted", "time": "t", "class_name": "cat", "slot": 0, "attempt": 0}
    with pytest.raises(ValidationError):
        Entry.model_validate({**said, "file": file, "prompt": "p", "generator": "g"})


def test_harvest_writes_hostile_classes_into_its_folder_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for number, colour in enumerate(("red", "#fd0303", "blue", "#0303fd")):
        (tmp_path / "photos").mkdir(exist_ok=True)
        (tmp_path / "photos" / f"{number}.png").write_bytes(encoded(colour))
    before = {path for path in tmp_path.rglob("*") if "cache" not in path.parts}
    synthetic = ("--model", "synthetic:colours", "--vision-model", "synthetic:colours")
    classes = ("--classes", "../../red,/etc/blue")
    code = main(["harvest", "photos", *classes, *synthetic, "--out", "references"])
    assert code == 0, capsys.readouterr().err
    made = {path for path in tmp_path.rglob("*") if "cache" not in path.parts} - before
    assert made
    assert all(path.is_relative_to(tmp_path / "references") for path in made)
    seen = ("--model", "synthetic:colours", "--vision-model", "none", "--out", "out")
    assert main(["classify", "photos", *classes, *seen, "--references", "references"]) == 0
