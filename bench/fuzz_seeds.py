"""Whole pictures of every format that is ever opened: what the fuzz corpus damages."""

from __future__ import annotations

import functools
import io
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

# Odd, unlike each other, and rare as a pair of numbers in a file: they can be found again there.
WIDTH, HEIGHT = 67, 45
_FRAMES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """One whole picture.

    Attributes:
        kind: Pillow's name of its format.
        layout: Which of the format's many layouts, in a word or two.
        suffix: Of a file's name, without the dot.
        data: The file.
    """

    kind: str
    layout: str
    suffix: str
    data: bytes


@functools.cache
def seeds() -> tuple[Seed, ...]:
    """About ninety pictures of 67 x 45 pixels, each of another format or layout."""
    made = (_jpegs, _pngs, _animations, _webps, _tiffs, _bitmaps, _containers, _pixmaps, _others)
    return tuple(seed for maker in made for seed in maker())


def png_chunk(name: bytes, contents: bytes) -> bytes:
    """A PNG chunk with its length and checksum."""
    checksum = zlib.crc32(name + contents)
    return struct.pack(">I", len(contents)) + name + contents + struct.pack(">I", checksum)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The image as a file of Pillow's format ``kind``."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def picture(number: int = 0) -> Image.Image:
    """Colour ramps under noise, so that no codec makes it trivially small."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    ramps = np.stack([x * 255 // WIDTH, y * 255 // HEIGHT, (x + y) * 2], axis=2)
    return Image.fromarray(((ramps + rng.integers(0, 40, ramps.shape)) % 256).astype(np.uint8))


def exif(orientation: int = 6) -> bytes:
    """An EXIF block of several tags, with the orientation and a thumbnail's directory."""
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010F] = "a maker of cameras"
    block.get_ifd(0x8769)[0x9003] = "2020:02:02 20:20:20"
    block.get_ifd(0x8825)[2] = (1.0, 2.0, 3.0)
    return block.tobytes()


def _seed(kind: str, layout: str, suffix: str, image: Image.Image, **options: Any) -> Seed:
    data = encoded(image, kind, **options)
    kind = {"MPO": "JPEG"}.get(kind, kind)
    return Seed(kind=kind, layout=layout, suffix=suffix, data=data)


def _jpegs() -> Iterator[Seed]:
    image = picture()
    yield _seed("JPEG", "baseline", "jpg", image, quality=85)
    yield _seed("JPEG", "progressive", "jpg", image, progressive=True)
    yield _seed("JPEG", "444", "jpeg", image, subsampling=0, optimize=True)
    yield _seed("JPEG", "grey", "jpg", image.convert("L"))
    yield _seed("JPEG", "cmyk", "jpg", image.convert("CMYK"))
    yield _seed("JPEG", "restarts", "jpg", image, restart_marker_blocks=2)
    profile = bytes(range(256)) * 4
    yield _seed("JPEG", "metadata", "jpg", image, exif=exif(), icc_profile=profile, comment="x")
    yield _seed("MPO", "mpo", "mpo", image, save_all=True, append_images=[picture(1)])
    # Pillow does not write arithmetic coding; a frame that claims it reaches that decoder.
    baseline = encoded(image, "JPEG")
    for marker, layout in ((0xC9, "arithmetic"), (0xCA, "arithmetic progressive")):
        data = baseline.replace(b"\xff\xc0", bytes((0xFF, marker)), 1)
        yield Seed(kind="JPEG", layout=layout, suffix="jpg", data=data)


def _pngs() -> Iterator[Seed]:
    image = picture()
    grey = image.convert("L")
    for mode in ("1", "L", "LA", "RGB", "RGBA", "P", "I;16"):
        source = grey if mode == "I;16" else image
        yield _seed("PNG", mode, "png", source.convert(mode))
    yield _seed("PNG", "transparency", "png", image.quantize(8), transparency=bytes(range(8)))
    yield _seed("PNG", "metadata", "png", image, exif=exif(), icc_profile=bytes(900), dpi=(9, 9))
    rows = np.asarray(image).astype(">u2") * 257
    yield _png("48 bits", 16, 2, rows)
    # Seven passes of every picture of 1 x 1 upwards: Adam7's first alone is enough for one pixel.
    yield _png("16 bits grey and alpha", 16, 4, rows[:, :, :2])
    yield _interlaced(np.asarray(grey))


