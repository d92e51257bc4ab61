from __future__ import annotations

import io
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage import data as sample_pictures

from corpus import bombs
from picture_files import encode, encoded_pictures, exif_orientation, photo, with_jpeg_segment
from sightglass.errors import PictureError
from sightglass.inputs import images
from sightglass.inputs.hazards import jpeg_is_kept_whole
from sightglass.inputs.images import DRAFT_MARGIN, open_picture

WHOLE = encoded_pictures()
# Mean difference of 255 that a lossy codec may cost: half of the noise in the test picture, whose
# colour the codecs halve. Turned or mirrored it would differ by more than 40.
LOSS = 12
LOSSY = ("jpg", "progressive.jpg", "webp", "avif", "gif")


def refused(data: bytes, status: str, detail: str, **options: Any) -> None:
    with pytest.raises(PictureError, match=f"^{status}: {detail}$"):
        open_picture(data, **options)


def distance(first: Any, second: Any) -> float:
    return float(np.abs(np.asarray(first, dtype=int) - np.asarray(second, dtype=int)).mean())


@pytest.mark.parametrize("suffix", sorted(WHOLE))
def test_every_common_format_opens_as_the_picture_it_was_made_from(suffix: str) -> None:
    opened = open_picture(WHOLE[suffix])
    assert (opened.width, opened.height) == opened.image.size == (64, 48)
    assert opened.image.mode == "RGB"
    assert type(opened.image) is Image.Image
    assert distance(opened.image, photo()) <= (LOSS if suffix in LOSSY else 0)


@pytest.mark.parametrize("kind", ["TGA", "QOI", "DDS", "PCX", "SGI", "ICO"])
def test_rarer_formats_open_without_loss(kind: str) -> None:
    image = photo(48, 48)
    assert distance(open_picture(encode(image, kind)).image, image) == 0


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF", "TIFF", "MPO"])
def test_the_first_of_several_pictures_is_opened(kind: str) -> None:
    colours = ((200, 0, 0), (0, 200, 0), (0, 0, 200))
    first, *rest = (Image.new("RGB", (32, 32), colour) for colour in colours)
    data = encode(first, kind, save_all=True, append_images=rest)
    assert Image.open(io.BytesIO(data)).n_frames == 3
    # 4 of 255: what a lossy codec makes of a plain red.
    assert np.allclose(open_picture(data).image, colours[0], atol=4)


def test_heic_opens_where_the_extra_is_installed() -> None:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(photo()).save(buffer, quality=90)
    assert distance(open_picture(buffer.getvalue()).image, photo()) < LOSS


def test_heic_names_the_extra_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    images._heif_is_readable.cache_clear()
    head = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(50)
    refused(head, "unsupported", r".*pip install 'sightglass\[heif\]'")
    images._heif_is_readable.cache_clear()


@pytest.mark.parametrize("short_side", [64, 224, 300])
def test_reduced_decoding_gives_the_pixels_of_whole_decoding(short_side: int) -> None:
    image = Image.fromarray(sample_pictures.astronaut()).resize((2048, 1536))
    data = encode(image, "JPEG", quality=90)
    reduced = open_picture(data, short_side=short_side)
    assert reduced.image.width < 2048
    assert (reduced.width, reduced.height) == (2048, 1536)
    size = (short_side * 4 // 3, short_side)
    shrunk = reduced.image.resize(size, Image.Resampling.BICUBIC)
    # Half a step of 255: the codec averages blocks, and bicubic then shrinks twice or more.
    assert distance(shrunk, open_picture(data).image.resize(size, Image.Resampling.BICUBIC)) < 0.5


@given(width=st.integers(1, 700), height=st.integers(1, 700), short_side=st.integers(1, 120))
def test_reduced_decoding_never_goes_below_the_margin(
    width: int, height: int, short_side: int
) -> None:
    data = encode(Image.new("RGB", (width, height)), "JPEG")
    opened = open_picture(data, short_side=short_side)
    assert min(opened.image.size) >= min(DRAFT_MARGIN * short_side, width, height)
    assert (opened.width, opened.height) == (width, height)


def test_a_turned_picture_is_reduced_by_its_own_short_side() -> None:
    jpeg = with_jpeg_segment(encode(photo(160, 80), "JPEG"), 0xE1, exif_orientation(6))
    opened = open_picture(jpeg, short_side=20)
    assert opened.image.size == (40, 80)
    assert (opened.width, opened.height) == (80, 160)


def test_the_limit_counts_the_pixels_that_are_decoded() -> None:
    jpeg = encode(photo(300, 200), "JPEG")
    message = "300 x 200 pixels; the limit is 59,999"
    for data in (jpeg, encode(photo(300, 200), "PNG")):
        refused(data, "too_large", message, max_pixels=59_999)
        assert open_picture(data, max_pixels=60_000).width == 300
    # At an eighth of its size the JPEG has 38 x 25 pixels; a progressive one is held whole.
    assert open_picture(jpeg, short_side=10, max_pixels=950).image.size == (38, 25)
    progressive = encode(photo(300, 200), "JPEG", progressive=True)
    refused(progressive, "too_large", message, short_side=10, max_pixels=59_999)


def test_a_jpeg_with_one_scan_per_component_is_held_whole() -> None:
    frame = b"\xff\xc0\0\x11\x08" + struct.pack(">HHB", 9, 9, 3) + bytes(9)
    one_component, all_components = b"\xff\xda\0\x08\x01", b"\xff\xda\0\x0c\x03"
    assert jpeg_is_kept_whole(b"\xff\xd8" + frame + one_component + bytes(20))
    assert not jpeg_is_kept_whole(b"\xff\xd8" + frame + all_components + bytes(20))


@pytest.mark.parametrize("limit_of_pillow", [Image.MAX_IMAGE_PIXELS, None])
def test_bombs_are_refused_with_and_without_the_limit_of_pillow(
    monkeypatch: pytest.MonkeyPatch, limit_of_pillow: int | None
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit_of_pillow)
    for name, data, status in bombs():
        if status == "too_large":
            with pytest.raises(PictureError, match=r"^too_large: .*pixels.*limit"):
                open_picture(data, short_side=224)
        elif status == "ok":
            assert open_picture(data).image.size == (4, 3), name


def test_threads_open_the_same_pictures_as_one_after_another() -> None:
    files = [*WHOLE.values()] * 10
    alone = [open_picture(data, short_side=12).image.tobytes() for data in files]
    with ThreadPoolExecutor(8) as pool:
        together = list(
            pool.map(lambda data: open_picture(data, short_side=12).image.tobytes(), files)
        )
    assert together == alone


def test_a_jpeg_beyond_pillows_limit_is_read_where_its_reduced_form_is_small(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (800, 600), "red").save(buffer, "JPEG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    opened = open_picture(buffer.getvalue(), short_side=30, max_pixels=8000)
    assert opened.image.size == (100, 75)
    assert (opened.width, opened.height) == (800, 600)
    with pytest.raises(PictureError, match="too_large"):
        open_picture(buffer.getvalue(), max_pixels=8000)
