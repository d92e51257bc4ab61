from __future__ import annotations

import glob
import io
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.errors import InputError
from sightglass.inputs.discovery import find_pictures

# A folder is a dictionary, a file is None. Names are short so that paths stay within limits.
NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8
).filter(lambda name: name not in (".", ".."))
TREES: st.SearchStrategy[Any] = st.recursive(
    st.none(), lambda inner: st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
PLAIN_NAMES = st.sampled_from(["a", "b.jpg", "c.png", ".d.jpg", "e", "f.jpg"])
PLAIN_TREES: st.SearchStrategy[Any] = st.recursive(
    st.none(), lambda inner: st.dictionaries(PLAIN_NAMES, inner, max_size=4), max_leaves=12
)


def plant(folder: Path, tree: dict[str, Any]) -> None:
    """Write the tree's files and folders; names that a file system folds together may collide."""
    folder.mkdir(exist_ok=True)
    for name, inner in tree.items():
        if inner is None:
            (folder / name).touch()
        else:
            plant(folder / name, inner)


def walked(folder: str) -> list[str]:
    return sorted(f"{top}/{name}" for top, _, names in os.walk(folder) for name in names)


def files(tmp_path: Path, *names: str) -> None:
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@given(tree=st.dictionaries(NAMES, TREES, max_size=5))
def test_a_folder_gives_exactly_the_files_that_os_walk_finds(tree: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        plant(Path(folder), {**tree, "one more": None})
        assert find_pictures([folder]) == walked(folder)


@given(
    tree=st.dictionaries(PLAIN_NAMES, PLAIN_TREES, max_size=5),
    pattern=st.sampled_from(["**/*.jpg", "*/b.jpg", "a/**/*.jpg", "**/e/*", "[ae]/**/*.p?g"]),
)
def test_a_pattern_gives_the_files_that_the_standard_library_matches(
    tree: dict[str, Any], pattern: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        plant(Path(folder), tree)
        plant(Path(folder), {"keep": {"b.jpg": None}})
        whole = f"{folder}/{pattern}"
        expected = set()
        for match in glob.glob(whole, recursive=True):  # noqa: PTH207
            expected.update(walked(match) if Path(match).is_dir() else [match])
        if expected:
            assert find_pictures([whole]) == sorted(expected)
        else:
            with pytest.raises(InputError, match="gives none"):
                find_pictures([whole])


def test_every_kind_of_entry_that_is_no_folder_is_found(tmp_path: Path) -> None:
    files(tmp_path, "a.jpg", "no_suffix", "notes.txt", ".hidden", "sub/.DS_Store")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "broken").symlink_to("gone")
    (tmp_path / "itself").symlink_to("itself")
    (tmp_path / "empty").mkdir()
    names = [".hidden", "a.jpg", "broken", "itself", "no_suffix", "notes.txt", "pipe"]
    expected = [*names, "sub/.DS_Store"]
    assert find_pictures([tmp_path]) == [str(tmp_path / name) for name in expected]


@pytest.mark.parametrize("source", ["photos", "./photos", "photos/", "../here/photos"])
def test_paths_begin_as_the_person_spelled_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    files(tmp_path, "here/photos/a.jpg", "here/photos/x/b.jpg")
    monkeypatch.chdir(tmp_path / "here")
    start = source.rstrip("/")
    assert find_pictures([source]) == [f"{start}/a.jpg", f"{start}/x/b.jpg"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.jpg", ["a.jpg"]),
        ("./*.jpg", ["./a.jpg"]),
        ("**/*.jpg", ["a.jpg", "x/b.jpg"]),
        ("./**/b*", ["./x/b.jpg"]),
        ("[x]", ["x/.c.jpg", "x/b.jpg"]),
        ("x/**", ["x/.c.jpg", "x/b.jpg"]),
        ("x/*", ["x/b.jpg"]),
        ("x/**/.c*", ["x/.c.jpg"]),
    ],
)
def test_patterns_keep_the_spelling_and_leave_dotfiles_to_those_who_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, expected: list[str]
) -> None:
    files(tmp_path, "a.jpg", "x/b.jpg", "x/.c.jpg")
    monkeypatch.chdir(tmp_path)
    assert find_pictures([pattern]) == expected


def test_an_existing_name_is_never_taken_for_a_pattern(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path, "[ab].jpg", "a.jpg", "**")
    monkeypatch.chdir(tmp_path)
    assert find_pictures(["[ab].jpg"]) == ["[ab].jpg"]
    assert find_pictures(["**"]) == ["**"]


def test_order_is_by_code_points_and_no_path_comes_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path, "p/b", "p/B", "p/a", "p/é", "p/Z", "p/10", "p/9")
    monkeypatch.chdir(tmp_path)
    expected = ["p/10", "p/9", "p/B", "p/Z", "p/a", "p/b", "p/é"]
    assert find_pictures(["p"]) == expected
    assert find_pictures(["p/b", "p", "p/*", "p"]) == expected


