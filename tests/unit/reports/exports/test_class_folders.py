from __future__ import annotations

import unicodedata
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.errors import InputError
from sightglass.inputs.labels import LabelSet
from sightglass.reports.exports.class_folders import SUFFIXES, class_folders, file_name

HOSTILE = ["../../x", "/etc/x", "..", ".", "con", "a/b", "a:b", "a-b", "x" * 300, "dots..", "cat"]


def is_one_safe_name(name: str) -> bool:
    return (
        PurePath(name).name == name
        and not name.startswith(".")
        and not set(name) & set('<>:"/\\|?*\0\n')
        and len(name.encode()) <= 255
    )


def test_hostile_class_names_get_folders_of_their_own_right_below_the_export() -> None:
    folders = class_folders([*HOSTILE, "unknown"])
    assert list(folders) == [*HOSTILE, "unknown"]
    assert all(is_one_safe_name(folder) for folder in folders.values())
    assert len({folder.casefold() for folder in folders.values()}) == len(folders)
    assert (folders["cat"], folders["a-b"], folders["unknown"]) == ("cat", "a-b", "unknown")


def test_a_class_that_is_spelled_as_another_ones_folder_gets_another_folder() -> None:
    (folder,) = class_folders(["a/b"]).values()
    both = class_folders(["a/b", folder])
    assert both["a/b"] == folder
    assert both[folder].startswith(f"{folder}-")


@given(st.lists(st.text(min_size=1), min_size=2, max_size=6))
def test_no_two_classes_share_a_folder_on_any_file_system(names: list[str]) -> None:
    try:
        labels = LabelSet.of(names)
    except InputError:
        return  # no list that classify takes
    folders = list(class_folders(labels.names).values())
    assert all(map(is_one_safe_name, folders))
    folded = {unicodedata.normalize("NFC", folder).casefold() for folder in folders}
    assert len(folded) == len(labels.names)


@pytest.mark.parametrize(
    ("source", "kind", "begins", "ends"),
    [
        ("a/1.jpg", "JPEG", "1-", ".jpg"),
        ("a/1.JPEG", "JPEG", "1-", ".JPEG"),
        ("a/1.png", "JPEG", "1.png-", ".jpg"),  # named as what it is not
        ("a/photo", "PNG", "photo-", ".png"),
        ("a/v1.2", "PNG", "v1.2-", ".png"),
        ("s3://bucket/a/1.webp", "WEBP", "1-", ".webp"),
        ("https://host/a/1.jpg?size=2", "JPEG", "1-", ".jpg"),
        ("a/.hidden.png", "PNG", "hidden-", ".png"),
        ("a/n\udcff.png", "PNG", "n-udcff-", ".png"),
    ],
)
def test_a_picture_keeps_its_name_and_gets_the_suffix_of_its_format(
    source: str, kind: str, begins: str, ends: str
) -> None:
    name = file_name(source, kind)
    assert name.startswith(begins)
    assert name.endswith(ends)


@given(
    st.lists(st.text(min_size=1), min_size=2, max_size=5, unique=True), st.sampled_from([*SUFFIXES])
)
def test_pictures_of_different_paths_have_different_safe_names(
    sources: list[str], kind: str
) -> None:
    names = [file_name(source, kind) for source in sources]
    assert all(map(is_one_safe_name, names))
    assert len({name.casefold() for name in names}) == len(sources)
    assert names == [file_name(source, kind) for source in sources]
