"""Opens a file's bytes as an upright RGB picture, or says why that cannot be."""

from __future__ import annotations

import functools
import io
import re
import struct
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from sightglass.errors import PictureError
from sightglass.inputs.decoding_room import decoding_room, take_room
from sightglass.inputs.hazards import (
    PACKED_BITMAP_PIXELS,
    icon_bitmaps,
    jpeg_is_kept_whole,
    nested_png_sizes,
    packed_bitmap_size,
    pixmap_without_comments,
    png_pixels,
)
from sightglass.inputs.jpeg_claims import check_jpeg_claims
from sightglass.inputs.outcome import Status
from sightglass.inputs.pixels import flatten_to_rgb, orientation, turned
from sightglass.inputs.png_checksums import check_png_pixels
from sightglass.inputs.quiet import quiet_decoding
from sightglass.inputs.signatures import begins_a_picture, looks_like, picture_kind
from sightglass.inputs.truncation import ends_early
from sightglass.inputs.turbo_jpeg import decode_jpeg

# The number at which Pillow's own limit refuses by default: 13,377 pixels square, 0.7 GB while it
# is decoded. Ours counts what is left after reduced decoding.
DEFAULT_MAX_PIXELS = 178_956_970

# A JPEG can be decoded at 1/2, 1/4 or 1/8 of its size, which is several times faster. What is
# left must still be shrunk by at least this factor, so that the final filter, not the decoder's
# coarse one, decides how the picture looks.
DRAFT_MARGIN = 2

_DETAIL_LENGTH = 200
# How Pillow says that it ran out of data, where the format itself has no mark of its end.
_RAN_OUT = re.compile(r"truncated|EOF|not enough|incomplete|only got|not large enough", re.I)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenedPicture:
    """A decoded picture.

    Attributes:
        image: Upright, RGB, 8 bits, without metadata; perhaps decoded smaller than it is.
        width: Of the whole upright picture, in pixels.
        height: The same.
    """

    image: Image.Image
    width: int
    height: int


def open_picture(
    data: bytes, *, short_side: int | None = None, max_pixels: int = DEFAULT_MAX_PIXELS
) -> OpenedPicture:
    """The upright RGB picture of 8 bits that the bytes encode; of several, the first.

    Turned as its EXIF says, transparent parts on white, no ICC profile applied, no metadata left:
    see ``flatten_to_rgb``. Safe to call from several threads; no warning is shown or raised.

    Args:
        data: A whole file.
        short_side: The caller will shrink the picture to this many pixels or more on its shorter
            side. JPEGs are then decoded smaller, never below ``DRAFT_MARGIN`` times this.
        max_pixels: Limit on the pixels that must really be held: after the reduction above, but
            before it for progressive JPEGs, which are kept whole while they are decoded.

    Raises:
        PictureError: ``corrupt``, ``truncated``, ``unsupported`` or ``too_large``, with one
            printable line of detail.
    """
    if not data:
        raise PictureError("corrupt", "empty file (0 bytes)")
    kind = picture_kind(data)
    if kind is None:
        if begins_a_picture(data):
            raise PictureError("truncated", f"only the first {len(data)} bytes of a picture")
        raise PictureError("unsupported", f"not a picture that can be read: {looks_like(data)}")
    if kind == "HEIF" and not _heif_is_readable():
        raise PictureError(
            "unsupported", "a HEIC picture; to read it: pip install 'sightglass[heif]'"
        )
    try:
        with quiet_decoding(), decoding_room():
            return _decode(kind, data, short_side, max_pixels)
    except PictureError:
        raise
    except Exception as error:
        # Damaged files make Pillow raise nearly every built-in exception; each is about the file.
        status, detail = _judge(kind, data, error)
        raise PictureError(status, _one_line(detail)) from error


