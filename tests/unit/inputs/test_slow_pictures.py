"""Small files on which Pillow's decoders would spend minutes, or that would stop a whole run."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from picture_files import encode, photo
from sightglass.errors import PictureError
from sightglass.inputs.hazards import pixmap_without_comments
from sightglass.inputs.images import open_picture
from sightglass.inputs.signatures import looks_like
from sightglass.inputs.truncation import ends_early


def refused(data: bytes, status: str, detail: str) -> None:
    with pytest.raises(PictureError, match=f"^{status}: {re.escape(detail)}$"):
        open_picture(data)


def packed_header(width: int, height: int, *, bits: int = 8) -> bytes:
    return struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 8 // bits, 0, 0, 0, 256, 0)


def packed_bitmap(width: int, height: int, runs: bytes) -> bytes:
    palette = bytes(byte for grey in range(256) for byte in (grey, grey, grey, 0))
    start = 14 + 40 + len(palette)
    head = struct.pack("<2sIHHI", b"BM", start + len(runs), 0, 0, start)
    return head + packed_header(width, height) + palette + runs + b"\0\1"


def test_a_small_bitmap_packed_as_runs_opens() -> None:
    # Three of grey 9, end of line, then one of 5 and two of 7; bitmaps begin at the bottom.
    opened = open_picture(packed_bitmap(3, 2, b"\3\x09\0\0\1\5\2\7\0\0"))
    assert np.asarray(opened.image)[:, :, 0].tolist() == [[5, 7, 7], [9, 9, 9]]


def test_a_large_bitmap_packed_as_runs_is_too_large() -> None:
    detail = "12000 x 12000 pixels; the limit of bitmaps packed as runs is 16,777,216"
    for height in (12_000, -12_000):
        refused(packed_bitmap(12_000, height, b"\1\1\0\0" * 12_000), "too_large", detail)


def test_a_large_packed_bitmap_inside_an_icon_is_too_large() -> None:
    inside = packed_header(5_000, 10_000) + bytes(1024) + b"\1\1\0\0" * 5_000
    entry = struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 8, len(inside), 22)
    detail = "5000 x 10000 pixels; the limit of bitmaps packed as runs is 16,777,216"
    refused(b"\0\0\1\0\1\0" + entry + inside, "too_large", detail)


@given(
    pieces=st.lists(
        st.sampled_from([b"1 ", b"23 ", b"\n", b" 4 ", b"#\n", b"# 9 9\n", b"#x\r", b"##\n"]),
        max_size=30,
    )
)
def test_a_pixmap_of_words_is_the_same_without_its_comments(pieces: list[bytes]) -> None:
    body = b"".join(pieces) + b" 7 8 9 10 11 12 13 14 15"
    plain = re.sub(rb"#[^\n\r]*[\n\r]", b"", body)
    numbers = [int(word) for word in plain.split()][:9]
    data = b"P2 # head\n3 3 # size\n255\n" + body
    opened = np.asarray(open_picture(data).image)[:, :, 0]
    assert opened.ravel().tolist() == numbers
    assert b"#" not in pixmap_without_comments(data)


def test_bytes_that_look_like_comments_stay_in_a_pixmap_of_bytes() -> None:
    pixels = b"#\n#\n" * 3
    opened = open_picture(b"P6 2 2 255\n" + pixels)
    assert np.asarray(opened.image).tobytes() == pixels


def test_a_directory_behind_any_possible_end_is_truncated() -> None:
    data = b"II+\0\x08\0\0\0" + struct.pack("<Q", (1 << 64) - 1) + bytes(100)
    refused(data, "truncated", f"begins as TIFF, but its data stop early, at byte {len(data)}")


def test_of_a_tag_that_comes_several_times_the_last_counts() -> None:
    tags = [(273, 4, 1, 50), (279, 4, 1, 10), (273, 4, 1, 5_000), (273, 4, 1, 60)]
    whole = struct.pack("<4sIH", b"II*\0", 8, len(tags))
    whole += b"".join(struct.pack("<HHII", *tag) for tag in tags)
    assert not ends_early("TIFF", whole + bytes(100))
    assert ends_early("TIFF", whole[:-12] + bytes(100))  # a later directory at 0, strips at 5,000


def test_a_single_odd_byte_is_not_called_text() -> None:
    assert looks_like(b"\xff") == "unknown data"
    assert looks_like(b"abc\xe2\x82") == "unknown data"
    assert looks_like(b"a") == "text"


def test_a_long_text_cut_within_a_character_by_the_look_at_its_head_is_text() -> None:
    assert looks_like("€".encode() * 3_000) == "text"


def test_a_palette_picture_without_palette_says_what_is_wrong() -> None:
    png = encode(photo().quantize(8), "PNG")
    at = png.index(b"PLTE") - 4
    (size,) = struct.unpack_from(">I", png, at)
    data = png[:at] + png[at + 12 + size :]
    refused(data, "corrupt", "begins as PNG, but: its parts do not fit together")


def test_libtiff_does_not_write_to_the_terminal(tmp_path: Path) -> None:
    data = bytearray(encode(photo(), "TIFF", compression="tiff_adobe_deflate"))
    at = data.index(zlib.compress(b"")[:1])
    data[at + 40 : at + 60] = bytes(20)
    (tmp_path / "damaged.tif").write_bytes(data)
    head = f"import pathlib; data = pathlib.Path({str(tmp_path / 'damaged.tif')!r}).read_bytes()\n"
    alone = "import io; from PIL import Image; Image.open(io.BytesIO(data)).load()"
    ours = "from sightglass.inputs.images import open_picture; open_picture(data)"
    said = [
        subprocess.run(
            [sys.executable, "-c", f"{head}try:\n    {code}\nexcept Exception:\n    pass"],
            capture_output=True,
            text=True,
            check=True,
        ).stderr
        for code in (alone, ours)
    ]
    assert said[0]
    assert not said[1]
