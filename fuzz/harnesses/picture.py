"""Whole pictures, through Pillow's decoders: only our own branches guide the search."""

from __future__ import annotations

import functools
import io

from PIL import Image

from harness import Harness, check_sentence
from sightglass.errors import PictureError
from sightglass.inputs.images import open_picture
from sightglass.inputs.thumbnails import make_thumbnail

_PIXELS = 1 << 20  # the limit; damaged sizes are then refused and not decoded
_FORMATS = (
    *("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "ICO", "JPEG2000", "PPM", "QOI", "DDS", "PCX"),
    *("SGI", "TGA", "AVIF"),
)


def one_input(data: bytes) -> None:
    """As a file, whole and reduced."""
    for short_side in (None, 4):
        try:
            opened = open_picture(data, short_side=short_side, max_pixels=_PIXELS)
        except PictureError as error:
            check_sentence(error)
            continue
        assert opened.image.mode == "RGB"
        assert opened.width > 0
        assert opened.height > 0
        assert min(opened.image.size) > 0
        make_thumbnail(opened.image, side=8)


@functools.cache
def small_pictures() -> list[bytes]:
    """One picture of 9 x 7 pixels in each format that this installation writes."""
    picture = Image.linear_gradient("L").resize((9, 7)).convert("RGB")
    found = []
    Image.init()
    for name in _FORMATS:
        stream = io.BytesIO()
        if name in Image.SAVE:
            picture.save(stream, name)
            found.append(stream.getvalue())
    for options in ({"progressive": True}, {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}):
        stream = io.BytesIO()
        picture.save(stream, "JPEG", **options)
        found.append(stream.getvalue())
    for compression in ("tiff_deflate", "tiff_lzw", "packbits"):
        stream = io.BytesIO()
        picture.save(stream, "TIFF", compression=compression, big_tiff=compression == "packbits")
        found.append(stream.getvalue())
    stream = io.BytesIO()
    picture.quantize(4).save(stream, "PNG", transparency=1)
    return [*found, stream.getvalue()]


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [data for data in small_pictures() if len(data) <= HARNESS.longest],
    words=(
        "IHDR",
        "IDAT",
        "tRNS",
        "eXIf",
        "\xff\xda",
        "\xff\xc2",
        "\xff\xc4",
        "\xff\xfe",
        "\xff" * 4,
    ),
)
