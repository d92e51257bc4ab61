"""The checksum of each row of the store: a page may be whole to SQLite and its bytes changed.

CRC-32 (zlib) finds every change of up to 32 bits in a row, and misses one in 4 billion larger
ones. It is no seal: who can write the file can write a checksum too.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from zlib import crc32

_NUMBER = struct.Struct("<d")
_TWO_NUMBERS = struct.Struct("<qq")

# What a value of another type than was saved brings about, which is damage too.
_NOT_AS_SAVED = (TypeError, struct.error)


def size_crc(content: bytes, width: int, height: int) -> int:
    """Of a picture's upright size in pixels."""
    return crc32(_TWO_NUMBERS.pack(width, height), crc32(content))


def thumbnail_crc(content: bytes, thumbnail: bytes) -> int:
    """Of a picture's thumbnail; apart from its size, which is looked up much more often."""
    return crc32(thumbnail, crc32(content))


def path_crc(path: bytes, size: int, mtime_ns: int, content: bytes) -> int:
    """Of what was read under a path."""
    return crc32(content, crc32(_TWO_NUMBERS.pack(size, mtime_ns), crc32(path)))


def row_crc(fingerprint: bytes, key: bytes, row: bytes, norm: float) -> int:
    """Of an encoder's row of the picture, or the text, that ``key`` names."""
    return crc32(_NUMBER.pack(norm), crc32(row, crc32(key, crc32(fingerprint))))


# Of each table all columns, in their order; and of pictures two parts, each with its checksum.
_RULES: dict[str, Callable[..., bool]] = {
    "pictures": lambda content, width, height, first, second, thumbnail: (
        (first, second) == (size_crc(content, width, height), thumbnail_crc(content, thumbnail))
    ),
    "pictures: size": lambda content, width, height, crc: crc == size_crc(content, width, height),
    "pictures: thumbnail": lambda content, crc, thumbnail: crc == thumbnail_crc(content, thumbnail),
    "paths": lambda path, size, mtime_ns, content, crc: (
        crc == path_crc(path, size, mtime_ns, content)
    ),
    "embeddings": lambda fingerprint, content, row, norm, crc: (
        crc == row_crc(fingerprint, content, row, norm)
    ),
    "texts": lambda fingerprint, text, row, norm, crc: crc == row_crc(fingerprint, text, row, norm),
}


def fits(what: str, *row: object) -> bool:
    """Whether a row is as it was saved, whatever came back in place of it.

    Args:
        what: A table, or a part of one.
        row: Its columns, checksums too.
    """
    try:
        return _RULES[what](*row)
    except _NOT_AS_SAVED:
        return False
