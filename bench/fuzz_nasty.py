"""Files that are known to hurt: bombs of memory and patience, loops, impossible claims."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from fuzz_seeds import encoded, picture, png_chunk, seeds

Case = tuple[str, bytes]  # a name with the suffix of its format, and the file

_PNG = b"\x89PNG\r\n\x1a\n"
_MANY = 60_000  # of what a file may repeat; each alone is nothing


def nasty() -> Iterator[Case]:
    """Every case once; none is above 4 MB, whatever it claims to be."""
    for maker in (_pngs, _jpegs, _gifs, _tiffs, _icons, _bitmaps, _others, _strangers):
        yield from maker()


def _pngs() -> Iterator[Case]:
    bomb = zlib.compress(bytes(50_000_000), 9)
    for name, chunk in {
        "ztxt": png_chunk(b"zTXt", b"t\0\0" + bomb),
        "itxt": png_chunk(b"iTXt", b"t\0\1\0\0\0" + bomb),
        "iccp": png_chunk(b"iCCP", b"p\0\0" + bomb),
        "frames": png_chunk(b"acTL", struct.pack(">II", (1 << 31) - 1, 0)),
        "exif": png_chunk(b"eXIf", _overlapping_tags("<", 1_000_000)),
        "texts": png_chunk(b"tEXt", b"k\0v") * _MANY,
    }.items():
        yield f"png-{name}-bomb.png", _png(4, 3, 8, 2, b"\0" * 39, chunk)
    for name, size in {
        "thin": (1, 1_000_000_000),
        "wide": (2_000_000_000, 1),
        "square": (100_000, 100_000),
        "zero": (0, 0),
        "negative": (0xFFFFFFFF, 0xFFFFFFFF),
    }.items():
        yield f"png-{name}.png", _png(*size, 8, 2, bytes(100))
    # Below the limit of pixels, and a thousandth of that as a file.
    yield "png-allowed.png", _png(12_000, 12_000, 1, 0, bytes(1501 * 12_000))
    yield "png-expands.png", _png(4, 3, 8, 2, bytes(60_000_000))
    many = b"".join(png_chunk(b"IDAT", b"") for _ in range(_MANY))
    yield "png-empty-pixels.png", _png(4, 3, 8, 2, b"\0" * 39, many)
    palette = png_chunk(b"PLTE", bytes(3 * 300))
    yield "png-palette-of-300.png", _png(4, 3, 8, 3, b"\0" * 15, palette)


def _png(width: int, height: int, bits: int, colour: int, rows: bytes, *more: bytes) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(rows, 9))
    return b"".join([_PNG, header, *more, pixels, png_chunk(b"IEND", b"")])


def _overlapping_tags(order: str, size: int, *, tags: int = 10_000) -> bytes:
    """A directory whose every tag claims the same ``size`` bytes behind it."""
    place = 8 + 2 + tags * 12 + 4
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, tags)
    entries = b"".join(
        struct.pack(order + "HHII", 1000 + tag, 7, size, place) for tag in range(tags)
    )
    return head + entries + bytes(4 + size)


def _jpegs() -> Iterator[Case]:
    baseline, progressive = (encoded(picture(), "JPEG", progressive=p) for p in (False, True))
    scan = progressive.rindex(b"\xff\xda")
    yield "jpeg-9000-scans.jpg", progressive[:-2] + progressive[scan:-2] * 9_000 + b"\xff\xd9"
    large = encoded(Image.new("L", (5_000, 5_000)), "JPEG", progressive=True)
    refinement = large[large.rindex(b"\xff\xda") : -2]
    scans = bytes.fromhex("ffda0008 0101 00 01 3f 00".replace(" ", "")) + b"\0"
    yield "jpeg-scans-of-large.jpg", large[:-2] + scans * 20_000 + refinement + b"\xff\xd9"
    for name, marker, contents in (
        ("restart-interval", 0xDD, b"\xff\xff"),
        ("comment", 0xFE, bytes(65_000)),
        ("profile-count", 0xE2, b"ICC_PROFILE\0\x01\xff" + bytes(100)),
        ("profile-zero", 0xE2, b"ICC_PROFILE\0\0\0"),
        ("mpo", 0xE2, b"MPF\0II*\0\x08\0\0\0\xff\xff" + bytes(100)),
        ("photoshop", 0xED, b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0\xff\xff\xff\xff" * 9),
        ("exif-tags", 0xE1, b"Exif\0\0" + _overlapping_tags("<", 20_000, tags=3_000)),
        ("exif-loop", 0xE1, b"Exif\0\0" + _looping_directory()),
        ("exif-type", 0xE1, b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\xff\xff\xff\xff\xff\xff\6\0"),
    ):
        yield f"jpeg-{name}.jpg", _with_segment(baseline, marker, contents)
    exif = _with_segment(b"", 0xE1, b"Exif\0\0" + bytes(60_000))
    yield "jpeg-exif-in-many.jpg", baseline[:2] + exif * 60 + baseline[2:]
    empty = _with_segment(b"", 0xFE, b"")
    yield "jpeg-empty-segments.jpg", baseline[:2] + empty * _MANY + baseline[2:]
    yield "jpeg-fill-bytes.jpg", baseline[:2] + b"\xff" * 1_000_000 + baseline[2:]
    at = baseline.index(b"\xff\xc0")
    for name, size in {"huge": (65_500, 65_500), "zero": (0, 0), "no-height": (0, 67)}.items():
        sized = baseline[: at + 5] + struct.pack(">HH", *size) + baseline[at + 9 :]
        yield f"jpeg-{name}.jpg", sized
    yield "jpeg-lossless.jpg", baseline[: at + 1] + b"\xc3" + baseline[at + 2 :]
    yield "jpeg-12-bits.jpg", baseline[: at + 4] + b"\x0c" + baseline[at + 5 :]
    yield "jpeg-no-pixels.jpg", baseline[: baseline.index(b"\xff\xda")] + b"\xff\xd9"


def _with_segment(data: bytes, marker: int, contents: bytes) -> bytes:
    head = struct.pack(">BBH", 0xFF, marker, len(contents) + 2)
    return data[:2] + head + contents + data[2:]


def _looping_directory() -> bytes:
    """EXIF, GPS and interoperability all point back to the first directory, as does the next."""
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, 8) for tag in (0x8769, 0x8825, 0xA005))
    return b"II*\0\x08\0\0\0\x03\0" + entries + struct.pack("<I", 8)


def _gifs() -> Iterator[Case]:
    gif = encoded(picture(), "GIF")
    frame = 13 + (3 << (gif[10] & 7) + 1)  # behind the screen and its palette
    comment = b"\x21\xfe" + (b"\xff" + bytes(255)) * 12_000 + b"\0"
    yield "gif-long-comment.gif", gif[:frame] + comment + gif[frame:]
    short = b"\x21\xfe\x3d" + bytes(61) + b"\0"
    yield "gif-many-comments.gif", gif[:frame] + short * _MANY + gif[frame:]
    yield "gif-junk-before.gif", gif[:frame] + b"\x01" * 2_000_000 + gif[frame:]
    tiny = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    yield "gif-100000-frames.gif", gif[:-1] + tiny * 100_000 + b";"
    yield "gif-huge-screen.gif", gif[:6] + b"\xff\xff\xff\xff" + gif[10:]
    outside = struct.pack("<HHHH", 65_000, 65_000, 65_000, 65_000)
    yield "gif-frame-outside.gif", gif[: frame + 1] + outside + gif[frame + 9 :]
    for bits in (0, 1, 13, 255):
        at = frame + 10
        yield f"gif-code-of-{bits}-bits.gif", gif[:at] + bytes((bits,)) + gif[at + 1 :]


def _tiffs() -> Iterator[Case]:
    # All behind the tags that a picture needs; each claims the same million bytes.
    shared = {1000 + tag: (7, 1_000_000, 8) for tag in range(10_000)}
    yield "tiff-overlapping-tags.tif", _tiff(shared, pixels=bytes(1_000_000))
    place = 8
    yield "tiff-next-is-itself.tif", _tiff({}, next_page=place)
    yield "tiff-sub-directory-is-itself.tif", _tiff({330: (4, 1, 8), 34665: (4, 1, 8)})
    deflated = zlib.compress(bytes(50_000_000), 9)
    yield "tiff-deflate-bomb.tif", _tiff({259: (3, 1, 8)}, pixels=deflated)
    huge = {256: (4, 1, 100_000), 257: (4, 1, 100_000)}
    yield "tiff-huge.tif", _tiff({**huge, 259: (3, 1, 8)}, pixels=deflated)
    yield "tiff-huge-tiles.tif", _tiff({322: (4, 1, 1 << 30), 323: (4, 1, 1 << 30)})
    floats = {256: (4, 1, 5_000), 257: (4, 1, 5_000), 258: (3, 1, 32), 339: (3, 1, 3)}
    yield "tiff-5000-square-floats.tif", _flat(5_000, "F")
    yield "tiff-5000-square-16-bits.tif", _flat(5_000, "I;16")
    yield "tiff-no-pixels-of-floats.tif", _tiff(floats)
    for name, tag, value in (
        ("samples", 277, 65_535),
        ("rows-per-strip-zero", 278, 0),
        ("bits", 258, 65_535),
        ("compression", 259, 65_000),
        ("photometric", 262, 65_000),
        ("planar", 284, 2),
        ("predictor", 317, 3),
    ):
        yield f"tiff-{name}.tif", _tiff({tag: (3, 1, value)})
    yield "tiff-strips-repeated.tif", _repeated_places(3_000)
    yield "tiff-count.tif", _tiff({273: (4, 0xFFFFFFFF, 8)})
    yield "tiff-big-count.tif", b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 1 << 62) + bytes(99)


def _tiff(
    changed: dict[int, tuple[int, int, int]], *, next_page: int = 0, pixels: bytes = bytes(600)
) -> bytes:
    """20 x 30 grey pixels, but for the tags (kind, count, value) in ``changed``."""
    tags = {
        256: (3, 1, 20), 257: (3, 1, 30), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1),
        273: (4, 1, 0), 277: (3, 1, 1), 278: (3, 1, 30), 279: (4, 1, len(pixels)), **changed,
    }  # fmt: skip
    start = 8 + 2 + 12 * len(tags) + 4
    if 273 not in changed:
        tags[273] = (4, 1, start)
    entries = b"".join(struct.pack("<HHII", tag, *tags[tag]) for tag in sorted(tags))
    body = struct.pack("<H", len(tags)) + entries + struct.pack("<I", next_page)
    return b"II*\0\x08\0\0\0" + body + pixels


def _repeated_places(times: int) -> bytes:
    """The tag of the strips' places again and again, each time with as many as fit."""
    count = 100_000
    place = 8 + 2 + 12 * (times + 2) + 4
    sizes = struct.pack("<HHIIHHII", 256, 3, 1, 20, 257, 3, 1, 30)
    tag = struct.pack("<HHII", 273, 4, count, place)
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", times + 2) + sizes + tag * times
    return head + bytes(4 + 4 * count)


