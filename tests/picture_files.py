"""Real encoded pictures, whole and on purpose wrong, made in memory."""

from __future__ import annotations

import io
import random
import struct
import zlib
from typing import Any

from PIL import Image


def photo(width: int = 64, height: int = 48, seed: int = 0) -> Image.Image:
    """Colour ramps under noise: no two corners alike, and not a constant anywhere."""
    rng = random.Random(seed)
    pixels = bytes(
        channel
        for y in range(height)
        for x in range(width)
        for channel in (
            (x * 255 // width + rng.randrange(24)) % 256,
            (y * 255 // height + rng.randrange(24)) % 256,
            ((x + y) * 2 + rng.randrange(24)) % 256,
        )
    )
    return Image.frombytes("RGB", (width, height), pixels)


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The image as a file of Pillow's format ``kind``."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def encoded_pictures() -> dict[str, bytes]:
    """One whole file per suffix, of the formats that people have."""
    image = photo()
    return {
        "jpg": encode(image, "JPEG", quality=90),
        "progressive.jpg": encode(image, "JPEG", quality=90, progressive=True),
        "png": encode(image, "PNG"),
        "gif": encode(image, "GIF"),
        "webp": encode(image, "WEBP"),
        "lossless.webp": encode(image, "WEBP", lossless=True),
        "bmp": encode(image, "BMP"),
        "tiff": encode(image, "TIFF"),
        "big.tiff": encode(image, "TIFF", big_tiff=True),
        "avif": encode(image, "AVIF"),
        "jp2": encode(image, "JPEG2000"),
        "ppm": encode(image, "PPM"),
    }


def png_chunk(name: bytes, contents: bytes) -> bytes:
    """A PNG chunk with its length and checksum."""
    checksum = zlib.crc32(name + contents)
    return struct.pack(">I", len(contents)) + name + contents + struct.pack(">I", checksum)


def png_file(width: int, height: int, bits: int, colour: int, rows: bytes, *more: bytes) -> bytes:
    """A PNG written by hand; ``rows`` are unfiltered, each behind a zero byte."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    chunks = [png_chunk(b"IHDR", header), *more, png_chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + png_chunk(b"IEND", b"")


def with_jpeg_segment(data: bytes, marker: int, contents: bytes) -> bytes:
    """A JPEG with one more segment right behind its first two bytes."""
    segment = struct.pack(">BBH", 0xFF, marker, len(contents) + 2) + contents
    return data[:2] + segment + data[2:]


def exif_orientation(value: int) -> bytes:
    """An EXIF block that holds nothing but the orientation."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, value, 0)
    return b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + b"\0\0\0\0"


def flip_bits(data: bytes, rng: random.Random) -> bytes:
    """One to eight bits the other way round; in half of the cases all within the header."""
    damaged = bytearray(data)
    reach = len(data) if rng.random() < 0.5 else min(len(data), 200)
    for _ in range(rng.randint(1, 8)):
        damaged[rng.randrange(reach)] ^= 1 << rng.randrange(8)
    return bytes(damaged)
