from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from picture_server import Page, PictureServer
from sightglass.errors import InputError, MissingExtraError
from sightglass.inputs.discovery import find_pictures
from sightglass.inputs.remote_folders import _spelled

OBJECTS = ("a.jpg", "deep/b.jpg", "deep/er/c.png", "deep/er/[d].jpg", "odd name?.jpg", ".hidden")


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    for name in OBJECTS:
        system.pipe(f"/photos/{name}", b"abc")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.mark.parametrize("source", ["memory://photos", "memory://photos/", "memory:///photos"])
def test_a_folder_at_a_url_gives_all_objects_below_it(
    memory: fsspec.AbstractFileSystem, source: str
) -> None:
    start = source.rstrip("/")
    assert find_pictures([source]) == sorted(f"{start}/{name}" for name in OBJECTS)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.jpg", ["a.jpg", "odd name?.jpg"]),
        ("**/*.jpg", ["a.jpg", "deep/b.jpg", "deep/er/[d].jpg", "odd name?.jpg"]),
        ("deep/*", ["deep/b.jpg", "deep/er/[d].jpg", "deep/er/c.png"]),
        ("deep/e?/c.png", ["deep/er/c.png"]),
        ("deep/er/[d].jpg", ["deep/er/[d].jpg"]),
        ("odd name?.jpg", ["odd name?.jpg"]),
        ("a.jpg", ["a.jpg"]),
    ],
)
def test_objects_and_patterns_at_a_url_give_what_they_name(
    memory: fsspec.AbstractFileSystem, pattern: str, names: list[str]
) -> None:
    expected = sorted(f"memory://photos/{name}" for name in names)
    assert find_pictures([f"memory://photos/{pattern}"]) == expected


