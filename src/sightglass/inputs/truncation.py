"""Whether the data of a picture stop too early, told from the structure of its format."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

JPEG_SCAN = 0xDA  # the marker behind which the pixels begin


def ends_early(kind: str, data: bytes) -> bool:
    """True where the format's own lengths and end marks say that more data should follow.

    Only the structure is followed, nothing is decoded. Formats without such marks (PPM, TGA …)
    give False.

    Args:
        kind: Pillow's name of the format, from ``picture_kind``.
        data: The whole file.
    """
    check = _CHECKS.get(kind)
    try:
        return check is not None and check(data)
    except (struct.error, IndexError, OverflowError):
        # A length or an offset was to be read behind the end, be it behind any end there can be.
        return True


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """(marker, offset) of each segment up to the first scan, that one included."""
    at = 2
    while 0 <= at < len(data) - 10:
        marker = data[at + 1]
        if data[at] != 0xFF:
            at = data.find(b"\xff", at)
        elif marker == 0xFF:
            at += 1
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD9:
            at += 2
        else:
            yield marker, at
            if marker == JPEG_SCAN:
                return
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(name, offset, end) of each chunk whose head is there; the last may end behind the data."""
    at = 8
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        yield name, at, end
        at = end


def _jpeg(data: bytes) -> bool:
    # Previews inside the metadata have end marks of their own, hence the search from the scan.
    scan = next((at for marker, at in jpeg_segments(data) if marker == JPEG_SCAN), None)
    return scan is None or data.find(b"\xff\xd9", scan) < 0


def _png(data: bytes) -> bool:
    at = 8
    while True:
        length, name = struct.unpack_from(">I4s", data, at)
        if not name.isalpha():
            return False
        at += 12 + length
        if name == b"IEND" or at > len(data):
            return bool(at > len(data))


def _gif(data: bytes) -> bool:
    flags = data[10]
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    while data[at] != 0x3B:
        if data[at] == 0x2C:
            flags = data[at + 9]
            at += 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
        elif data[at] == 0x21:
            at += 2
        else:
            return False
        while data[at]:
            at += 1 + data[at]
        at += 1
    return False


def _webp(data: bytes) -> bool:
    (length,) = struct.unpack_from("<I", data, 4)
    return len(data) < 8 + int(length)


def _bmp(data: bytes) -> bool:
    start, header = struct.unpack_from("<II", data, 10)
    if header == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        packed = 0
    else:
        width, height, _, bits, packed, _ = struct.unpack_from("<iiHHII", data, 18)
    if packed in (0, 3):
        return bool(start + (width * bits + 31) // 32 * 4 * abs(height) > len(data))
    (length,) = struct.unpack_from("<I", data, 2)
    return len(data) < int(length)


def _tiff(data: bytes) -> bool:
    """Follows the first page: its directory, its values, and where its strips or tiles end."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    offset, count, entry = ("Q", "Q", "HHQ8s") if big else ("I", "H", "HHI4s")
    (at,) = struct.unpack_from(order + offset, data, 8 if big else 4)
    (entries,) = struct.unpack_from(order + count, data, at)
    at += struct.calcsize(order + count)
    places: dict[int, tuple[str, bytes, int]] = {}
    for _ in range(entries):
        tag, kind, length, inline = struct.unpack_from(order + entry, data, at)
        at += struct.calcsize(order + entry)
        size = length * _TIFF_SIZES.get(kind, 0)
        source, place = inline, 0
        if size > len(inline):
            source, (place,) = data, struct.unpack(order + offset, inline)
            if place + size > len(data):
                return True
        if tag in _TIFF_PLACES and kind in _TIFF_WHOLE:
            places[tag] = f"{order}{length}{_TIFF_WHOLE[kind]}", source, place
    # Only now, and so once each, however often a directory has the same tag.
    values = {tag: struct.unpack_from(*place) for tag, place in places.items()}
    starts = values.get(273, ()) + values.get(324, ())
    sizes = values.get(279, ()) + values.get(325, ())
    ends = [start + size for start, size in zip(starts, sizes, strict=False)]
    next_page = at + struct.calcsize(order + offset)
    return bool(max([next_page, *ends]) > len(data))


_TIFF_PLACES = (273, 279, 324, 325)  # offsets and byte counts of strips, then of tiles
_TIFF_WHOLE = {3: "H", 4: "I", 16: "Q"}
_TIFF_SIZES = {
    **dict.fromkeys((1, 2, 6, 7), 1),
    **dict.fromkeys((3, 8), 2),
    **dict.fromkeys((4, 9, 11, 13), 4),
    **dict.fromkeys((5, 10, 12, 16, 17, 18), 8),
}  # bytes per value, by type


def _boxes(data: bytes) -> bool:
    """AVIF, HEIF and JP2 are a row of boxes that each say their length."""
    at = 0
    while at < len(data):
        length, _ = struct.unpack_from(">I4s", data, at)
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, at + 8)
        if length < 8:
            return False
        at += length
    return at > len(data)


def _jpeg2000(data: bytes) -> bool:
    return b"\xff\xd9" not in data if data[:2] == b"\xff\x4f" else _boxes(data)


def _qoi(data: bytes) -> bool:
    return not data.endswith(b"\0\0\0\0\0\0\0\1")


def _ico(data: bytes) -> bool:
    (count,) = struct.unpack_from("<H", data, 4)
    return any(
        sum(struct.unpack_from("<II", data, 6 + 16 * number + 8)) > len(data)
        for number in range(count)
    )


_CHECKS: dict[str, Callable[[bytes], bool]] = {
    "AVIF": _boxes,
    "BMP": _bmp,
    "GIF": _gif,
    "HEIF": _boxes,
    "ICO": _ico,
    "JPEG": _jpeg,
    "JPEG2000": _jpeg2000,
    "PNG": _png,
    "QOI": _qoi,
    "TIFF": _tiff,
    "WEBP": _webp,
}
