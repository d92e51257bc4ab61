"""What a decoder must be spared: parts and claims of a file that exhaust memory or patience."""

from __future__ import annotations

import re
import struct

from sightglass.inputs.truncation import JPEG_SCAN, jpeg_segments, png_chunks

_PNG_HEADER = re.compile(rb"\x89PNG\r\n\x1a\n.{4}IHDR(.{4})(.{4})", re.DOTALL)
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL = (0xC0, 0xC1)
# Pillow takes these apart byte by byte in Python, and fills a line of any length for two of them.
PACKED_BITMAP_PIXELS = 1 << 24
_PACKED = (1, 2)  # a bitmap's codes for runs of 8 and of 4 bits
# As Pillow's decoder takes them out, which moves all that follows for each: minutes in files that
# have nothing but comments.
_PIXMAP_COMMENT = re.compile(rb"#[^\r\n]*[\r\n]?")


def png_pixels(data: bytes) -> bytes:
    """The PNG without the chunks that do not decide a pixel of its first frame.

    Texts, profiles and later frames go. They can be compressed bombs, and Pillow gives a picture
    up for a damaged one that nobody looks at.
    """
    kept = [data[:8]]
    for name, at, end in png_chunks(data):
        ancillary = name[0] & 0x20
        if not ancillary or name in (b"tRNS", b"eXIf"):
            kept.append(data[at:end])
    return b"".join(kept)


def nested_png_sizes(data: bytes) -> list[tuple[int, int]]:
    """(width, height) in pixels of each PNG that lies inside other data, as icons have them."""
    return [
        (int.from_bytes(match[1], "big"), int.from_bytes(match[2], "big"))
        for match in _PNG_HEADER.finditer(data)
    ]


def jpeg_is_kept_whole(data: bytes) -> bool:
    """True for a JPEG that is held whole while it is decoded, at whatever size it is wanted.

    That is so for all but sequential ones whose first scan has every component.
    """
    components = None
    for marker, at in jpeg_segments(data):
        if marker in JPEG_FRAMES:
            if marker not in _SEQUENTIAL:
                return True
            components = data[at + 9]
        elif marker == JPEG_SCAN:
            return data[at + 4] != components
    return False


def packed_bitmap_size(data: bytes, at: int = 14) -> tuple[int, int] | None:
    """(width, height) in pixels of a bitmap whose pixels are packed as runs; None of any other.

    Args:
        data: The file.
        at: Where the bitmap's header is; an icon has them anywhere.
    """
    if len(data) < at + 40 or int.from_bytes(data[at + 16 : at + 20], "little") not in _PACKED:
        return None
    width, height = struct.unpack_from("<ii", data, at + 4)
    return abs(width), abs(height)


def icon_bitmaps(data: bytes) -> list[int]:
    """Where the pictures inside an icon begin."""
    count = int.from_bytes(data[4:6], "little")
    places = range(18, min(18 + 16 * count, len(data) - 3), 16)
    return [int.from_bytes(data[at : at + 4], "little") for at in places]


def pixmap_without_comments(data: bytes) -> bytes:
    """The PBM, PGM or PPM; where its pixels are written as words, without its comments."""
    return _PIXMAP_COMMENT.sub(b"", data) if data[1:2] in b"123" else data
