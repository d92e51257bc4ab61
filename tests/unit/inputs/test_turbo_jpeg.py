from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sightglass.errors import PictureError
from sightglass.inputs import turbo_jpeg
from sightglass.inputs.images import OpenedPicture, open_picture


def jpeg(width: int, height: int, *, mode: str = "RGB", seed: int = 0, **how: Any) -> bytes:
    """Smooth shapes with some noise, so that every coefficient has something to say."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (max(1, height // 8), max(1, width // 8), 3), np.uint8)
    picture = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    grain = rng.integers(-8, 9, (height, width, 3))
    picture = Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8))
    buffer = io.BytesIO()
    picture.convert(mode).save(buffer, "JPEG", **how)
    return buffer.getvalue()


def by_pillow(data: bytes, short_side: int | None) -> OpenedPicture:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turbo_jpeg, "_decoder", lambda: None)
        return open_picture(data, short_side=short_side)


def same(data: bytes, short_side: int | None = None) -> bool:
    ours, pillows = open_picture(data, short_side=short_side), by_pillow(data, short_side)
    assert (ours.width, ours.height) == (pillows.width, pillows.height)
    assert (ours.image.mode, ours.image.info) == ("RGB", {})
    return np.array_equal(np.asarray(ours.image), np.asarray(pillows.image))


def used(data: bytes) -> bool:
    with Image.open(io.BytesIO(data)) as image:
        return turbo_jpeg.decode_jpeg(data, image) is not None


@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    quality=st.integers(1, 100),
    subsampling=st.sampled_from(["4:4:4", "4:2:2", "4:2:0"]),
    progressive=st.booleans(),
    short_side=st.none() | st.integers(1, 20),
)
def test_pixels_are_pillows_to_the_bit(
    *,
    width: int,
    height: int,
    quality: int,
    subsampling: str,
    progressive: bool,
    short_side: int | None,
) -> None:
    data = jpeg(width, height, quality=quality, subsampling=subsampling, progressive=progressive)
    assert used(data)
    assert same(data, short_side)


@pytest.mark.parametrize("short_side", [None, 200, 100, 50, 25])
def test_each_reduction_is_the_one_that_pillow_takes(short_side: int | None) -> None:
    assert same(jpeg(1003, 801), short_side)
    assert same(jpeg(801, 1003), short_side)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_turned(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = jpeg(40, 24, exif=exif)
    assert used(data)
    assert same(data)
    assert open_picture(data).image.size == ((40, 24) if orientation < 5 else (24, 40))


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_what_is_not_plain_colour_is_left_to_pillow(mode: str) -> None:
    data = jpeg(30, 20, mode=mode)
    assert not used(data)
    assert same(data)


@pytest.mark.parametrize("end", [0.3, 0.6, 0.95])
def test_a_picture_that_stops_early_gets_pillows_verdict(end: float) -> None:
    data = jpeg(200, 150)
    cut = data[: int(end * len(data))]
    verdicts = []
    for read in (open_picture, lambda data: by_pillow(data, None)):
        with pytest.raises(PictureError) as caught:
            read(cut)
        verdicts.append((caught.value.status, caught.value.detail))
    assert verdicts[0] == verdicts[1]
    assert verdicts[0][0] == "truncated"


def test_a_remarkable_file_that_pillow_reads_is_read_as_pillow_reads_it() -> None:
    data = jpeg(64, 48)
    scan = data.index(b"\xff\xda")
    noisy = data[:scan] + b"\x00\x01\x02" + data[scan:]  # stray bytes between two segments
    assert not used(noisy)
    assert same(noisy)


def test_without_the_extra_pillow_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "simplejpeg", None)
    turbo_jpeg._decoder.cache_clear()
    try:
        assert not used(jpeg(30, 20))
    finally:
        turbo_jpeg._decoder.cache_clear()
