"""Plain lists of paths: on standard input, and in manifests that have no columns."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TextIO

from sightglass.errors import InputError
from sightglass.inputs.manifest_tables import LONGEST_LINE

BLOCK = 1 << 16
# No path is as long, so that a list with NUL characters has the first of them within.
_HEAD = 1 << 16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def listed_paths(stdin: TextIO) -> Iterator[str]:
    """The paths that another program lists on standard input, see ``separated``.

    Raises:
        InputError: If a line is longer than any path.
    """
    # A strict text stream stops at the first name that is not UTF-8; the bytes below it, where
    # there are any, are decoded as file names are.
    binary = getattr(stdin, "buffer", None)
    decode: Callable[[bytes], str] = os.fsdecode
    blocks: Iterator[bytes]
    if binary is None:
        decode = partial(str, encoding="utf-8", errors="surrogatepass")
        texts = iter(partial(stdin.read, BLOCK), "")
        blocks = (text.encode("utf-8", "surrogatepass") for text in texts)
    else:
        blocks = iter(partial(binary.read, BLOCK), b"")
    yield from map(decode, separated(blocks, where="Standard input"))


def separated(blocks: Iterator[bytes], *, where: str) -> Iterator[bytes]:
    """The entries of a list: separated by NUL characters where it has any, else by line ends.

    Entries between NUL characters are exact. Of lines, the carriage return at the end is cut off,
    and those of nothing but blanks are passed over. A byte order mark is never part of an entry.
    One block and one entry are in memory at a time.

    Args:
        blocks: The list, cut anywhere.
        where: How a message begins.

    Raises:
        InputError: If an entry is longer than any path.
    """
    head = b""
    while len(head) < _HEAD and (block := next(blocks, b"")):
        head += block
    separator = b"\0" if b"\0" in head[:_HEAD] else b"\n"
    rest = head.removeprefix(_BYTE_ORDER_MARK)
    while True:
        *whole, rest = rest.split(separator)
        yield from _entries(whole, separator)
        if len(rest) > LONGEST_LINE:
            raise InputError(
                f"{where} must list one path per line, got a line of more than {LONGEST_LINE:,} "
                f"bytes. Give a list of paths or URLs."
            )
        block = next(blocks, b"")
        if not block:
            yield from _entries([rest], separator)
            return
        rest += block


def _entries(parts: Iterable[bytes], separator: bytes) -> Iterator[bytes]:
    if separator == b"\0":
        return (part for part in parts if part)
    return (line.rstrip(b"\r") for line in parts if line.strip())