def test_urls_and_paths_are_sorted_together_and_none_comes_twice(
    memory: fsspec.AbstractFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    Path("photos/z.jpg").touch()
    Path("list.txt").write_text(
        "memory://photos/a.jpg\nphotos\nnowhere.jpg\nmemory://photos/gone.jpg\nquux://x\n"
    )
    Path("more.csv").write_text("path,n\nphotos/z.jpg,1\n")
    found = find_pictures(["memory://photos/a.jpg", "photos"], manifests=["list.txt", "more.csv"])
    assert found == [
        "memory://photos/a.jpg",
        "memory://photos/gone.jpg",
        "nowhere.jpg",
        "photos/z.jpg",
        "quux://x",
    ]


@pytest.mark.parametrize("start", ["memory://", "memory:///"])
def test_a_pattern_in_the_first_name_of_a_url_keeps_the_scheme(
    memory: fsspec.AbstractFileSystem, start: str
) -> None:
    assert find_pictures([f"{start}photo*/a.jpg"]) == [f"{start}photos/a.jpg"]
    assert find_pictures([start]) == sorted(f"{start}photos/{name}" for name in OBJECTS)


def test_a_pattern_of_buckets_keeps_the_scheme() -> None:
    assert _spelled(["bucket-1/x.jpg"], "", "gs://") == ["gs://bucket-1/x.jpg"]
    assert _spelled(["/deep/x.jpg"], "/", "hdfs:///") == ["hdfs:///deep/x.jpg"]
    assert _spelled(["bucket/a/x.jpg"], "bucket/a", "gs://bucket/a/") == ["gs://bucket/a/x.jpg"]


def test_what_a_url_does_not_hold_is_refused(memory: fsspec.AbstractFileSystem) -> None:
    with pytest.raises(InputError, match=r"'memory://photoss' does not exist\. Check the address"):
        find_pictures(["memory://photoss"])
    with pytest.raises(InputError, match=r"'memory://photos/\*\.gif' gives none"):
        find_pictures(["memory://photos/*.gif"])


def test_an_object_that_is_new_since_the_last_call_is_found(
    memory: fsspec.AbstractFileSystem,
) -> None:
    before = list(find_pictures(["memory://photos"]))
    memory.pipe("/photos/new.jpg", b"abc")
    assert find_pictures(["memory://photos"]) == sorted([*before, "memory://photos/new.jpg"])


def test_a_package_that_is_missing_is_said_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gcsfs", None)
    (tmp_path / "list.txt").write_text("a.jpg\ngs://bucket/a.jpg\n")
    for sources, manifests in ((["gs://bucket"], []), ([], [str(tmp_path / "list.txt")])):
        with pytest.raises(MissingExtraError, match="Please install gcsfs"):
            find_pictures(sources, manifests=manifests)


def test_a_page_with_links_is_a_folder_of_a_web_server() -> None:
    with PictureServer() as server:
        page = {"Content-Type": "text/html"}
        links = '<a href="a.jpg">a</a> <a href="deep/">d</a> <a href="?C=N;O=D">Name</a>'
        server.pages["/photos/"] = Page(links.encode(), headers=page)
        # Without the slash servers send the same page, or say where it is.
        server.pages["/photos/deep"] = Page(b'<a href="../">up</a><a href="b.jpg">', headers=page)
        assert find_pictures([f"{server.url}/photos/"]) == [
            f"{server.url}/photos/a.jpg",
            f"{server.url}/photos/deep/b.jpg",
        ]
        assert find_pictures([f"{server.url}/photos/**/b.jpg"]) == [
            f"{server.url}/photos/deep/b.jpg"
        ]
        picture = f"{server.url}/photo?id=7"
        assert find_pictures([picture]) == [picture]
        with pytest.raises(InputError, match="/none/' gives none"):
            find_pictures([f"{server.url}/none/"])


def test_a_folder_here_may_be_named_by_a_url(tmp_path: Path) -> None:
    folder = tmp_path / "my photos"
    folder.mkdir()
    for name in ("a b.jpg", "100%25.jpg", "\udcff.jpg"):
        (folder / name).touch()
    as_written = f"file://{folder}"
    assert find_pictures([as_written]) == sorted(
        f"{as_written}/{name}" for name in ("a b.jpg", "100%25.jpg", "\udcff.jpg")
    )
    assert find_pictures([f"{folder.as_uri()}/"]) == sorted(
        f"{folder.as_uri()}/{name}" for name in ("a%20b.jpg", "100%2525.jpg", "%FF.jpg")
    )
    with pytest.raises(InputError, match=r"does not exist\. Did you mean"):
        find_pictures([f"file://{tmp_path}/my_photos"])


@pytest.mark.parametrize("folder", ["photos", "my [1] photos"])
def test_a_pattern_may_stand_in_the_url_of_a_folder_here(tmp_path: Path, folder: str) -> None:
    root = tmp_path / folder
    (root / "deep").mkdir(parents=True)
    for name in ("a b.jpg", "100%25.jpg", "c.png", "deep/d.jpg", "[e].gif", "e.gif"):
        (root / name).touch()
    quoted = root.as_uri()
    # A folder of an odd name can only be quoted, since its brackets would be a pattern.
    written = quoted if "[" in folder else f"file://{root}"
    is_quoted = written != f"file://{root}"
    assert find_pictures([f"{written}/*.jpg"]) == (
        [f"{quoted}/100%2525.jpg", f"{quoted}/a%20b.jpg"]
        if is_quoted
        else [f"{written}/100%25.jpg", f"{written}/a b.jpg"]
    )
    assert find_pictures([f"{written}/a%20?.jpg"]) == [f"{quoted}/a%20b.jpg"]
    assert find_pictures([f"{written}/**/d.jpg"]) == [f"{written}/deep/d.jpg"]
    assert find_pictures([f"{written}/de*"]) == [f"{written}/deep/d.jpg"]
    assert find_pictures([f"{written}/%5Be%5D.g*"]) == [f"{quoted}/%5Be%5D.gif"]
    with pytest.raises(InputError, match=r"/\*\.bmp' gives none"):
        find_pictures([f"{written}/*.bmp"])
