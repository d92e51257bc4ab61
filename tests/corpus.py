"""Three hundred files as no tidy folder has them: damaged, odd, hostile. POSIX only."""

from __future__ import annotations

import os
import random
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from picture_files import (
    encode,
    encoded_pictures,
    exif_orientation,
    flip_bits,
    photo,
    png_chunk,
    png_file,
    with_jpeg_segment,
)

N_FILES = 300

File = tuple[str, bytes, str]  # relative path, contents, expected status or "any"


def write_corpus(folder: Path, *, seed: int = 0) -> dict[str, str]:
    """Write exactly ``N_FILES`` files below ``folder``, which is made where it is missing.

    Args:
        folder: Must be empty.
        seed: Decides which bits are flipped and what the noise is.

    Returns:
        For each file, links and pipes included, its path relative to ``folder`` and the status
        that it must get, or ``"any"`` where several would be right.
    """
    rng = random.Random(seed)
    expected: dict[str, str] = {}
    makers = (formats, modes, shapes, names, strangers, bombs, cut_files, patched_files)
    for maker in makers:
        for name, contents, status in maker():
            _write(folder / name, contents)
            assert name not in expected, name
            expected[name] = status
    expected.update(_write_special(folder))
    whole = sorted(encoded_pictures().items())
    for number in range(N_FILES - len(expected)):
        kind, contents = rng.choice(whole)
        name = f"flipped/{number:03d}.{kind}"
        _write(folder / name, flip_bits(contents, rng))
        expected[name] = "any"
    return expected


def formats() -> Iterator[File]:
    for suffix, contents in encoded_pictures().items():
        yield f"formats/whole.{suffix}", contents, "ok"
    image = photo()
    for kind in ("ICO", "TGA", "QOI", "DDS", "PCX", "SGI"):
        yield f"formats/whole.{kind.lower()}", encode(image, kind), "ok"
    yield "formats/codestream.j2k", encode(image, "JPEG2000", no_jp2=True), "ok"
    for compression in ("tiff_lzw", "tiff_deflate", "jpeg", "packbits"):
        contents = encode(image, "TIFF", compression=compression)
        yield f"formats/{compression}.tif", contents, "ok"
    frames = {"save_all": True, "append_images": [photo(seed=1), photo(seed=2)]}
    for kind, suffix in (("GIF", "gif"), ("PNG", "png"), ("WEBP", "webp"), ("AVIF", "avif")):
        yield f"animated/three_frames.{suffix}", encode(image, kind, **frames), "ok"
    yield "animated/three_pages.tiff", encode(image, "TIFF", **frames), "ok"
    yield "animated/three_views.mpo", encode(image, "MPO", **frames), "ok"


