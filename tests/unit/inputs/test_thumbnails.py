from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from picture_files import photo
from sightglass.inputs.thumbnails import make_thumbnail


def decode(thumbnail: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(thumbnail))
    image.load()
    return image


@given(width=st.integers(1, 900), height=st.integers(1, 900), side=st.integers(1, 200))
def test_the_longer_side_is_bounded_the_aspect_kept_and_nothing_enlarged(
    width: int, height: int, side: int
) -> None:
    small = decode(make_thumbnail(Image.new("RGB", (width, height)), side=side))
    assert max(small.size) == min(side, max(width, height))
    exact = min(1, side / max(width, height))
    assert small.width == pytest.approx(width * exact, abs=1)
    assert small.height == pytest.approx(height * exact, abs=1)


@pytest.mark.parametrize(("size", "small"), [((1, 5000), (1, 160)), ((5000, 1), (160, 1))])
def test_a_line_stays_a_line(size: tuple[int, int], small: tuple[int, int]) -> None:
    assert decode(make_thumbnail(Image.new("RGB", size))).size == small


def test_a_photo_takes_a_few_kilobytes_and_looks_like_itself() -> None:
    image = Image.fromarray(data.chelsea())
    thumbnail = make_thumbnail(image)
    assert 1_000 < len(thumbnail) < 8_000
    plain = np.asarray(image.resize((160, 106), Image.Resampling.BICUBIC)).astype(int)
    # 8 of 255: what quality 70 with halved colour costs; a shifted or wrong picture costs 20 up.
    assert np.abs(np.asarray(decode(thumbnail)).astype(int) - plain).mean() < 8


def test_a_thumbnail_is_a_baseline_rgb_jpeg_without_metadata() -> None:
    image = photo()
    image.info = {"icc_profile": b"p" * 99, "comment": b"where I live", "dpi": (300, 300)}
    small = decode(make_thumbnail(image))
    assert small.format == "JPEG"
    assert small.mode == "RGB"
    assert not {"icc_profile", "comment", "exif", "dpi", "progressive"} & set(small.info)


def test_the_picture_is_not_changed() -> None:
    image = photo()
    image.info = {"comment": b"kept"}
    before = image.tobytes()
    make_thumbnail(image)
    assert image.tobytes() == before
    assert image.info == {"comment": b"kept"}


def test_equal_pictures_give_equal_bytes() -> None:
    assert make_thumbnail(photo(300, 200)) == make_thumbnail(photo(300, 200))
