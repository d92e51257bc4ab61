from __future__ import annotations

import io
import os
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.errors import InputError
from sightglass.inputs import listed_paths as module
from sightglass.inputs.listed_paths import listed_paths
from sightglass.inputs.manifests import read_manifest

BOM = b"\xef\xbb\xbf"


def stdin_of(data: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data))


def plainly(text: str) -> list[str]:
    """The same from the whole text at once."""
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        return [name for name in text.split("\0") if name]
    return [line.rstrip("\r") for line in text.split("\n") if line.strip(" \r")]


@given(
    st.lists(
        st.sampled_from([b"a", b"/b.jpg", b"\xff", "é".encode(), b"\r", b"\n", b"\0", b" ", BOM])
    )
)
def test_a_list_in_blocks_of_any_size_is_the_list(parts: list[bytes]) -> None:
    data = b"".join(parts)
    for size in (1, 2, 7):
        with patch.object(module, "BLOCK", size):
            assert list(listed_paths(stdin_of(data))) == plainly(os.fsdecode(data))


@given(st.text(st.sampled_from("aé\r\n\0\udcff\ud800🐈 \ufeff"), max_size=20))
def test_text_without_bytes_below_it_is_read_as_well(text: str) -> None:
    for size in (1, 3):
        with patch.object(module, "BLOCK", size):
            assert list(listed_paths(io.StringIO(text, newline=""))) == plainly(text)


def test_where_there_is_a_nul_character_line_ends_are_part_of_names() -> None:
    names = [f"{number}\n.jpg" for number in range(20_000)]  # more than one block
    assert list(listed_paths(stdin_of("\0".join(names).encode()))) == names


@given(st.lists(st.sampled_from([BOM, b"a.jpg", b" ", b"\r", b"\n", b"\0"]), max_size=12))
def test_standard_input_and_a_manifest_list_the_same(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]
) -> None:
    data = b"".join([*parts, b"\nb.jpg"])
    path = tmp_path_factory.getbasetemp() / "list"
    path.write_bytes(data)
    assert list(listed_paths(stdin_of(data))) == list(read_manifest(str(path)))


def test_a_line_that_is_longer_than_any_path_is_refused() -> None:
    with pytest.raises(InputError, match=r"Standard input must list one path per line, got a line"):
        list(listed_paths(stdin_of(b"a" * (1 << 21))))