def _flat(side: int, mode: str) -> bytes:
    dtype = np.float32 if mode == "F" else np.uint16
    image = Image.fromarray(np.zeros((side, side), dtype))
    return encoded(image, "TIFF", compression="tiff_adobe_deflate")


def _icons() -> Iterator[Case]:
    png = _png(60_000, 60_000, 8, 6, bytes(99))
    yield "ico-huge-png.ico", _icon([png])
    dib = struct.pack("<IiiHHIIiiII", 40, 16_000, 32_000, 1, 1, 0, 0, 0, 0, 0, 0)
    yield "ico-huge-bitmap.ico", _icon([dib + bytes(99)])
    rle = struct.pack("<IiiHHIIiiII", 40, 12_000, 24_000, 1, 8, 1, 0, 0, 0, 0, 0)
    yield "ico-packed-bitmap.ico", _icon([rle + bytes(1024) + b"\1\1\0\0" * 12_000])
    yield "ico-in-ico.ico", _icon([_icon([_icon([encoded(picture(), "PNG")])])])
    yield "ico-of-none.ico", b"\0\0\1\0\xff\xff" + bytes(90)
    small = encoded(picture(), "PNG")
    entry = struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(small), 6 + 16 * 65_535)
    yield "ico-65535-entries.ico", b"\0\0\1\0\xff\xff" + entry * 65_535 + small


