from __future__ import annotations

import re
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from picture_files import encode, photo
from sightglass.errors import PictureError
from sightglass.inputs.images import open_picture
from sightglass.inputs.jpeg_claims import check_jpeg_claims

BASELINE = encode(photo(), "JPEG")
# One more scan over the lowest bits that were sent already: nine bytes of head, one of data.
SCAN = bytes.fromhex("ffda0008010100013f0000")


def refused(data: bytes, status: str, detail: str) -> None:
    with pytest.raises(PictureError, match=f"^{status}: {re.escape(detail)}$"):
        open_picture(data, short_side=224)


def claiming(data: bytes, marker: bytes, width: int, height: int) -> bytes:
    at = data.index(marker)
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


@given(
    mode=st.sampled_from(["L", "RGB", "CMYK"]),
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    progressive=st.booleans(),
    subsampling=st.integers(0, 2),
)
def test_the_plainest_picture_of_any_size_keeps_its_claims(
    mode: str, size: tuple[int, int], progressive: bool, subsampling: int
) -> None:
    # Nothing takes fewer bits than one colour with codes made for it.
    image = Image.new(mode, size)
    options = {"progressive": progressive, "subsampling": subsampling, "optimize": True}
    check_jpeg_claims(encode(image, "JPEG", **options))


def test_a_baseline_file_too_short_for_two_bits_a_block_is_truncated() -> None:
    # 65,500 / 8 is 8,187.5: 8,188 squared blocks take 16.8 MB at two bits each.
    data = claiming(BASELINE, b"\xff\xc0", 65_500, 65_500)
    refused(data, "truncated", f"begins as JPEG, but its data stop early, at byte {len(data):,}")


@pytest.mark.parametrize(("spare", "whole"), [(0, True), (-1, False)])
def test_the_bound_is_two_bits_a_block_to_the_byte(spare: int, whole: bool) -> None:
    # 800 x 640 in grey are 100 x 80 blocks: 2,000 bytes, counted from the mark of the scan.
    grey = encode(Image.new("L", (800, 640)), "JPEG")
    scan = grey.index(b"\xff\xda")
    data = grey[: scan + 12] + b"\x55" * (2_000 - 12 - 2 + spare) + b"\xff\xd9"
    assert len(data) - scan == 2_000 + spare
    if whole:
        check_jpeg_claims(data)
    else:
        with pytest.raises(PictureError, match=r"^truncated"):
            check_jpeg_claims(data)


def test_a_jpeg_that_ends_in_zeros_without_its_end_mark_is_truncated() -> None:
    half = BASELINE[: len(BASELINE) // 2].rstrip(b"\0")
    data = half + bytes(len(BASELINE))
    refused(data, "truncated", f"only zeros follow the first {len(half):,} bytes of this JPEG")


def test_zeros_behind_the_end_mark_do_no_harm() -> None:
    assert open_picture(BASELINE + bytes(5_000)).width == 64


def test_a_scan_repeated_a_thousand_times_over_a_large_picture_is_corrupt() -> None:
    # 250 x 250 blocks may be gone over 60,000,000 / 62,500 = 960 times.
    data = encode(Image.new("L", (2_000, 2_000)), "JPEG", progressive=True)[:-2]
    own = data.count(b"\xff\xda")
    check_jpeg_claims(data + SCAN * (960 - own) + b"\xff\xd9")
    refused(data + SCAN * (961 - own) + b"\xff\xd9", "corrupt", "a JPEG of more than 960 scans")


def test_what_looks_like_scans_behind_the_end_mark_is_not_counted() -> None:
    data = encode(Image.new("L", (2_000, 2_000)), "JPEG", progressive=True)
    assert open_picture(data + SCAN * 2_000, short_side=224).width == 2_000


@pytest.mark.parametrize(
    "between", [b"\xff\xfe\0\x04\xff\xd9", b"\xff\x01\xff\xff", b"\xff\xd0\xff\xff"]
)
def test_nothing_between_scans_hides_those_behind_it(between: bytes) -> None:
    # A comment that holds an end mark; two marks without a length before bytes that look like one.
    data = encode(Image.new("L", (2_000, 2_000)), "JPEG", progressive=True)[:-2]
    refused(data + between + SCAN * 1_000, "corrupt", "a JPEG of more than 960 scans")