def _decode(kind: str, data: bytes, short_side: int | None, max_pixels: int) -> OpenedPicture:
    if kind == "PNG":
        check_png_pixels(data)
        data = png_pixels(data)
    elif kind == "PPM":
        data = pixmap_without_comments(data)
    elif kind == "BMP":
        _require_few_packed(packed_bitmap_size(data))
    elif kind == "ICO":
        # Pillow decodes these while opening, so ask the pictures inside before it does.
        for size in nested_png_sizes(data):
            _require_pixels(size, max_pixels)
        for at in set(icon_bitmaps(data)):
            _require_few_packed(packed_bitmap_size(data, at))
    with _opened(kind, data) as image:
        whole = image.size
        if short_side is not None:
            margin = DRAFT_MARGIN * short_side
            image.draft(None, (margin, margin))
        kept_whole = kind == "JPEG" and jpeg_is_kept_whole(data)
        held = whole if kept_whole else image.size
        _require_pixels(held, max_pixels)
        if kind == "JPEG":
            check_jpeg_claims(data)
        take_room(held[0] * held[1])
        pixels = decode_jpeg(data, image) if kind == "JPEG" else None
        if pixels is None:
            image.load()
            upright = flatten_to_rgb(image)
        else:
            upright = turned(pixels, orientation(image))
        if orientation(image) > 4:
            whole = (whole[1], whole[0])
        return OpenedPicture(image=upright, width=whole[0], height=whole[1])


def _opened(kind: str, data: bytes) -> Image.Image:
    """``Image.open`` for one format, but for Pillow's limit, which looks at the whole size.

    That limit is one setting for the whole process, so it is passed by here, not changed.
    """
    if kind not in Image.OPEN:
        Image.init()
    factory, accept = Image.OPEN[kind]
    try:
        accepted = accept is None or accept(data[:16])
        if accepted and not isinstance(accepted, str):  # a text says why the format is not built in
            return factory(io.BytesIO(data), "")
    except (SyntaxError, IndexError, TypeError, struct.error) as error:
        raise UnidentifiedImageError(str(error)) from error
    raise UnidentifiedImageError(kind)


def _require_pixels(size: tuple[int, int], max_pixels: int) -> None:
    if size[0] * size[1] > max_pixels:
        raise PictureError(
            "too_large", f"{size[0]} x {size[1]} pixels; the limit is {max_pixels:,}"
        )


def _require_few_packed(size: tuple[int, int] | None) -> None:
    if size is not None and size[0] * size[1] > PACKED_BITMAP_PIXELS:
        raise PictureError(
            "too_large",
            f"{size[0]} x {size[1]} pixels; the limit of bitmaps packed as runs is "
            f"{PACKED_BITMAP_PIXELS:,}",
        )


def _judge(kind: str, data: bytes, error: Exception) -> tuple[Status, str]:
    """Which failure an exception of Pillow means, and what to tell about it."""
    message = str(error)
    if isinstance(error, Image.DecompressionBombError):
        return "too_large", message.partition(", could")[0]
    if isinstance(error, MemoryError):
        return "too_large", "does not fit into memory"
    if isinstance(error, EOFError) or _RAN_OUT.search(message) or ends_early(kind, data):
        return "truncated", f"begins as {kind}, but its data stop early, at byte {len(data):,}"
    unidentified = isinstance(error, UnidentifiedImageError)
    if unidentified:
        # Its own message says nothing but the address of a buffer.
        message = "the header makes no sense"
    if isinstance(error, NotImplementedError) or "nsupported" in message:
        return "unsupported", f"a kind of {kind} that cannot be read: {message}"
    if unidentified and kind == "TIFF":
        # The structure is whole, so this is one of TIFF's many pixel layouts.
        return "unsupported", "a kind of TIFF that cannot be read"
    if isinstance(error, AssertionError):
        message = message or "its parts do not fit together"
    return "corrupt", f"begins as {kind}, but: {message or type(error).__name__}"


def _one_line(text: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:_DETAIL_LENGTH]


@functools.cache
def _heif_is_readable() -> bool:
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True