def modes() -> Iterator[File]:
    image = photo()
    for mode in ("1", "L", "LA", "P", "RGBA", "I;16"):
        yield f"modes/{mode}.png", encode(image.convert("L").convert(mode), "PNG"), "ok"
    for mode in ("1", "L", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"):
        source = image if mode not in ("I;16", "I", "F") else image.convert("L")
        yield f"modes/{mode}.tif", encode(source.convert(mode), "TIFF"), "ok"
    yield "modes/CMYK.jpg", encode(image.convert("CMYK"), "JPEG"), "ok"
    yield "modes/L.jpg", encode(image.convert("L"), "JPEG"), "ok"
    palette = image.quantize(8)
    yield "modes/see-through.gif", encode(palette, "GIF", transparency=3), "ok"
    yield "modes/alphas.png", encode(palette, "PNG", transparency=bytes(range(0, 256, 32))), "ok"
    yield "modes/keyed.png", encode(image, "PNG", transparency=(0, 0, 0)), "ok"
    rows = b"".join(b"\0" + bytes(range(48)) for _ in range(5))
    yield "modes/RGB48.png", png_file(8, 5, 16, 2, rows), "ok"
    for value in range(10):
        jpeg = with_jpeg_segment(encode(image, "JPEG"), 0xE1, exif_orientation(value))
        yield f"turned/{value}.jpg", jpeg, "ok"
    exif = exif_orientation(6)
    for name, block in {
        "garbage": b"Exif\0\0" + bytes(range(256)),
        "cut": exif[:-12],
        "empty": b"Exif\0\0",
        "circular": exif[:-4] + b"\x08\0\0\0",
        "endless": exif[:14] + b"\xff\xff" + exif[16:],
    }.items():
        yield f"exif/{name}.jpg", with_jpeg_segment(encode(image, "JPEG"), 0xE1, block), "ok"
        yield f"exif/{name}.webp", encode(image, "WEBP", exif=block), "ok"


def shapes() -> Iterator[File]:
    for size in ((1, 1), (1, 5000), (5000, 1), (3, 2), (17, 1)):
        image = Image.new("RGB", size, (200, 30, 90))
        for kind in ("jpeg", "png", "gif", "webp"):
            yield f"shapes/{size[0]}x{size[1]}.{kind}", encode(image, kind.upper()), "ok"


def names() -> Iterator[File]:
    jpeg = encode(photo(), "JPEG")
    for name in (
        "with space.jpg", " both ends ", "no_suffix", "SHOUTING.JPG", ".hidden.jpg", "...", "-rf",
        "--out", "-", "ünïcödé.jpg", "u\u0308ni\u0308.jpg", "日本語の写真.jpg", "صورة عائلية.jpg",
        "\u202egpj.exe", "🐈‍⬛.jpg", "two\nlines.jpg", "tab\there.jpg", "bell\a\x1b[31mred.jpg",
        "'single'.jpg", '"double".jpg', "<script>alert(1)</script>.jpg", "<img src=x onerror=a>",
        "a,b;c.jpg", "=1+1", "@sum", "%s%n.jpg", "{0}.jpg", "$HOME.jpg", "`id`.jpg", "a&b|c.jpg",
        "back\\slash.jpg", "*.jpg", "[a-z]?.jpg", "**", "~", "#1.jpg", "CON.jpg", "a" * 240,
        "cat.png", "cat.pdf", "cat.jpg.txt", "..jpg", os.fsdecode(b"latin-\xe9.jpg"),
        os.fsdecode(b"\xff\xfe"), "deep/er/and/deep er/still/x.jpg", "</style>/x.jpg",
    ):  # fmt: skip
        yield f"names/{name}", jpeg, "ok"


def strangers() -> Iterator[File]:
    jpeg, png = encode(photo(), "JPEG"), encode(photo(), "PNG")
    for name, contents in {
        "text.jpg": b"Dear all,\nthe pictures follow by post.\n",
        "page.jpg": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "drawing.svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        "document.pdf": b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n",
        "picture_inside.pdf": b"%PDF-1.4\n1 0 obj\nstream\n" + jpeg + b"\nendstream\n%%EOF\n",
        "script.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
        "archive.zip": b"PK\x03\x04" + bytes(40),
        "movie.mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(64),
        "movie.mov": b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + bytes(64),
        "sound.wav": b"RIFF\x24\0\0\0WAVEfmt " + bytes(32),
        "program.png": b"\x7fELF\x02\x01\x01" + bytes(57),
        "raw.cr2": b"II*\0\x10\0\0\0CR\x02\0" + bytes(64),
        "next.jxl": b"\xff\x0a" + bytes(range(64)),
        "pointer.jpg": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        ".DS_Store": b"\0\0\0\x01Bud1" + bytes(64),
        "._cat.jpg": b"\0\x05\x16\x07\0\x02\0\0" + bytes(64),
        "Thumbs.db": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64),
        "zeros.jpg": bytes(5000),
        "metafile.wmf": b"\xd7\xcd\xc6\x9a" + bytes(80),
        "list.json": b'[{"file": "cat.jpg"}]',
    }.items():
        yield f"strangers/{name}", contents, "unsupported"
    for name in ("empty.jpg", "empty.png", "empty"):
        yield f"strangers/{name}", b"", "corrupt"
    yield "strangers/noise.jpg", bytes(random.Random(1).randbytes(3000)), "any"
    yield "polyglot/gif_and_zip.gif", encode(photo(), "GIF") + b"PK\x03\x04" + bytes(40), "ok"
    yield "polyglot/script.php.jpg", jpeg + b"<?php system($_GET['c']); ?>", "ok"
    yield "polyglot/page.png", png + b"<script>alert(1)</script>", "ok"
    yield "polyglot/comment.jpg", with_jpeg_segment(jpeg, 0xFE, b"<script>x</script>"), "ok"
    yield "polyglot/GIF89a.js", b"GIF89a=1;alert(1);//" + b" " * 100, "any"


