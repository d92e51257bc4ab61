from __future__ import annotations

import random
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from picture_files import encode, encoded_pictures, flip_bits, photo, with_jpeg_segment
from sightglass.errors import PictureError
from sightglass.inputs import images
from sightglass.inputs.hazards import jpeg_is_kept_whole
from sightglass.inputs.images import OpenedPicture, open_picture
from sightglass.inputs.outcome import STATUSES
from sightglass.inputs.signatures import picture_kind
from sightglass.inputs.truncation import ends_early, jpeg_segments

WHOLE = encoded_pictures()


def refused(data: bytes, status: str, detail: str, **options: Any) -> None:
    with pytest.raises(PictureError, match=f"^{status}: {detail}$"):
        open_picture(data, **options)


def test_an_empty_file_is_corrupt() -> None:
    refused(b"", "corrupt", r"empty file \(0 bytes\)")


@given(suffix=st.sampled_from(sorted(WHOLE)), share=st.floats(0, 0.95))
def test_a_file_that_was_cut_is_truncated(suffix: str, share: float) -> None:
    data = WHOLE[suffix]
    cut = 30 + int((len(data) - 30) * share)
    refused(data[:cut], "truncated", f"begins as .*, but its data stop early, at byte {cut:,}")


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "jpeg", "packbits"])
def test_a_compressed_tiff_that_was_cut_is_truncated(compression: str) -> None:
    data = encode(photo(), "TIFF", compression=compression)
    for cut in (10, len(data) // 2, len(data) - 10):
        refused(data[:cut], "truncated", "begins as TIFF.*")


@pytest.mark.parametrize("data", [b"\xff\xd8", b"\x89PNG\r", b"GIF8", b"BM\x1a\0\0", b"qoi"])
def test_a_file_cut_within_its_signature_is_truncated(data: bytes) -> None:
    refused(data, "truncated", f"only the first {len(data)} bytes of a picture")


def test_wrong_data_in_a_whole_file_are_corrupt() -> None:
    png = WHOLE["png"]
    checksum = "the checksum of this PNG's pixels is wrong"
    refused(png[:60] + bytes(len(png) - 72) + png[-12:], "corrupt", checksum)
    refused(png[:29] + bytes(4) + png[33:], "corrupt", "begins as PNG, but: the header makes.*")
    jpeg = WHOLE["jpg"]
    noise = random.Random(0).randbytes(1500)
    refused(jpeg[:700] + noise + jpeg[-2:], "corrupt", "begins as JPEG, but: broken.*")


def test_a_picture_that_lacks_only_its_last_mark_is_opened_where_nothing_is_missing() -> None:
    assert np.array_equal(open_picture(WHOLE["png"][:-12]).image, photo())
    assert open_picture(WHOLE["gif"][:-1]).width == 64


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%PDF-1.7\n", "a PDF document"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a PostScript document"),
        (b"PK\x03\x04" + bytes(30), "a ZIP archive or office document"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isom", "an MP4 video"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "a QuickTime movie"),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01crx ", "a camera's raw file"),
        (b"II*\0\x10\0\0\0CR\x02\0" + bytes(60), "a camera's raw file"),
        (b"\n<html><body>404</body></html>", "an HTML page"),
        (b"<?xml version='1.0'?>\n<!-- x -->\n<svg/>", "an SVG drawing"),
        (b"<?xml version='1.0'?>\n<note/>", "text"),
        ("Grüße\nan alle".encode(), "text"),
        (b"BMW and other cars, a list of them", "text"),
        (("é" * 4000).encode()[1:], "unknown data"),
        (b"x" + ("é" * 4000).encode(), "text"),
        (bytes(100), "nothing but zero bytes"),
        (bytes(range(128, 256)), "unknown data"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer instead of .*"),
        (b"\0\x05\x16\x07" + bytes(40), "a macOS resource file beside the picture"),
    ],
)
def test_what_is_no_picture_is_unsupported_and_says_what_it_looks_like(
    data: bytes, words: str
) -> None:
    refused(data, "unsupported", f"not a picture that can be read: {words}")


def test_a_kind_of_tiff_that_pillow_cannot_read_is_unsupported() -> None:
    tiff = bytearray(WHOLE["tiff"])
    at = tiff.index(struct.pack("<HHI", 262, 3, 1))
    tiff[at + 8 : at + 10] = struct.pack("<H", 32_844)  # logarithmic luminance
    refused(bytes(tiff), "unsupported", "a kind of TIFF that cannot be read")


def test_a_packing_that_pillow_does_not_know_is_unsupported() -> None:
    bitmap = bytearray(WHOLE["bmp"])
    bitmap[30:34] = struct.pack("<I", 9)
    refused(bytes(bitmap), "unsupported", "a kind of BMP that cannot be read: Unsupported BMP.*")


def test_a_picture_for_which_there_is_no_memory_is_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(images, "_opened", exhausted)
    refused(WHOLE["png"], "too_large", "does not fit into memory")


def test_comments_nested_in_text_do_not_take_for_ever() -> None:
    refused(b"<!---->" * 2000, "unsupported", "not a picture that can be read: text")


