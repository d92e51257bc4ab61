"""Archives from anybody: nothing is unpacked, and what a header says is not believed."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from colour_photos import encoded
from sightglass.distillation.npz_file import npz_arrays
from sightglass.distillation.pairs.tar_index import index_shard
from sightglass.distillation.pairs.webdataset_source import WebdatasetSource
from sightglass.errors import InputError
from sightglass.evaluation.mnist_idx import read_idx
from sightglass.evaluation.restricted_pickle import read_pickled_dict

PICTURE = encoded("red")
_SIZE_AT, _SUM_AT = 124, 148  # of a header's fields


def member(name: str, data: bytes = PICTURE, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def shard(path: Path, *infos: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for info in infos:
            tar.addfile(info, io.BytesIO(PICTURE) if info.isreg() else None)
    return path


def summed(header: bytearray) -> bytes:
    """The header with the sum that it needs."""
    header[_SUM_AT : _SUM_AT + 8] = b" " * 8
    header[_SUM_AT : _SUM_AT + 8] = b"%06o\0 " % sum(header)
    return bytes(header)


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/x", "a/../../x", "C:\\x", "\x1b[2J", "..", "~/x"]
)
def test_a_member_of_any_name_is_read_in_its_place_and_never_written(
    tmp_path: Path, name: str
) -> None:
    path = shard(tmp_path / "a.tar", member(f"{name}.png"))
    before = sorted(tmp_path.rglob("*"))
    for index in range(len(WebdatasetSource(str(path)) if index_shard(path)[0] else ())):
        assert WebdatasetSource(str(path)).read(index).image == PICTURE
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_a_link_or_a_device_in_a_tar_is_no_picture(tmp_path: Path, kind: bytes) -> None:
    link = member("b.png", b"", type=kind, linkname="/etc/passwd", devmajor=1, devminor=5)
    samples, _ = index_shard(shard(tmp_path / "a.tar", member("a.png"), link))
    assert [sample.key for sample in samples] == ["a"]


@pytest.mark.parametrize(
    "size",
    [
        b"77777777777\0",
        b"\x80" + b"\x7f" * 11,  # 2^95 and more
        b"\xff" * 12,  # -1
        b"\xff" * 10 + b"\xf4\x00",  # -3072: back to where it began
        b"notanumber!\0",
    ],
)
def test_a_member_that_lies_about_its_size_ends_the_shard(tmp_path: Path, size: bytes) -> None:
    path = shard(tmp_path / "a.tar", member("a.png"), member("b.png"), member("c.png"))
    data = bytearray(path.read_bytes())
    at = 512 + -(-len(PICTURE) // 512) * 512  # of the second header
    header = bytearray(data[at : at + 512])
    header[_SIZE_AT : _SIZE_AT + 12] = size
    data[at : at + 512] = summed(header)
    path.write_bytes(data)
    samples, remarks = index_shard(path)
    assert samples[0].key == "a"
    assert all(0 <= s.image[0] <= sum(s.image) <= len(data) for s in samples)
    assert remarks


@pytest.mark.parametrize("said", ["-1", "-4096", str(2**70), "x"])
def test_an_extended_header_that_lies_about_the_size_ends_the_shard(
    tmp_path: Path, said: str
) -> None:
    lying = member("b.png", pax_headers={"size": said, "comment": "x" * 5000})
    path = shard(tmp_path / "a.tar", member("a.png"), lying, member("c.png"))
    samples, _ = index_shard(path)
    size = path.stat().st_size
    assert samples[0].key == "a"
    assert all(0 <= s.image[0] <= sum(s.image) <= size for s in samples)


def test_a_packed_file_that_unpacks_to_more_than_it_announces_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = bytes((0, 0, 8, 3)) + b"".join(n.to_bytes(4, "big") for n in (1, 2, 2))
    path = tmp_path / "t10k-images-idx3-ubyte.gz"
    with gzip.open(path, "wb") as stream:
        stream.write(header)
        for _ in range(64):
            stream.write(bytes(1_000_000))
    assert path.stat().st_size < 100_000
    unpacked = 0
    read = gzip.GzipFile.read

    def counted(self: gzip.GzipFile, size: int | None = -1) -> bytes:
        nonlocal unpacked
        data = read(self, size)
        unpacked += len(data)
        return data

    monkeypatch.setattr(gzip.GzipFile, "read", counted)
    with pytest.raises(InputError, match="announces 1 x 2 x 2"):
        read_idx(path, axes=3)
    assert unpacked < 10_000


class _Runs:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self._command,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_data_set_of_pickles_runs_nothing(tmp_path: Path, protocol: int) -> None:
    made = tmp_path / "made"
    path = tmp_path / "test_batch"
    path.write_bytes(pickle.dumps({b"data": _Runs(f"touch '{made}'")}, protocol=protocol))
    with pytest.raises(InputError, match="which data do not need"):
        read_pickled_dict(path)
    assert not made.exists()


def test_an_array_file_with_a_pickle_in_it_runs_nothing(tmp_path: Path) -> None:
    made = tmp_path / "made"
    array = np.array([_Runs(f"touch '{made}'")], dtype=object)
    np.savez(tmp_path / "x.npz", rows=array)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        npz_arrays(tmp_path / "x.npz", "rows")
    assert not made.exists()