def bombs() -> Iterator[File]:
    text = png_chunk(b"zTXt", b"t\0\0" + zlib.compress(bytes(50_000_000), 9))
    profile = png_chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(50_000_000), 9))
    row = b"\0" + bytes(12)
    yield "bombs/text.png", png_file(4, 3, 8, 2, row * 3, text), "ok"
    yield "bombs/profile.png", png_file(4, 3, 8, 2, row * 3, profile), "ok"
    yield "bombs/header.png", png_file(100_000, 100_000, 8, 2, row), "too_large"
    yield "bombs/wide.png", png_file(2_000_000_000, 1, 1, 0, row), "too_large"
    yield "bombs/icon.ico", _icon(png_file(60_000, 60_000, 8, 6, row)), "too_large"
    jpeg = bytearray(encode(photo(), "JPEG", progressive=True))
    at = jpeg.index(b"\xff\xc2")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 65_500, 65_500)
    yield "bombs/progressive.jpg", bytes(jpeg), "too_large"
    gif = bytearray(encode(photo(), "GIF"))
    gif[6:10] = b"\xff" * 4
    yield "bombs/screen.gif", bytes(gif), "too_large"
    bmp = bytearray(encode(photo(), "BMP"))
    bmp[18:26] = struct.pack("<ii", 50_000, 50_000)
    yield "bombs/header.bmp", bytes(bmp), "too_large"
    yield "bombs/header.ppm", b"P6 99999 99999 255\n" + bytes(99), "too_large"
    yield "bombs/header.qoi", b"qoif" + struct.pack(">IIBB", 1 << 30, 1 << 30, 3, 0), "too_large"
    yield "bombs/canvas.webp", _canvas_webp(16_383), "any"


def _icon(png: bytes) -> bytes:
    entry = struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(png), 22)
    return b"\0\0\x01\0\x01\0" + entry + png


def _canvas_webp(side: int) -> bytes:
    small = encode(photo(), "WEBP")[12:]
    canvas = (side - 1).to_bytes(3, "little") * 2
    chunks = b"WEBPVP8X\x0a\0\0\0\0\0\0\0" + canvas + small
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def cut_files() -> Iterator[File]:
    for suffix, contents in encoded_pictures().items():
        for share in (0.1, 0.5, 0.95):
            end = int(len(contents) * share)
            yield f"cut/{share:.0%}.{suffix}", contents[:end], "truncated"
        yield f"cut/30_bytes.{suffix}", contents[:30], "truncated"
        yield f"cut/9_bytes.{suffix}", contents[:9], "any"


def patched_files() -> Iterator[File]:
    jpeg, png = encode(photo(), "JPEG"), encode(photo(), "PNG")
    yield "patched/no_end_mark.jpg", jpeg[:-2], "truncated"
    yield "patched/no_end_chunk.png", png[:-12], "ok"
    yield "patched/wrong_data_checksum.png", png[:-16] + bytes(4) + png[-12:], "any"
    damaged_text = b"\0\0\0\x04tEXtab\0cWRNG"
    yield "patched/wrong_text_checksum.png", png[:33] + damaged_text + png[33:], "ok"
    yield "patched/wrong_header_checksum.png", png[:29] + bytes(4) + png[33:], "corrupt"
    noise = bytes(random.Random(2).randbytes(1500))
    yield "patched/noise_in_middle.jpg", jpeg[:700] + noise + jpeg[-2:], "any"
    yield "patched/zeros_in_middle.png", png[:60] + bytes(len(png) - 72) + png[-12:], "corrupt"
    yield "patched/zeros_at_end.jpg", jpeg[:900] + bytes(len(jpeg) - 900), "truncated"


def _write(path: Path, contents: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(contents)


def _write_special(folder: Path) -> dict[str, str]:
    """Links, a pipe, and folders that lead to themselves (which are no files, and not counted)."""
    special = folder / "special"
    special.mkdir(parents=True)
    os.mkfifo(special / "pipe.jpg")
    links = {
        "to_nothing.jpg": ("gone.jpg", "unreadable"),
        "to_itself.jpg": ("to_itself.jpg", "unreadable"),
        "to_and_fro_1.jpg": ("to_and_fro_2.jpg", "unreadable"),
        "to_and_fro_2.jpg": ("to_and_fro_1.jpg", "unreadable"),
        "to_pipe.jpg": ("pipe.jpg", "unreadable"),
        "to_device.jpg": ("/dev/zero", "unreadable"),
        "to_picture.jpg": ("../formats/whole.jpg", "ok"),
    }
    for name, (target, _) in links.items():
        (special / name).symlink_to(target)
    (special / "to_parent").symlink_to("..")
    (special / "to_formats").symlink_to("../formats")
    expected = {f"special/{name}": status for name, (_, status) in links.items()}
    return {**expected, "special/pipe.jpg": "unreadable"}
