from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest

from picture_server import Page, PictureServer
from sightglass.errors import InputError, MissingExtraError, PictureError
from sightglass.inputs.discovery import find_pictures
from sightglass.inputs.file_bytes import read_bytes, stamp_of
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
    assert _spelled(["bucket//x.jpg", "bucket/a/"], "bucket", "s3://bucket") == [
        "s3://bucket//x.jpg"
    ]


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
        server.pages["/photos/deep/"] = Page(b'<a href="../">up</a><a href="b.jpg">', headers=page)
        assert find_pictures([f"{server.url}/photos/"]) == [
            f"{server.url}/photos/a.jpg",
            f"{server.url}/photos/deep/b.jpg",
        ]
        assert find_pictures([f"{server.url}/photos/**/b.jpg"]) == [
            f"{server.url}/photos/deep/b.jpg"
        ]
        picture = f"{server.url}/photo?id=7"
        assert find_pictures([picture]) == [picture]
        with pytest.raises(InputError, match="/none/' does not exist"):
            find_pictures([f"{server.url}/none/"])
        with pytest.raises(InputError, match=r"/\*\.gif' gives none"):
            find_pictures([f"{server.url}/photos/*.gif"])


def as_page(*links: str) -> Page:
    text = "".join(f'<A class=x href="{link}">it</A>\n' for link in links)
    return Page(text.encode(), headers={"Content-Type": "text/html; charset=utf-8"})


def test_links_lead_where_a_browser_would_go_and_each_file_below_comes_once() -> None:
    with PictureServer() as server:
        host = server.url.partition("://")[2]
        server.pages["/photos/"] = as_page(
            *("./", ".", "", "#top", "/photos/", "deep/../", "a.jpg", "./a.jpg", "a.jpg#x"),
            *("/photos/b.jpg", f"https://{host}/photos/c.jpg", f"//{host}/photos/d&amp;e.jpg"),
            *(
                "../up.jpg",
                "../photos-2/x.jpg",
                "/other/x.jpg",
                "https://elsewhere.org/photos/x.jpg",
            ),
            *("deep/../../up.jpg", "mailto:x", "http://[", "deep/", "./deep/./"),
        )
        server.pages["/photos/deep/"] = as_page("../", "a.jpg", "../a.jpg", "../deep/", "er/")
        server.pages["/photos/deep/er/"] = as_page("a.jpg", "/photos/")
        expected = ["a.jpg", "b.jpg", "c.jpg", "d&e.jpg", "deep/a.jpg", "deep/er/a.jpg"]
        for start in (server.url, server.url.replace("//", "//me:pw@")):
            server.log.clear()
            assert find_pictures([f"{start}/photos/"]) == [
                f"{start}/photos/{name}" for name in expected
            ]
            assert server.log == [f"GET /photos/{page}" for page in ("", "deep/", "deep/er/")]


@pytest.mark.parametrize(
    ("pattern", "names", "pages"),
    [
        ("*.jpg", ["a.jpg"], [""]),
        ("d*", ["deep/a.jpg", "deep/b.png", "deep/er/a.jpg"], ["", "deep/", "deep/er/"]),
        ("d*/", ["deep/a.jpg", "deep/b.png", "deep/er/a.jpg"], ["", "deep/", "deep/er/"]),
        ("*/a.jpg", ["deep/a.jpg"], ["", "deep/", "other/"]),
        ("**/a.jpg", ["a.jpg", "deep/a.jpg", "deep/er/a.jpg"], None),
        ("d*p/**/*.jpg", ["deep/a.jpg", "deep/er/a.jpg"], ["", "deep/", "deep/er/"]),
    ],
)
def test_a_pattern_on_a_web_server_asks_for_no_page_in_vain(
    pattern: str, names: list[str], pages: list[str] | None
) -> None:
    with PictureServer() as server:
        server.pages["/photos/"] = as_page("a.jpg", "deep/", "other/", "../", "./")
        server.pages["/photos/deep/"] = as_page("a.jpg", "b.png", "er/")
        server.pages["/photos/deep/er/"] = as_page("a.jpg")
        server.pages["/photos/other/"] = as_page("c.png")
        found = find_pictures([f"{server.url}/photos/{pattern}"])
        assert found == [f"{server.url}/photos/{name}" for name in names]
        asked = [line.removeprefix("GET /photos/") for line in server.log if "GET" in line]
        assert pages is None or asked == pages


