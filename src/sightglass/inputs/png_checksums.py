"""Whether the pixels of a PNG are those that were written: decoders often do not look."""

from __future__ import annotations

import struct
import zlib

from sightglass.errors import PictureError
from sightglass.inputs.truncation import png_chunks


def check_png_pixels(data: bytes) -> None:
    """Raise PictureError if the checksum of a chunk of pixels is wrong.

    A download into a preallocated file ends in zeros when it breaks off; such a PNG decodes without
    complaint, its lower part black.

    Args:
        data: A whole file that begins as a PNG.

    Raises:
        PictureError: ``truncated`` where nothing but zeros follows the damage, else ``corrupt``.
    """
    for name, at, end in png_chunks(data):
        if end > len(data):
            return  # cut off: the decoder will say so
        if name == b"IDAT":
            (written,) = struct.unpack_from(">I", data, end - 4)
            if zlib.crc32(memoryview(data)[at + 4 : end - 4]) != written:
                filled = len(data.rstrip(b"\0"))
                if filled < end:
                    raise PictureError(
                        "truncated", f"only zeros follow the first {filled:,} bytes of this PNG"
                    )
                raise PictureError("corrupt", "the checksum of this PNG's pixels is wrong")
