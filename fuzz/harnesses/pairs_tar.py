"""Tar shards of pairs: the headers, and every sample that they promise."""

from __future__ import annotations

import io
import tarfile

from harness import Harness, check_sentence, written
from pair_rows import read_row
from sightglass.distillation.pairs.webdataset_source import WebdatasetSource
from sightglass.errors import InputError

_MEMBERS = {
    "a.jpg": b"\xff\xd8\xff",
    "a.txt": b"A cat.",
    "a.cls": b"1",
    "b/c.png": b"\x89PNG",
    "b/c.json": b'{"caption": ["A dog."]}',
}


def one_input(data: bytes) -> None:
    """As one shard."""
    path = written("shard.tar", data)
    try:
        source = WebdatasetSource(str(path))
    except InputError as error:
        check_sentence(error)
        return
    for index in range(len(source)):
        source.where(index)
        row = read_row(source, index)
        if row is not None:
            assert row.captions == source.captions(index)
            assert len(row.image) <= len(data), "more bytes than the shard has"
    assert len(source.digest) == 64


def _seeds() -> list[bytes]:
    shards = []
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        shard = io.BytesIO()
        with tarfile.open(fileobj=shard, mode="w", format=form) as tar:
            for name, content in _MEMBERS.items():
                # A name that needs an extended header, in the forms that have one.
                long = "ö" * 60 + name if form != tarfile.USTAR_FORMAT and name[0] == "b" else name
                member = tarfile.TarInfo(long)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        shards.append(shard.getvalue()[:8192])
    return shards


HARNESS = Harness(
    one_input=one_input,
    seeds=_seeds,
    words=(
        *("ustar\x0000", "ustar  \0", "30 mtime=1e400\n", "20 size=-1\n", "12 path=a.jpg\n"),
        *("22 GNU.sparse.major=1\n", "22 GNU.sparse.size=9\n", ".jpg", ".txt", ".json", ".cls"),
        *("\x80", "7777777777", "L", "S", "x", "g"),
    ),
    longest=8192,
)
