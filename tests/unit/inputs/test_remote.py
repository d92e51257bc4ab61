from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from urllib.parse import quote

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_server import LocalServer
from picture_server import LONG_AGO, Page, PictureServer
from sightglass.errors import InputError, MissingExtraError, PictureError
from sightglass.inputs import remote_patience
from sightglass.inputs.file_bytes import read_bytes, stamp_of
from sightglass.inputs.file_stamp import FileStamp
from sightglass.inputs.remote import copied_here, is_url, local_path, require_file_system


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_patience, "PAUSES", (0.0, 0.0, 0.0))


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as running:
        yield running


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def refused(url: str, **options: int) -> str:
    with pytest.raises(PictureError) as caught:
        read_bytes(url, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("s3://bucket/key.jpg", True),
        ("HTTPS://host/a", True),
        ("abfs+x.1-2://a", True),
        ("zip://a.jpg::s3://b/a.zip", True),
        ("simplecache::s3://b/a", True),
        ("C://photos/a.jpg", False),
        ("photos/s3://a", False),
        ("s3:/bucket/key", False),
        ("9s://a", False),
        ("://a", False),
        ("", False),
        ("a b://c", False),
    ],
)
def test_a_url_begins_with_a_scheme_of_two_letters_or_more(source: str, answer: bool) -> None:
    assert is_url(source) is answer


