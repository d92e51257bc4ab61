from __future__ import annotations

from pathlib import Path

import pytest

from sightglass.distillation.pairs.file_ends import digest_of_ends
from sightglass.errors import InputError


def digest(path: Path, data: bytes) -> bytes:
    path.write_bytes(data)
    return digest_of_ends(path)


@pytest.mark.parametrize("size", [1, 1000, 65_536, 65_537, 200_000])
def test_size_and_both_ends_are_covered(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    first = digest(path, bytes(size))
    assert digest(path, bytes(size)) == first
    assert digest(path, b"x" + bytes(size - 1)) != first
    assert digest(path, bytes(size - 1) + b"x") != first
    assert digest(path, bytes(size + 1)) != first


def test_the_middle_of_a_large_file_is_not(tmp_path: Path) -> None:
    path = tmp_path / "file"
    first = digest(path, bytes(200_000))
    assert digest(path, bytes(100_000) + b"x" + bytes(99_999)) == first


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be readable, but is not"):
        digest_of_ends(tmp_path / "gone")
