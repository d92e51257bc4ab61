from __future__ import annotations

import io
import os
from tempfile import SpooledTemporaryFile
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.errors import ResultsError
from sightglass.inputs import listed_paths as module
from sightglass.inputs.listed_paths import listed_paths


def stdin_of(data: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data))


def plainly(text: str) -> list[str]:
    """The same from the whole text at once."""
    lines = text.split("\0") if "\0" in text else [line.rstrip("\r") for line in text.split("\n")]
    return [line for line in lines if line]


@given(st.lists(st.sampled_from([b"a", b"/b.jpg", b"\xff", "é".encode(), b"\r", b"\n", b"\0"])))
def test_a_list_in_blocks_of_any_size_is_the_list(parts: list[bytes]) -> None:
    data = b"".join(parts)
    for size in (1, 2, 7):
        with patch.object(module, "_BLOCK", size):
            assert list(listed_paths(stdin_of(data))) == plainly(os.fsdecode(data))


@given(st.text(st.sampled_from("aé\r\n\0\udcff\ud800🐈"), max_size=20))
def test_text_without_bytes_below_it_is_read_as_well(text: str) -> None:
    for size in (1, 3):
        with patch.object(module, "_BLOCK", size):
            assert list(listed_paths(io.StringIO(text, newline=""))) == plainly(text)


def test_a_nul_character_at_the_very_end_makes_line_ends_part_of_names() -> None:
    names = [f"{number}\n.jpg" for number in range(20_000)]  # more than one block
    assert list(listed_paths(stdin_of("\0".join(names).encode()))) == names


def test_a_full_disk_is_one_sentence() -> None:
    with (
        patch.object(module, "SpooledTemporaryFile", Full),
        pytest.raises(ResultsError, match="TMPDIR, and run again: nothing computed is lost"),
    ):
        list(listed_paths(stdin_of(b"a.jpg\n")))


class Full(SpooledTemporaryFile[bytes]):
    def write(self, _: object) -> int:
        raise OSError(28, "No space left on device")