def _png(layout: str, bits: int, colour: int, rows: np.ndarray) -> Seed:
    scanlines = b"".join(b"\0" + row.tobytes() for row in rows)
    return _assembled(layout, bits, colour, 0, scanlines)


def _interlaced(grey: np.ndarray) -> Seed:
    starts = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2))
    passes = [grey[y::dy, x::dx] for y, x, dy, dx in (*starts, (1, 0, 2, 1))]
    scanlines = b"".join(b"\0" + row.tobytes() for one in passes for row in one)
    return _assembled("interlaced", 8, 0, 1, scanlines)


def _assembled(layout: str, bits: int, colour: int, interlace: int, scanlines: bytes) -> Seed:
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, colour, 0, 0, interlace)
    pixels = png_chunk(b"IDAT", zlib.compress(scanlines))
    data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + pixels + png_chunk(b"IEND", b"")
    return Seed(kind="PNG", layout=layout, suffix="png", data=data)


def _animations() -> Iterator[Seed]:
    first, *others = (picture(number) for number in range(_FRAMES))
    frames: dict[str, Any] = {"save_all": True, "append_images": others, "duration": 40, "loop": 0}
    yield _seed("GIF", "plain", "gif", first)
    yield _seed("GIF", "interlaced", "gif", first, interlace=1, comment=b"words")
    yield _seed("GIF", "animated", "gif", first, **frames)
    yield _seed("GIF", "see-through", "gif", first.quantize(8), transparency=3)
    yield _seed("PNG", "animated", "png", first, **frames)
    yield _seed("WEBP", "animated", "webp", first, **frames)
    yield _seed("AVIF", "animated", "avif", first, **frames)


def _webps() -> Iterator[Seed]:
    image = picture()
    yield _seed("WEBP", "lossy", "webp", image)
    yield _seed("WEBP", "lossless", "webp", image, lossless=True)
    yield _seed("WEBP", "alpha", "webp", image.convert("RGBA"), exact=True)
    yield _seed("WEBP", "metadata", "webp", image, exif=exif(), icc_profile=bytes(500), xmp=b"<x/>")


