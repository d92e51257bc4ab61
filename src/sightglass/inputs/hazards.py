"""What a decoder must be spared: parts and claims of a file that exhaust memory or patience."""

from __future__ import annotations

import re

from sightglass.inputs.truncation import JPEG_SCAN, jpeg_segments, png_chunks

_PNG_HEADER = re.compile(rb"\x89PNG\r\n\x1a\n.{4}IHDR(.{4})(.{4})", re.DOTALL)
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL = (0xC0, 0xC1)


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
        if marker in _JPEG_FRAMES:
            if marker not in _SEQUENTIAL:
                return True
            components = data[at + 9]
        elif marker == JPEG_SCAN:
            return data[at + 4] != components
    return False