@pytest.mark.parametrize("suffix", sorted({*WHOLE} - {"ppm"}))
def test_the_structure_alone_says_where_a_file_should_end(suffix: str) -> None:
    data = WHOLE[suffix]
    kind = picture_kind(data)
    assert kind is not None
    assert not ends_early(kind, data)
    assert all(ends_early(kind, data[: len(data) * share // 100]) for share in range(5, 96, 10))


def test_the_structure_of_rarer_forms_is_followed_too() -> None:
    image = photo()
    forms = [
        ("GIF", encode(image, "GIF", comment=b"c" * 400)),
        ("GIF", encode(image, "GIF", save_all=True, append_images=[photo(seed=1)])),
        ("BMP", encode(image.convert("1"), "BMP")),
        ("TIFF", encode(photo(300, 300), "TIFF", compression="tiff_lzw")),
        ("QOI", encode(image, "QOI")),
        ("ICO", encode(image, "ICO")),
        ("JPEG2000", encode(image, "JPEG2000", no_jp2=True)),
    ]
    for kind, data in forms:
        assert picture_kind(data) == kind
        assert not ends_early(kind, data), kind
        assert ends_early(kind, data[: len(data) // 2]), kind
        assert ends_early(kind, data[:40]), kind


def test_a_bitmap_of_the_oldest_kind_is_measured_by_its_short_header() -> None:
    # 2 x 2 pixels of 24 bits: two rows of 6 bytes, each padded to 8, behind 26 bytes of headers.
    bitmap = b"BM" + struct.pack("<IHHIIHHHH", 42, 0, 0, 26, 12, 2, 2, 1, 24) + bytes(16)
    assert open_picture(bitmap).image.size == (2, 2)
    assert not ends_early("BMP", bitmap)
    assert ends_early("BMP", bitmap[:-1])


def test_a_packed_bitmap_is_measured_by_the_length_that_it_states() -> None:
    # 2 x 1 pixels of 8 bits with run lengths: one run of two, then the end.
    header = struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 8, 1, 4, 0, 0, 2, 0)
    contents = header + b"\0\0\0\0\x0a\x14\x1e\0" + b"\2\1\0\1"
    bitmap = b"BM" + struct.pack("<IHHI", 14 + len(contents), 0, 0, 62) + contents
    assert open_picture(bitmap).image.getpixel((1, 0)) == (30, 20, 10)
    assert not ends_early("BMP", bitmap)
    assert ends_early("BMP", bitmap[:-2])


def test_a_jpeg_is_followed_over_padding_and_stray_bytes() -> None:
    jpeg = WHOLE["jpg"]
    padded = jpeg[:2] + b"\xff\xff\xff" + jpeg[2:20] + b"str\xff\0" + jpeg[20:]
    expected = [(marker, at + (3 if at < 20 else 8)) for marker, at in jpeg_segments(jpeg)]
    assert list(jpeg_segments(padded)) == expected
    assert open_picture(padded).image.tobytes() == open_picture(jpeg).image.tobytes()


def test_an_end_mark_within_a_preview_does_not_count() -> None:
    jpeg = with_jpeg_segment(WHOLE["jpg"], 0xE1, b"preview" + WHOLE["jpg"])
    assert not ends_early("JPEG", jpeg)
    assert ends_early("JPEG", jpeg[:-2])
    assert ends_early("JPEG", jpeg[: len(WHOLE["jpg"])])


def test_a_jpeg_without_any_scan_ends_early_and_is_not_kept_whole() -> None:
    start = WHOLE["jpg"][: WHOLE["jpg"].index(b"\xff\xda")]
    assert ends_early("JPEG", start)
    assert not jpeg_is_kept_whole(start)


def test_a_box_may_state_its_length_in_eight_bytes() -> None:
    box = b"\0\0\0\x01free" + struct.pack(">Q", 20)
    assert not ends_early("AVIF", WHOLE["avif"] + box + bytes(4))
    assert ends_early("AVIF", WHOLE["avif"] + box + bytes(3))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("PNG", WHOLE["png"][:33] + b"\0\0\0\x04\0\1\2\3" + WHOLE["png"][33:]),
        ("GIF", WHOLE["gif"][:-1] + b"?"),
        ("AVIF", WHOLE["avif"] + b"\0\0\0\x02free"),
    ],
)
def test_nonsense_between_the_parts_is_not_taken_for_an_early_end(kind: str, data: bytes) -> None:
    assert not ends_early(kind, data)


@given(
    start=st.sampled_from([data[:24] for data in WHOLE.values()] + [b""]),
    rest=st.binary(max_size=300),
)
def test_any_bytes_give_a_picture_or_a_picture_error(start: bytes, rest: bytes) -> None:
    try:
        open_picture(start + rest, short_side=32)
    except PictureError as error:
        detail = error.detail
        assert detail.isprintable() and 0 < len(detail) <= 200  # noqa: PT018


@given(suffix=st.sampled_from(sorted(WHOLE)), seed=st.integers(0, 10**9))
def test_flipped_bits_give_a_picture_or_a_picture_error(suffix: str, seed: int) -> None:
    try:
        outcome = open_picture(flip_bits(WHOLE[suffix], random.Random(seed)), short_side=32)
    except PictureError as error:
        outcome = error.status
    assert isinstance(outcome, OpenedPicture) or outcome in STATUSES