def _icon(images: list[bytes]) -> bytes:
    at = 6 + 16 * len(images)
    entries = b""
    for image in images:
        entries += struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(image), at)
        at += len(image)
    return b"\0\0\1\0" + struct.pack("<H", len(images)) + entries + b"".join(images)


def _bitmaps() -> Iterator[Case]:
    # One pixel, then the end of the line: the decoder fills the rest of the line.
    yield "bmp-packed-lines.bmp", _packed(12_000, 12_000, b"\1\1\0\0" * 12_000, rle4=False)
    yield "bmp-packed-runs.bmp", _packed(12_000, 12_000, b"\xff\1" * 560_000, rle4=True)
    yield "bmp-packed-steps.bmp", _packed(12_000, 12_000, b"\0\2\xff\xff" * 50, rle4=False)
    for name, size in {
        "top-down": (67, -45),
        "negative": (-67, 45),
        "least": (1, -(1 << 31)),
    }.items():
        head = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 0, 0, 0, 54, 40, *size, 1, 24, *[0] * 6)
        yield f"bmp-{name}.bmp", head + bytes(9_200)


def _packed(width: int, height: int, rows: bytes, *, rle4: bool) -> bytes:
    palette = bytes(64 if rle4 else 1024)
    start = 54 + len(palette)
    bits, packing = (4, 2) if rle4 else (8, 1)
    sizes = (40, width, height, 1, bits, packing, len(rows), 0, 0, 0, 0)
    head = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", start + len(rows), 0, 0, start, *sizes)
    return head + palette + rows + b"\0\1"


