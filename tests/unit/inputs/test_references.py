from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colour_photos import encoded
from sightglass.errors import InputError, ResultsError
from sightglass.inputs.labels import LabelSet, name_key
from sightglass.inputs.references import (
    RECORD,
    Provenance,
    ReferenceRecord,
    class_folder,
    read_record,
    read_references,
    write_record,
)

LABELS = LabelSet.of(["cat", ["sofa", "couch"], "sea_slug"])


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(encoded("red"))


def provenance(path: str, class_name: str) -> Provenance:
    return Provenance(path=path, class_name=class_name, origin="imagined", sha256="0" * 64)


def test_pictures_come_by_class_then_by_name(tmp_path: Path) -> None:
    put(tmp_path, "sofa/b.png", "sofa/a.jpg", "cat/z.webp", "cat/B.PNG")
    found = read_references(tmp_path, LABELS)
    assert [Path(one.name).name for one in found.pictures] == ["B.PNG", "z.webp", "a.jpg", "b.png"]
    assert found.labels.tolist() == [0, 0, 1, 1]
    assert found.n_classes == 3


def test_two_folders_of_one_class_are_one_class(tmp_path: Path) -> None:
    put(tmp_path, "sofa/a.png", "couch/a.png", "Sea Slug/a.png", "sea_slug/a.png")
    assert read_references(tmp_path, LABELS).labels.tolist() == [1, 1, 2, 2]


def test_a_name_that_begins_like_another_stays_apart(tmp_path: Path) -> None:
    labels = LabelSet.of(["cat", "cattle", "caterpillar", "slug", "sea slug"])
    put(tmp_path, *(f"{name}/{name}1.png" for name in labels.names))
    found = read_references(tmp_path, labels)
    assert [Path(one.name).parent.name for one in found.pictures] == list(labels.names)
    assert found.labels.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("folder", "meant"), [("cta", "cat"), ("coach", "couch"), ("sea-slug", "sea_slug")]
)
def test_a_wrong_folder_name_is_answered_with_the_closest(
    tmp_path: Path, folder: str, meant: str
) -> None:
    put(tmp_path, "cat/a.png", f"{folder}/a.png")
    with pytest.raises(InputError, match=f"'{folder}' is none. Did you mean '{meant}'"):
        read_references(tmp_path, LABELS)


def test_the_closest_name_is_given_as_a_folder_can_bear_it(tmp_path: Path) -> None:
    put(tmp_path, "AC-DC/a.png")
    with pytest.raises(InputError, match=r"Did you mean 'AC-DC-[0-9a-f]{6}'"):
        read_references(tmp_path, LabelSet.of(["AC/DC", "cat"]))


def test_a_picture_outside_of_the_class_folders_is_refused_by_name(tmp_path: Path) -> None:
    put(tmp_path, "cat/a.png", "lost.png")
    with pytest.raises(InputError, match=r"'lost\.png' lies outside .* Move it"):
        read_references(tmp_path, LABELS)


def test_what_is_no_picture_and_what_is_hidden_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "cat/a.png", "cat/.b.png", "cat/notes.txt", "cat/older/c.png", "README.md")
    put(tmp_path, ".imagine/rejected/dog/d.png", ".DS_Store")
    (tmp_path / "sofa").mkdir()
    found = read_references(tmp_path, LABELS)
    assert [Path(one.name).name for one in found.pictures] == ["a.png"]


def test_without_any_picture_the_first_place_for_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    with pytest.raises(InputError, match=r"found none: .*/cat/\*\.png would be"):
        read_references(tmp_path, LABELS)


def test_an_absent_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is none\. Check the path"):
        read_references(tmp_path / "nowhere", LABELS)


def test_a_picture_knows_its_entry_and_entries_without_picture_are_passed_over(
    tmp_path: Path,
) -> None:
    put(tmp_path, "cat/a.png", "couch/b.png", "cat/mine.png")
    entries = [
        provenance(path, name)
        for path, name in [("cat/a.png", "cat"), ("couch/b.png", "sofa"), ("cat/gone.png", "cat")]
    ]
    write_record(tmp_path, ReferenceRecord(pictures=tuple(entries)))
    found = read_references(tmp_path, LABELS)
    assert [one.provenance for one in found.pictures] == [entries[0], None, entries[1]]


@pytest.mark.parametrize("said", ["sofa", "tiger"])
def test_a_picture_in_another_folder_than_its_entry_says_is_refused(
    tmp_path: Path, said: str
) -> None:
    put(tmp_path, "cat/a.png")
    write_record(tmp_path, ReferenceRecord(pictures=(provenance("cat/a.png", said),)))
    with pytest.raises(InputError, match=rf"'cat/a\.png' is of '{said}' by references\.json"):
        read_references(tmp_path, LABELS)


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    record = ReferenceRecord(
        rule="the best",
        pictures=(provenance("café/a.png", "café"),),
        classes_without={"dog": "none was found"},
    )
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record


def test_without_a_record_there_is_an_empty_one(tmp_path: Path) -> None:
    assert read_record(tmp_path) == ReferenceRecord()


@pytest.mark.parametrize(
    "damaged",
    ["", "{", "[]", json.dumps({"format": "another"}), json.dumps({"pictures": [{"path": "a"}]})],
)
def test_a_damaged_record_is_refused_with_its_path(tmp_path: Path, damaged: str) -> None:
    put(tmp_path, "cat/a.png")
    (tmp_path / RECORD).write_text(damaged)
    with pytest.raises(InputError, match=r"references\.json: cannot be read as a record"):
        read_references(tmp_path, LABELS)


def test_a_record_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"references\.json: cannot be written"):
        write_record(tmp_path / "nowhere", ReferenceRecord())


@pytest.mark.parametrize("name", ["cat", "sea_slug", "Ça va", "猫", "dr. no", "a-b", "rock'n'roll"])
def test_a_name_that_every_file_system_takes_stays(name: str) -> None:
    assert class_folder(name) == name


@pytest.mark.parametrize(
    "name",
    ["a/b", "a:b", "..", ".", ".hidden", "end.", "NUL", "com1.txt", "?", "x" * 300, "猫" * 90],
)
def test_any_other_name_becomes_one_that_every_file_system_takes(name: str, tmp_path: Path) -> None:
    made = class_folder(name)
    put(tmp_path, f"{made}/a.png")
    assert [entry.name for entry in tmp_path.iterdir()] == [made]
    assert not set(made) & set('<>:"/\\|?*')
    assert not made.startswith(".")
    assert made.split(".")[0].casefold() not in {"nul", "com1"}
    assert read_references(tmp_path, LabelSet.of(["cat", name])).labels.tolist() == [1]


def test_names_that_differ_in_what_no_file_system_takes_have_different_folders() -> None:
    names = ["a/b", "a:b", "a-b", "a?b", "a*b", "a b/", "a b", ".a b"]
    assert len({name_key(class_folder(name)) for name in names}) == len(names)


@given(
    st.lists(
        st.text(alphabet='ab-/:?.* _"x', min_size=1, max_size=4).filter(
            lambda name: name.strip(" _") != ""
        ),
        min_size=2,
        max_size=12,
        unique_by=name_key,
    )
)
def test_folders_of_a_label_set_are_as_different_as_its_names(names: list[str]) -> None:
    labels = LabelSet.of(names)
    folders = [class_folder(name) for name in labels.names]
    assert len({name_key(folder) for folder in folders}) == len(names)