@given(
    name=st.text(
        st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=9
    ).filter(lambda name: name not in (".", ".."))
)
def test_a_file_url_reads_the_file_whether_or_not_it_is_quoted(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    folder = tmp_path_factory.getbasetemp() / "named"
    folder.mkdir(exist_ok=True)
    path = folder / name
    if len(os.fsencode(name)) < 256:
        path.write_bytes(name.encode())
        assert read_bytes(f"file://{path}") == read_bytes(str(path))
        assert local_path(f"file://localhost{path}") == str(path)
        if not os.path.lexists(folder / quote(name)) or quote(name) == name:
            assert read_bytes(f"file://{folder}/{quote(name)}")[0] == name.encode()
            assert stamp_of(f"file://{folder}/{quote(name)}") == stamp_of(str(path))


def test_an_object_comes_with_a_stamp_that_asking_gives_too(
    memory: fsspec.AbstractFileSystem,
) -> None:
    memory.pipe("/photos/a.jpg", b"abc")
    data, stamp = read_bytes("memory://photos/a.jpg")
    assert (data, stamp.size, stamp.settled) == (b"abc", 3, False)
    assert stamp_of("memory://photos/a.jpg") == stamp
    time.sleep(0.001)
    memory.pipe("/photos/a.jpg", b"xyz")
    assert stamp_of("memory://photos/a.jpg") not in (None, stamp)


def test_what_is_no_object_is_unreadable_and_says_why(memory: fsspec.AbstractFileSystem) -> None:
    memory.pipe("/photos/a.jpg", b"abc")
    assert refused("memory://photos/b.jpg") == "unreadable: not found"
    assert refused("memory://photos") == "unreadable: a folder"
    assert stamp_of("memory://photos/b.jpg") is None
    assert refused("memory://photos/a.jpg", max_bytes=2) == "too_large: 3 bytes; the limit is 2"


def test_a_picture_on_a_web_server_is_one_request(server: PictureServer) -> None:
    server.pages["/a%20b.jpg?v=1"] = Page(b"abc" * 50_000)
    data, stamp = read_bytes(f"{server.url}/a b.jpg?v=1")
    assert (data, stamp.size, stamp.settled) == (b"abc" * 50_000, 150_000, True)
    assert server.log == ["GET /a%20b.jpg?v=1"]
    assert stamp_of(f"{server.url}/a b.jpg?v=1") == stamp
    assert server.log[1:] == ["HEAD /a%20b.jpg?v=1"]


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        # What RFC 3986 allows is one of many ways to write an address; signatures are of one.
        ("/a%7Eb'c(d.jpg?hmac=a%7Eb'c(d&x=%41&y=a+b%20c;/?", None),
        ("/%2e%2E/a//b.jpg?sig=%3d%3D", None),
        ("/a%2Fb.jpg?#part", "/a%2Fb.jpg"),
        # What it does not allow cannot be sent.
        ("/a b.jpg?x=%41", "/a%20b.jpg?x=A"),
        ("/100%.jpg", "/100%25.jpg"),
        ("/é.jpg?x=|", "/%C3%A9.jpg?x=%7C"),
        ("/[1].jpg", "/%5B1%5D.jpg"),
    ],
)
def test_a_valid_address_is_sent_to_the_letter(
    server: PictureServer, path: str, sent: str | None
) -> None:
    server.pages[sent or path] = Page(b"abc")
    assert read_bytes(server.url + path)[0] == b"abc"
    assert stamp_of(server.url + path) is not None
    with copied_here(server.url + path) as copy:
        assert copy.read_bytes() == b"abc"
    assert server.log == [f"{method} {sent or path}" for method in ("GET", "HEAD", "GET")]


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("/a.jpg", "redirected too often, in a circle perhaps"),
        ("file:///etc/hostname", "redirected to what is no address of the web"),
        ("http://[", "redirected to what is no address of the web"),
    ],
)
def test_a_redirect_that_leads_nowhere_is_not_tried_again(to: str, said: str) -> None:
    asked: list[str] = []

    class Redirects(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(302)
            self.send_header("Location", to)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with LocalServer(Redirects) as server:
        assert refused(f"{server.url}/a.jpg") == f"unreadable: {said}"
        assert len(asked) == (10 if to == "/a.jpg" else 1)  # aiohttp follows ten at most
        with (
            pytest.raises(InputError, match=rf"cannot be read \({said}\)"),
            copied_here(f"{server.url}/a.jpg"),
        ):
            pass


def test_what_is_no_address_is_said_as_that() -> None:
    assert refused("http:///a.jpg") == "unreadable: no valid address"


@pytest.mark.parametrize("status", [400, 403, 405, 501])
def test_where_a_server_refuses_to_be_asked_the_headers_of_a_reply_are_the_stamp(
    server: PictureServer, status: int
) -> None:
    server.pages["/a.jpg"] = Page(b"abc", head=status)
    assert stamp_of(f"{server.url}/a.jpg") == read_bytes(f"{server.url}/a.jpg")[1]


def test_stamps_tell_versions_apart(server: PictureServer) -> None:
    stamps = []
    for headers in (
        {"ETag": '"1"'},
        {"ETag": '"2"'},
        {"Last-Modified": LONG_AGO},
        {"Last-Modified": LONG_AGO.replace("40 GMT", "41 GMT")},
        {"ETag": '"1"', "Last-Modified": LONG_AGO},
    ):
        for body in (b"abc", b"abcd"):
            server.pages["/a.jpg"] = Page(body, headers=headers)
            stamps.append(stamp_of(f"{server.url}/a.jpg"))
            assert read_bytes(f"{server.url}/a.jpg")[1] == stamps[-1]
    assert len(set(stamps)) == 10
    # SQLite's whole numbers have 64 bits with the sign.
    assert all(stamp is not None and 0 <= stamp.mtime_ns < 1 << 63 for stamp in stamps)


def test_what_has_no_version_or_changed_just_now_is_not_remembered(server: PictureServer) -> None:
    from email.utils import formatdate

    server.pages["/a.jpg"] = Page(b"abc", headers={})
    assert stamp_of(f"{server.url}/a.jpg") is None
    assert read_bytes(f"{server.url}/a.jpg")[1] == FileStamp(size=3, mtime_ns=0, settled=False)
    now = formatdate(usegmt=True)
    server.pages["/a.jpg"] = Page(b"abc", headers={"Last-Modified": now})
    assert not read_bytes(f"{server.url}/a.jpg")[1].settled


def test_a_time_without_a_size_is_not_remembered(server: PictureServer) -> None:
    for headers, settled in (({"Last-Modified": LONG_AGO}, False), ({"ETag": '"1"'}, True)):
        server.pages["/a.jpg"] = Page(b"abc", headers=headers, promised=0)
        data, stamp = read_bytes(f"{server.url}/a.jpg")
        assert (data, stamp.settled) == (b"abc", settled)


def test_a_size_that_no_file_has_is_no_stamp(server: PictureServer) -> None:
    server.pages["/a.jpg"] = Page(b"abc", promised=10**30)
    assert stamp_of(f"{server.url}/a.jpg") is None
    assert refused(f"{server.url}/a.jpg").startswith("unreadable: ")


@pytest.mark.parametrize("failures", [(503,), (500, 502, 504), (429, 408)])
def test_failures_that_pass_are_waited_for(
    server: PictureServer, failures: tuple[int, ...]
) -> None:
    server.pages["/a.jpg"] = Page(b"abc", failures=failures)
    assert read_bytes(f"{server.url}/a.jpg")[0] == b"abc"
    assert len(server.log) == len(failures) + 1


@pytest.mark.parametrize(
    ("failures", "requests", "said"),
    [
        ((503,) * 9, 4, "the server answered 503 Service Unavailable"),
        ((403,), 1, "permission denied (403)"),
        ((401,), 1, "permission denied (401)"),
        ((410,), 1, "not found"),
        ((418,), 1, "the server answered 418 I'm a Teapot"),
    ],
)
def test_other_failures_are_rows_with_a_reason(
    server: PictureServer, failures: tuple[int, ...], requests: int, said: str
) -> None:
    server.pages["/a.jpg"] = Page(b"abc", failures=failures)
    assert refused(f"{server.url}/a.jpg") == f"unreadable: {said}"
    assert len(server.log) == requests


def test_a_picture_that_is_not_there_is_asked_for_once(server: PictureServer) -> None:
    assert refused(f"{server.url}/a.jpg") == "unreadable: not found"
    assert server.log == ["GET /a.jpg"]


def test_a_reply_that_stops_early_is_asked_for_again_and_never_taken_for_whole(
    server: PictureServer,
) -> None:
    server.pages["/a.jpg"] = Page(b"abc", promised=5)
    assert refused(f"{server.url}/a.jpg").startswith("unreadable: Response payload is not compl")
    assert len(server.log) == 4


@pytest.mark.parametrize("promised", [None, 0])
def test_a_reply_is_not_read_beyond_the_limit(server: PictureServer, promised: int | None) -> None:
    server.pages["/a.jpg"] = Page(b"x" * 300_000, promised=promised)
    said = refused(f"{server.url}/a.jpg", max_bytes=100_000)
    assert said == "too_large: the limit is 100,000 bytes"
    assert len(read_bytes(f"{server.url}/a.jpg", max_bytes=300_000)[0]) == 300_000


def test_a_server_that_is_down_is_not_waited_for_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with PictureServer() as stopped:
        url = stopped.url
    waited: list[float] = []
    monkeypatch.setattr(remote_patience, "PAUSES", (0.25,))
    monkeypatch.setattr("sightglass.inputs.remote_patience.time.sleep", waited.append)
    for _ in range(remote_patience.PATIENCE + 5):
        assert refused(f"{url}/a.jpg").startswith("unreadable: Cannot connect to host 127.0.0.1:")
    assert waited == [0.25] * remote_patience.PATIENCE


def test_a_server_that_is_given_up_is_not_asked_for_stamps_until_it_answers(
    server: PictureServer,
) -> None:
    server.pages["/a.jpg"] = Page(b"abc", failures=(503,) * (4 * remote_patience.PATIENCE))
    for _ in range(remote_patience.PATIENCE):
        refused(f"{server.url}/a.jpg")
    server.log.clear()
    assert stamp_of(f"{server.url}/a.jpg") is None
    assert server.log == []
    # "Not found" is an answer too.
    assert refused(f"{server.url}/b.jpg") == "unreadable: not found"
    assert stamp_of(f"{server.url}/a.jpg") is not None
    assert server.log == ["GET /b.jpg", "HEAD /a.jpg"]


def test_messages_give_no_login_and_no_signature_away(server: PictureServer) -> None:
    secret = server.url.replace("//", "//me:hush@") + "/a.jpg?X-Amz-Signature=hush"
    server.pages["/a.jpg?X-Amz-Signature=hush"] = Page(b"abc", failures=(500,) * 4)
    for url in (secret, secret.replace("http", "quux"), f"zip://a::{secret}", secret + "::x://y"):
        said = refused(url)
        assert "hush" not in said
        assert said.startswith("unreadable: ")


@pytest.mark.parametrize(
    "url", ["simplecache::s3://b/a", "zip://a.jpg::s3://b/a.zip", "zip://a.jpg", "filecache://a"]
)
def test_file_systems_inside_others_are_refused(url: str) -> None:
    with pytest.raises(InputError, match="must name an object of one file system, got one inside"):
        require_file_system(url)
    assert refused(url).startswith("unreadable: URL: ")


def test_colons_in_a_name_are_no_chain(server: PictureServer) -> None:
    server.pages["/a::b.jpg"] = Page(b"abc")
    assert read_bytes(f"{server.url}/a::b.jpg")[0] == b"abc"


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(MissingExtraError) as caught:
        require_file_system("gs://bucket/a.jpg")
    assert str(caught.value) == (
        "Reading gs:// URLs needs a package that is not installed (Please install gcsfs to access "
        "Google Storage). Install it with pip."
    )
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sightglass\[scale\]'"):
        require_file_system("s3://bucket/a.jpg")


def test_an_unknown_scheme_says_so() -> None:
    with pytest.raises(InputError, match="must begin with a known scheme such as s3://"):
        require_file_system("quux://bucket/a.jpg")


def test_many_threads_read_at_once_and_each_gets_its_own(server: PictureServer) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for n in range(40):
        server.pages[f"/{n}"] = Page(bytes([n]) * (n + 1) * 1000)

    def read(n: int) -> bytes:
        url = f"{server.url}/{n}"
        stamp = stamp_of(url)
        data, again = read_bytes(url)
        assert stamp == again
        return data

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(read, range(40)))
    assert found == [bytes([n]) * (n + 1) * 1000 for n in range(40)]