def _tiffs() -> Iterator[Seed]:
    image = picture()
    for mode in ("1", "L", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F", "P"):
        source = image.convert("L") if mode in ("I;16", "I", "F") else image
        yield _seed("TIFF", mode, "tif", source.convert(mode))
    for compression in ("tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "jpeg", "packbits"):
        yield _seed("TIFF", compression, "tiff", image, compression=compression)
    for compression in ("group3", "group4", "tiff_ccitt"):
        yield _seed("TIFF", compression, "tiff", image.convert("1"), compression=compression)
    yield _seed("TIFF", "lzma", "tiff", image, compression="lzma")
    yield _seed("TIFF", "zstd", "tiff", image, compression="zstd")
    yield _seed("TIFF", "strips", "tiff", image, compression="tiff_lzw", strip_size=900)
    yield _seed("TIFF", "tiles", "tiff", image, tiffinfo={322: 32, 323: 32})
    yield _seed("TIFF", "big", "tiff", image, big_tiff=True)
    yield _seed("TIFF", "metadata", "tiff", image, exif=exif(), icc_profile=bytes(300))
    pages = [picture(number) for number in range(1, _FRAMES)]
    yield _seed("TIFF", "pages", "tiff", image, save_all=True, append_images=pages)
    yield _big_endian(np.asarray(image))


def _big_endian(pixels: np.ndarray) -> Seed:
    tags = (
        (256, 3, WIDTH << 16), (257, 3, HEIGHT << 16), (258, 3, 8 << 16), (259, 3, 1 << 16),
        (262, 3, 1 << 16), (273, 4, 8 + 2 + 9 * 12 + 4), (277, 3, 1 << 16), (278, 3, HEIGHT << 16),
        (279, 4, WIDTH * HEIGHT),
    )  # fmt: skip
    entries = b"".join(struct.pack(">HHII", tag, kind, 1, value) for tag, kind, value in tags)
    head = b"MM\0*" + struct.pack(">IH", 8, len(tags)) + entries + bytes(4)
    data = head + pixels[:, :, 0].tobytes()
    return Seed(kind="TIFF", layout="big-endian", suffix="tif", data=data)


def _bitmaps() -> Iterator[Seed]:
    image = picture()
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        yield _seed("BMP", mode, "bmp", image.convert(mode))
    rows = b"".join(bytes((WIDTH, row, 0, 0)) for row in range(HEIGHT)) + b"\0\1"
    palette = bytes(range(256)) * 4
    head = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 8, 1, len(rows), 0, 0, 256, 0)
    start = 14 + len(head) + len(palette)
    file = struct.pack("<2sIHHI", b"BM", start + len(rows), 0, 0, start)
    yield Seed(kind="BMP", layout="rle8", suffix="bmp", data=file + head + palette + rows)
    sizes = [(16, 16), (32, 32)]
    yield _seed("ICO", "png inside", "ico", image.resize((48, 48)), sizes=sizes)
    yield _seed(
        "ICO", "bmp inside", "ico", image.resize((48, 48)), sizes=sizes, bitmap_format="bmp"
    )


def _containers() -> Iterator[Seed]:
    image = picture()
    yield _seed("AVIF", "still", "avif", image, speed=9)
    yield _seed("AVIF", "alpha", "avif", image.convert("RGBA"), speed=9)
    yield _seed("JPEG2000", "jp2", "jp2", image)
    yield _seed("JPEG2000", "codestream", "j2k", image, no_jp2=True)
    yield _seed("JPEG2000", "tiles", "jp2", image, tile_size=(32, 32), irreversible=True)
    try:
        import pillow_heif
    except ImportError:
        return
    for mode in ("RGB", "RGBA"):
        buffer = io.BytesIO()
        pillow_heif.from_pillow(image.convert(mode)).save(buffer, quality=80)
        yield Seed(kind="HEIF", layout=mode, suffix="heic", data=buffer.getvalue())


def _pixmaps() -> Iterator[Seed]:
    image = picture()
    for mode, suffix in (("1", "pbm"), ("L", "pgm"), ("RGB", "ppm"), ("F", "pfm")):
        yield _seed("PPM", suffix, suffix, image.convert("L").convert(mode))
    numbers = re.sub(r"[\[\],]", " ", str(np.asarray(image).ravel().tolist())).encode()
    for magic, words in ((b"P3", numbers), (b"P2", numbers[: len(numbers) // 3 + 99])):
        data = b"%s\n# words\n%d %d\n255\n%s\n" % (magic, WIDTH, HEIGHT, words)
        yield Seed(kind="PPM", layout=magic.decode(), suffix="ppm", data=data)
    deep = b"P6 %d %d 1023\n" % (WIDTH, HEIGHT) + np.asarray(image).astype(">u2").tobytes()
    yield Seed(kind="PPM", layout="deep", suffix="ppm", data=deep)


def _others() -> Iterator[Seed]:
    image = picture()
    for kind in ("QOI", "DDS", "PCX", "SGI", "TGA"):
        yield _seed(kind, "plain", kind.lower(), image)
    yield _seed("TGA", "rle", "tga", image, compression="tga_rle")
    yield _seed("DDS", "dxt5", "dds", image.convert("RGBA"), pixel_format="DXT5")
    pixels = np.asarray(image)
    planes = pixels.transpose(2, 0, 1).tobytes()
    head = b"8BPS" + struct.pack(">H6xHIIHHIIIH", 1, 3, HEIGHT, WIDTH, 8, 3, 0, 0, 0, 0)
    yield Seed(kind="PSD", layout="plain", suffix="psd", data=head + planes)
    even = np.pad(pixels[:, :, ::-1], ((0, 0), (0, 1), (0, 0)))[:, : WIDTH + 1].reshape(HEIGHT, -1)
    head = struct.pack(">8I", 0x59A66A95, WIDTH, HEIGHT, 24, even[:, :202].size, 1, 0, 0)
    yield Seed(kind="SUN", layout="plain", suffix="ras", data=head + even[:, :202].tobytes())
