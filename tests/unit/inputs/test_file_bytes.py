from __future__ import annotations

import errno
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from sightglass.errors import PictureError
from sightglass.inputs.file_bytes import FileStamp, read_bytes


def refused(path: str | Path, status: str, detail: str, **options: Any) -> None:
    with pytest.raises(PictureError, match=f"^{status}: {re.escape(detail)}$"):
        read_bytes(path, **options)


@pytest.mark.parametrize("contents", [b"", b"x", bytes(range(256)) * 5000])
def test_the_bytes_come_with_the_stamp_of_the_file(tmp_path: Path, contents: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(contents)
    os.utime(path, ns=(5, 1_234_567_890_123_456_789))
    expected = FileStamp(size=len(contents), mtime_ns=1_234_567_890_123_456_789)
    assert read_bytes(path) == (contents, expected)
    assert read_bytes(str(path)) == (contents, expected)


def test_a_link_gives_the_bytes_and_the_stamp_of_its_target(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("a.jpg")
    assert read_bytes(tmp_path / "link") == read_bytes(tmp_path / "a.jpg")


def test_what_is_no_file_is_unreadable_and_says_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "circle").symlink_to("circle")
    refused(tmp_path / "pipe", "unreadable", "a named pipe, not a file")
    refused("/dev/zero", "unreadable", "a device, not a file")
    refused(tmp_path, "unreadable", "a folder that cannot be listed")
    refused(tmp_path / "missing", "unreadable", "not found")
    refused(tmp_path / "gone", "unreadable", "a link to nothing")
    refused(tmp_path / "circle", "unreadable", os.strerror(errno.ELOOP).lower())
    refused(tmp_path / ("n" * 300), "unreadable", os.strerror(errno.ENAMETOOLONG).lower())
    refused("nul\0byte", "unreadable", "embedded null byte")
    with pytest.raises(PictureError, match=r"unreadable: .*surrogates not allowed"):
        read_bytes("\ud800")


def test_a_file_that_may_not_be_read_is_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"abc")

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    refused(tmp_path / "a.jpg", "unreadable", "permission denied")


def test_a_file_above_the_limit_is_too_large_and_one_at_the_limit_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(bytes(2000))
    refused(path, "too_large", "2,000 bytes; the limit is 1,999", max_bytes=1999)
    assert len(read_bytes(path, max_bytes=2000)[0]) == 2000


def test_a_file_with_a_hole_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "sparse.jpg"
    with path.open("wb") as file:
        file.truncate(5 << 30)
    refused(path, "too_large", "5,368,709,120 bytes; the limit is 1,073,741,824")


@pytest.mark.parametrize("change", ["grow", "shrink", "touch"])
def test_a_file_that_changes_while_it_is_read_is_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(bytes(100))
    fstat = os.fstat

    def fstat_then_change(descriptor: int) -> os.stat_result:
        status = fstat(descriptor)
        monkeypatch.setattr(os, "fstat", fstat)
        if change == "touch":
            os.utime(path, ns=(1, 1))
        else:
            path.write_bytes(bytes(150 if change == "grow" else 50))
        return status

    monkeypatch.setattr(os, "fstat", fstat_then_change)
    refused(path, "unreadable", "changed while it was being read")


def test_a_file_that_turns_into_a_pipe_at_the_last_moment_does_not_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"abc")
    really_open = os.open

    def swap_then_open(name: str, flags: int) -> int:
        path.unlink()
        os.mkfifo(path)
        return really_open(name, flags)

    monkeypatch.setattr(os, "open", swap_then_open)
    refused(path, "unreadable", "a named pipe, not a file")


def test_a_file_that_was_changed_a_moment_ago_has_no_settled_stamp(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"new")
    now = time.time() + 2  # so that a busy machine still reads it within the grain
    os.utime(path, (now, now))
    assert not read_bytes(path)[1].settled
    os.utime(path, (1_600_000_000, 1_600_000_000))
    assert read_bytes(path)[1].settled
    ahead = time.time() + 3600  # a clock that went back, or another machine's
    os.utime(path, (ahead, ahead))
    assert not read_bytes(path)[1].settled
