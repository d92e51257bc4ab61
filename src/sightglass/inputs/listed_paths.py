"""Paths as another program lists them on standard input."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import IO, TextIO

from sightglass.inputs.private_tables import no_temporary_file

_BLOCK = 1 << 16


def listed_paths(stdin: TextIO) -> Iterator[str]:
    """The paths, separated by NUL characters where there are any, else by line ends.

    Nothing is in memory but a few dozen kilobytes, however long the list is.

    Raises:
        ResultsError: If there is no room for a temporary file.
    """
    # A strict text stream stops at the first name that is not UTF-8; the bytes below it, where
    # there are any, are decoded as file names are.
    binary = getattr(stdin, "buffer", None)
    decode: Callable[[bytes], str] = os.fsdecode
    blocks: Iterable[bytes]
    if binary is None:
        decode = partial(str, encoding="utf-8", errors="surrogatepass")
        texts = iter(partial(stdin.read, _BLOCK), "")
        blocks = (text.encode("utf-8", "surrogatepass") for text in texts)
    else:
        blocks = iter(partial(binary.read, _BLOCK), b"")
    # Only the end of the list says whether there is a NUL character in it.
    with SpooledTemporaryFile(max_size=_BLOCK) as kept:
        has_nul = False
        for block in blocks:
            has_nul = has_nul or b"\0" in block
            _keep(block, kept)
        kept.seek(0)
        entries = _separated(kept) if has_nul else (line.rstrip(b"\r\n") for line in kept)
        yield from (decode(entry) for entry in entries if entry)


def _keep(block: bytes, kept: IO[bytes]) -> None:
    try:
        kept.write(block)
    except OSError as error:
        raise no_temporary_file(error, variable="TMPDIR") from error


def _separated(kept: IO[bytes]) -> Iterator[bytes]:
    """What stands between the NUL characters."""
    rest = b""
    for block in iter(partial(kept.read, _BLOCK), b""):
        *whole, rest = (rest + block).split(b"\0")
        yield from whole
    yield rest