def test_names_that_are_not_utf_8_survive(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/latin-\xe9.jpg"
    Path(os.fsdecode(raw)).touch()
    (found,) = find_pictures([tmp_path])
    assert os.fsencode(found) == raw


@pytest.mark.parametrize("link", ["aaa", "zzz"])
def test_a_folder_is_found_at_its_real_place_whatever_a_link_to_it_is_called(
    tmp_path: Path, link: str
) -> None:
    files(tmp_path, "mmm/deep/a.jpg")
    (tmp_path / link).symlink_to("mmm/deep")
    assert find_pictures([tmp_path]) == [str(tmp_path / "mmm/deep/a.jpg")]


def test_links_that_lead_in_circles_end(tmp_path: Path) -> None:
    files(tmp_path, "x/a.jpg", "y/b.jpg")
    (tmp_path / "x/up").symlink_to("..")
    (tmp_path / "x/self").symlink_to(".")
    (tmp_path / "y/over").symlink_to("../x")
    (tmp_path / "x/over").symlink_to("../y")
    expected = [str(tmp_path / "x/a.jpg"), str(tmp_path / "y/b.jpg")]
    assert find_pictures([tmp_path]) == expected
    assert find_pictures([f"{tmp_path}/**/*.jpg"]) == expected


def test_a_link_out_of_the_folder_is_followed_once(tmp_path: Path) -> None:
    files(tmp_path, "outside/o.jpg", "inside/i.jpg")
    for name in ("second", "first"):
        (tmp_path / "inside" / name).symlink_to(tmp_path / "outside")
    inside = tmp_path / "inside"
    assert find_pictures([inside]) == [str(inside / "first/o.jpg"), str(inside / "i.jpg")]


def test_a_folder_that_may_not_be_listed_is_a_path_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path, "open/a.jpg", "private/b.jpg")
    scandir = os.scandir

    def refusing(path: str) -> Any:
        if path.endswith("private"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    expected = [str(tmp_path / "open/a.jpg"), str(tmp_path / "private")]
    assert find_pictures([tmp_path]) == expected
    assert find_pictures([tmp_path / "private"]) == expected[1:]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("b.jpg\na.jpg\n", ["a.jpg", "b.jpg"]),
        ("b.jpg\r\na.jpg\r\n\r\n", ["a.jpg", "b.jpg"]),
        ("a.jpg\nnot there.jpg", ["a.jpg", "not there.jpg"]),
        ("line\nbreak.jpg\0a.jpg\0", ["a.jpg", "line\nbreak.jpg"]),
        ("x\nx/c.jpg\n", ["x/c.jpg"]),
        ("*.jpg\n-\n", ["*.jpg", "-"]),
    ],
)
def test_stdin_lists_paths_literally_by_lines_or_nul_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: list[str]
) -> None:
    files(tmp_path, "a.jpg", "b.jpg", "x/c.jpg")
    monkeypatch.chdir(tmp_path)
    assert find_pictures(["-"], stdin=io.StringIO(text)) == expected


def test_stdin_of_bytes_may_hold_names_that_are_not_utf_8() -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b"latin-\xe9.jpg\n"), encoding="utf-8")
    assert [os.fsencode(path) for path in find_pictures(["-"], stdin=stdin)] == [b"latin-\xe9.jpg"]


def test_stdin_is_the_process_own_unless_another_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("somewhere.jpg\n"))
    assert find_pictures(["-"]) == ["somewhere.jpg"]


def test_a_source_that_does_not_exist_is_refused_with_the_nearest_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path, "photos/cats/a.jpg")
    monkeypatch.chdir(tmp_path)
    for wrong, message in {
        "photo": "Pictures: 'photo' does not exist. Did you mean 'photos'?",
        "photos/cast/": "Pictures: 'photos/cast/' does not exist. Did you mean 'photos/cats'?",
        "xyz": "Pictures: 'xyz' does not exist. Check the path.",
        "no/such": "Pictures: 'no/such' does not exist. Check the path.",
        "nul\0byte": "Pictures: 'nul\0byte' does not exist. Check the path.",
    }.items():
        with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
            find_pictures(["photos", wrong])


@pytest.mark.parametrize("source", ["empty", "*.gif", "**/*.gif", "none/**", "empty/**", "-"])
def test_a_source_without_any_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    files(tmp_path, "a.jpg")
    (tmp_path / "empty/within").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=re.escape(f"'{source}' gives none")):
        find_pictures(["a.jpg", source], stdin=io.StringIO("\n"))


def test_no_source_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="some are needed, got nothing"):
        find_pictures([])