def _others() -> Iterator[Case]:
    yield "ppm-comments.ppm", b"P3\n4 4\n255\n" + b"#\n" * 500_000 + b"1 " * 48
    yield "ppm-header-comments.ppm", b"P6\n" + b"#\n" * 500_000 + b"4 4\n255\n" + bytes(48)
    yield "ppm-one-long-number.ppm", b"P3\n4 4\n255\n" + b"1" * 1_000_000
    yield "ppm-huge.ppm", b"P6 99999 99999 255\n" + bytes(99)
    yield "ppm-zero.ppm", b"P6 0 0 255\n"
    yield "ppm-long-width.ppm", b"P6 " + b"9" * 100_000 + b" 4 255\n"
    yield "ppm-not-finite.pfm", b"Pf\n4 4\nnan\n" + bytes(64)
    yield "qoi-huge.qoi", b"qoif" + struct.pack(">IIBB", 1 << 30, 1 << 30, 3, 0)
    runs = b"\xfe\1\2\3" + b"\xfd" * (12_000 * 12_000 // 62) + bytes(7) + b"\1"
    yield "qoi-runs.qoi", b"qoif" + struct.pack(">IIBB", 12_000, 12_000, 3, 0) + runs
    for kind in ("webp", "jp2", "avif", "dds", "psd", "pcx", "sgi", "tga", "ras"):
        seed = next(one for one in seeds() if one.suffix == kind)
        yield f"{kind}-zeros-after-head.{kind}", seed.data[:40] + bytes(5_000)
        yield f"{kind}-ones-after-head.{kind}", seed.data[:20] + b"\xff" * 5_000
    masks = struct.pack("<8I", 32, 0x40, 0, 32, 0xFF, 0xFF00, 0xFF0000, 0)
    head = struct.pack("<4s7I44x", b"DDS ", 124, 0x1007, 12_000, 12_000, 0, 0, 0)
    yield "dds-no-pixels.dds", head + masks + bytes(100)
    extended = b"VP8X\x0a\0\0\0\0\0\0\0" + (16_382).to_bytes(3, "little") * 2
    inner = extended + encoded(picture(), "WEBP")[12:]
    yield "webp-canvas.webp", b"RIFF" + struct.pack("<I", len(inner) + 4) + b"WEBP" + inner


def _strangers() -> Iterator[Case]:
    jpeg = encoded(picture(), "JPEG")
    for name, data in {
        "empty": b"",
        "one-byte": b"\xff",
        "two-bytes": b"\xff\xd8",
        "zeros": bytes(5_000),
        "text": b"Dear all,\nthe pictures follow by post.\n",
        "page": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "drawing": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        "entities": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><svg>&a;</svg>',
        "document": b"%PDF-1.4\nstream\n" + jpeg + b"\nendstream\n%%EOF\n",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
        "zip": b"PK\x03\x04" + bytes(40),
        "gzip": b"\x1f\x8b\x08" + bytes(40),
        "program": b"\x7fELF\x02\x01\x01" + bytes(57),
        "metafile": b"\xd7\xcd\xc6\x9a" + bytes(80),
        "movie": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(64),
        "pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
        "lfs-pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        "script-behind": jpeg + b"<?php system($_GET['c']); ?>",
        "zip-behind": jpeg + b"PK\x03\x04" + bytes(40) + b"PK\x05\x06" + bytes(18),
    }.items():
        yield f"stranger-{name}.jpg", data
