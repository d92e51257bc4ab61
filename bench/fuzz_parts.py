"""Where the parts of a picture file begin and end, told by a reader of its own for each format.

Not the product's readers: what they would overlook must be damaged too.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from contextlib import suppress

from fuzz_seeds import HEIGHT, WIDTH, png_chunk

Part = tuple[int, int]  # offsets of the first byte, and of the one behind the last
Field = tuple[int, str]  # offset, and struct's format of the number there

# As they are, the other way round, and less one as some formats count.
_SIZES = ((WIDTH, HEIGHT), (HEIGHT, WIDTH), (WIDTH - 1, HEIGHT - 1))


def parts_of(kind: str, data: bytes) -> list[Part]:
    """Segments, chunks, boxes, blocks or directory entries; else the header in words of 4 bytes.

    At least one, and none is empty, whatever the data are; they are not.
    """
    found: list[Part] = []
    finder = _FINDERS.get(kind)
    if finder is not None:
        # Data that are damaged already may end within what is looked for.
        with suppress(IndexError, struct.error):
            found.extend(part for part in finder(data) if part[0] < part[1] <= len(data))
    words = [(at, at + 4) for at in range(0, min(len(data), 64) - 3, 4)]
    return found or words or [(0, len(data))]


def length_fields(kind: str, data: bytes) -> list[Field]:
    """Where numbers lie that say how long, how many or how far."""
    place = _LENGTHS.get(kind)
    if place is None:
        return [(at, form) for at in range(0, 60, 2) for form in ("<H", ">H", "<I", ">I")]
    offset, form = place
    return [(at + offset, form) for at, _ in parts_of(kind, data)]


def size_fields(kind: str, data: bytes) -> list[tuple[Field, Field]]:
    """Where a width and a height belong together, however they are written."""
    if kind == "TIFF":
        return _tiff_size(data)
    if kind == "ICO":
        return [((6, "B"), (7, "B"))]
    if kind == "HEIF":
        at = data.find(b"ispe")
        return [((at + 8, ">I"), (at + 12, ">I"))] if at >= 0 else []
    head = data[:2000]
    found = []
    for form in ("<H", ">H", "<I", ">I"):
        size = struct.calcsize(form)
        for first, second in _SIZES:
            pair = struct.pack(form, first) + struct.pack(form, second)
            for match in re.finditer(re.escape(pair), head):
                found.append(((match.start(), form), (match.start() + size, form)))
    return found


def _tiff_size(data: bytes) -> list[tuple[Field, Field]]:
    order = "<" if data[:2] == b"II" else ">"
    fields = {}
    for at, end in parts_of("TIFF", data):
        if end - at >= 12:
            tag, number = struct.unpack_from(order + "HH", data, at)
            fields[tag] = end - (8 if end - at == 20 else 4), order + ("H" if number == 3 else "I")
    return [(fields[256], fields[257])] if {256, 257} <= set(fields) else []


def with_right_checksums(data: bytes) -> bytes:
    """A damaged PNG whose chunks have right checksums, so that the damage reaches the decoder."""
    pieces = [data[:8]]
    at = 8
    for start, end in _png(data):
        pieces.append(
            png_chunk(data[start + 4 : start + 8], data[start + 8 : max(end - 4, start + 8)])
        )
        at = end
    return b"".join(pieces) + data[at:]


def _jpeg(data: bytes) -> Iterator[Part]:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] == 0xDA:
            end = data.find(b"\xff\xd9", at)
            yield at, end if end > 0 else len(data)
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield at, min(end, len(data))
        at = end


def _png(data: bytes) -> Iterator[Part]:
    at = 8
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            return
        yield at, end
        at = end


def _gif(data: bytes) -> Iterator[Part]:
    at = 13 + (3 << (data[10] & 7) + 1)
    yield 0, 13
    yield 13, at
    while at + 10 < len(data) and data[at] in (0x21, 0x2C):
        start = at
        flags = data[at + 9] if data[at] == 0x2C else 0
        at += (11 if data[at] == 0x2C else 2) + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
        yield start, min(at, len(data))


def _riff(data: bytes) -> Iterator[Part]:
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        end = min(at + 8 + size + size % 2, len(data))
        yield at, end
        at = end


def _boxes(data: bytes, at: int = 0, stop: int | None = None) -> Iterator[Part]:
    """Boxes, and the boxes inside those that only hold others."""
    stop = len(data) if stop is None else stop
    while at + 8 <= stop:
        size = int.from_bytes(data[at : at + 4], "big") or stop - at
        end = min(at + max(size, 8), stop)
        yield at, end
        inner = {b"meta": 12, b"iprp": 8, b"ipco": 8, b"jp2h": 8, b"moov": 8, b"trak": 8}
        skipped = inner.get(data[at + 4 : at + 8])
        if skipped is not None:
            yield from _boxes(data, at + skipped, end)
        at = end


def _jpeg2000(data: bytes) -> Iterator[Part]:
    start = data.find(b"\xff\x4f\xff\x51")
    if start > 0:
        yield from _boxes(data)
    at = start + 2
    while at > 0 and at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0x93:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield at, min(end, len(data))
        at = end


def _tiff(data: bytes) -> Iterator[Part]:
    order = "<" if data[:2] == b"II" else ">"
    if data[2:4] in (b"+\0", b"\0+"):
        offset, count, entry, first = "Q", "Q", 20, 8
    else:
        offset, count, entry, first = "I", "H", 12, 4
    try:
        (at,) = struct.unpack_from(order + offset, data, first)
        (entries,) = struct.unpack_from(order + count, data, at)
    except struct.error:
        return
    at += struct.calcsize(count)
    for number in range(min(entries, 100)):
        end = at + (number + 1) * entry
        if end > len(data):
            return
        yield end - entry, end


_FINDERS = {
    "JPEG": _jpeg,
    "PNG": _png,
    "GIF": _gif,
    "WEBP": _riff,
    "AVIF": _boxes,
    "HEIF": _boxes,
    "JPEG2000": _jpeg2000,
    "TIFF": _tiff,
}
_LENGTHS = {
    "JPEG": (2, ">H"),
    "PNG": (0, ">I"),
    "WEBP": (4, "<I"),
    "AVIF": (0, ">I"),
    "HEIF": (0, ">I"),
    "JPEG2000": (2, ">H"),
    "TIFF": (4, "<I"),
}