def test_a_folder_whose_page_cannot_be_read_is_named_instead_of_vanishing() -> None:
    with PictureServer() as server:
        server.pages["/photos/"] = as_page("closed/", "file/", "a.jpg")
        server.pages["/photos/closed/"] = Page(failures=(403,) * 9)
        server.pages["/photos/file/"] = Page(b"abc", headers={"Content-Type": "image/jpeg"})
        assert find_pictures([f"{server.url}/photos/"]) == [
            f"{server.url}/photos/{name}" for name in ("a.jpg", "closed/", "file/")
        ]
        with pytest.raises(InputError, match=r"cannot be listed \(permission denied \(403\)\)"):
            find_pictures([f"{server.url}/photos/closed/"])


def test_a_server_that_invents_folders_is_not_followed_for_ever() -> None:
    with PictureServer() as server:
        for depth in range(100):
            server.pages["/photos/" + "again/" * depth] = as_page("again/", "a.jpg")
        found = find_pictures([f"{server.url}/photos/"])
        assert len(found) == len(server.log) == 32  # no real folder is as deep


class Keys(fsspec.AbstractFileSystem):
    """Objects as a store of keys has them: no folders, and listings that are remembered.

    As https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-prefixes.html has it: a slash is
    a letter of a key, and a name may be both a key and what other keys begin with.
    """

    protocol = "keys"
    objects: ClassVar[dict[str, bytes]] = {}

    def ls(self, path: str, detail: bool = True, **_: object) -> list[Any]:
        start, found = f"{path}/", {}
        for key in self.objects:
            name, slash, _rest = key.removeprefix(start).partition("/")
            if key.startswith(start):
                kind = "directory" if slash else "file"
                size = 0 if slash else len(self.objects[key])
                found[start + name, kind] = {"name": start + name, "type": kind, "size": size}
        return list(found.values()) if detail else [name for name, _ in found]

    def find(self, path: str, **options: Any) -> Any:
        if options:  # a pattern's
            return super().find(path, **options)
        return [key for key in self.objects if key.startswith(f"{path}/")]

    def info(self, path: str, refresh: bool = False, **_: object) -> dict[str, Any]:
        folder = {"name": path, "type": "directory", "size": 0}
        is_folder = any(key.startswith(f"{path}/") for key in self.objects)
        if is_folder and not refresh:
            return folder
        if path in self.objects:
            etag = self.objects[path].hex()
            return {"name": path, "type": "file", "size": len(self.objects[path]), "ETag": etag}
        if is_folder:
            return folder
        raise FileNotFoundError(path)

    def cat_file(self, path: str, **_: object) -> bytes:
        return self.objects[path]


@pytest.fixture
def keys() -> dict[str, bytes]:
    fsspec.register_implementation("keys", Keys, clobber=True)
    Keys.objects = {}
    return Keys.objects


def test_a_key_with_two_slashes_keeps_them(keys: dict[str, bytes]) -> None:
    keys |= {"b/f//a.jpg": b"1", "b/f/a.jpg": b"22", "b/f/x//y.jpg": b"333"}
    for folder in ("keys://b/f", "keys://b/f/"):
        found = find_pictures([folder])
        assert found == ["keys://b/f//a.jpg", "keys://b/f/a.jpg", "keys://b/f/x//y.jpg"]
        assert [len(read_bytes(url)[0]) for url in found] == [1, 2, 3]


def test_what_marks_a_folder_of_an_object_store_is_no_picture(keys: dict[str, bytes]) -> None:
    keys |= {"b/f/": b"", "b/f/sub/": b"", "b/f/sub/a.jpg": b"1", "b/f/empty/": b""}
    assert find_pictures(["keys://b/f"]) == ["keys://b/f/sub/a.jpg"]
    assert find_pictures(["keys://b/f/*"]) == ["keys://b/f/sub/a.jpg"]
    with pytest.raises(InputError, match="empty' gives none"):
        find_pictures(["keys://b/f/empty"])


def test_an_object_under_whose_name_there_are_others_is_read_like_any(
    keys: dict[str, bytes],
) -> None:
    keys |= {"b/f/both": b"1", "b/f/both/a.jpg": b"22", "b/f/only/a.jpg": b"333"}
    everything = ["keys://b/f/both", "keys://b/f/both/a.jpg", "keys://b/f/only/a.jpg"]
    for source in ("keys://b/f", "keys://b/f/*", "keys://b/*"):
        assert find_pictures([source]) == everything
    assert read_bytes("keys://b/f/both")[0] == b"1"
    assert stamp_of("keys://b/f/both") == read_bytes("keys://b/f/both")[1]
    with pytest.raises(PictureError, match="unreadable: a folder"):
        read_bytes("keys://b/f/only")


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
