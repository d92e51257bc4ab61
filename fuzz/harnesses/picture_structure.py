"""The parsers of pictures' bytes that are ours: signatures, ends, checksums, hazards."""

from __future__ import annotations

import functools

from harness import Harness, check_sentence
from harnesses.picture import small_pictures
from sightglass.errors import PictureError
from sightglass.inputs.hazards import jpeg_is_kept_whole, nested_png_sizes, png_pixels
from sightglass.inputs.png_checksums import check_png_pixels
from sightglass.inputs.signatures import begins_a_picture, looks_like, picture_kind
from sightglass.inputs.truncation import ends_early, jpeg_segments

_KINDS = (
    *("AVIF", "BMP", "GIF", "HEIF", "ICO", "JPEG", "JPEG2000", "PNG", "PPM", "QOI", "TIFF", "WEBP"),
)


def one_input(data: bytes) -> None:
    """As a file of what it looks like, and of every other kind too."""
    kind = picture_kind(data)
    begins_a_picture(data)
    assert looks_like(data).isprintable()
    for one in _KINDS:
        assert ends_early(one, data) in (True, False)
    assert all(0 <= at < len(data) for _, at in jpeg_segments(data))
    jpeg_is_kept_whole(data)
    assert all(min(size) >= 0 for size in nested_png_sizes(data))
    if kind == "PNG":
        assert len(png_pixels(data)) <= len(data)
        try:
            check_png_pixels(data)
        except PictureError as error:
            check_sentence(error)


@functools.cache
def _seeds() -> list[bytes]:
    return [data for data in small_pictures() if len(data) <= HARNESS.longest]


HARNESS = Harness(
    one_input=one_input,
    seeds=_seeds,
    words=(
        *(
            "IHDR",
            "IDAT",
            "IEND",
            "tRNS",
            "acTL",
            "\xff\xd8\xff",
            "\xff\xda",
            "\xff\xd9",
            "\xff\xc2",
        ),
        *(
            "GIF89a",
            "RIFF",
            "WEBP",
            "ftypavif",
            "II*\0",
            "MM\0*",
            "II+\0",
            "\xff" * 8,
            "qoif",
            "P6\n",
        ),
        *("8BPS", "DDS ", "\0\0\x01\0", "<svg", "%PDF-", "ftypheic", "mdat", "jP  \r\n\x87\n"),
    ),
    longest=2048,
)
