from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from PIL import Image, ImageCms, ImageOps

from picture_files import encode, exif_orientation, photo, png_chunk, png_file, with_jpeg_segment
from sightglass.inputs.images import open_picture
from sightglass.inputs.pixels import flatten_to_rgb


def opened(data: bytes) -> Image.Image:
    return open_picture(data).image


def pixels(image: Image.Image) -> list[tuple[int, ...]]:
    return [tuple(pixel) for pixel in np.asarray(image).reshape(-1, 3).tolist()]


@pytest.mark.parametrize("value", range(10))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "JPEG"])
def test_each_orientation_is_turned_as_pillow_itself_turns_it(kind: str, value: int) -> None:
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    exif = Image.Exif()
    exif[0x0112] = value
    data = encode(photo(40, 24), kind, exif=exif, **options)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    picture = open_picture(data)
    assert (picture.width, picture.height) == expected.size
    assert np.array_equal(picture.image, expected)


def test_a_corner_ends_where_the_standard_says() -> None:
    # Orientation 6: the stored picture's first row is the right-hand side of the real one.
    image = Image.new("RGB", (3, 2), "black")
    image.putpixel((0, 0), (255, 0, 0))
    turned = opened(encode(image, "PNG", exif=exif_orientation(6)))
    assert turned.size == (2, 3)
    assert turned.getpixel((1, 0)) == (255, 0, 0)


@pytest.mark.parametrize(
    "block",
    [b"Exif\0\0", b"Exif\0\0" + bytes(range(200)), exif_orientation(6)[:-12], b"II*\0\xff\xff"],
)
def test_a_broken_exif_block_leaves_the_picture_as_it_is(block: bytes) -> None:
    plain = encode(photo(), "JPEG")
    picture = opened(with_jpeg_segment(plain, 0xE1, block))
    assert picture.tobytes() == opened(plain).tobytes()


def test_transparency_shows_white() -> None:
    image = Image.new("RGBA", (3, 1))
    image.putdata([(10, 20, 30, 255), (10, 20, 30, 0), (0, 100, 255, 51)])
    # 51 of 255 is a fifth: a fifth of the colour and four fifths of white.
    expected = [(10, 20, 30), (255, 255, 255), (204, 224, 255)]
    assert pixels(opened(encode(image, "PNG"))) == expected
    assert pixels(opened(encode(image, "WEBP", lossless=True, exact=True))) == expected
    assert pixels(flatten_to_rgb(image)) == expected


def test_transparency_of_grey_and_of_palettes_shows_white() -> None:
    grey = Image.new("LA", (2, 1))
    grey.putdata([(40, 255), (40, 0)])
    assert pixels(opened(encode(grey, "PNG"))) == [(40, 40, 40), (255, 255, 255)]
    palette = Image.new("P", (3, 1))
    palette.putpalette([9, 9, 9, 100, 50, 0, 0, 0, 255])
    palette.putdata([0, 1, 2])
    see_through = encode(palette, "PNG", transparency=bytes([255, 0, 51]))
    assert pixels(opened(see_through)) == [(9, 9, 9), (255, 255, 255), (204, 204, 255)]
    gif = encode(palette, "GIF", transparency=1)
    assert pixels(opened(gif)) == [(9, 9, 9), (255, 255, 255), (0, 0, 255)]


def test_a_colour_that_stands_for_transparent_shows_white() -> None:
    image = Image.new("RGB", (2, 1))
    image.putdata([(1, 2, 3), (1, 2, 4)])
    data = encode(image, "PNG", transparency=(1, 2, 3))
    assert pixels(opened(data)) == [(255, 255, 255), (1, 2, 4)]


def test_grey_and_black_and_white_become_equal_channels() -> None:
    grey = Image.new("L", (3, 1))
    grey.putdata([0, 77, 255])
    for kind in ("PNG", "BMP", "TIFF"):
        assert pixels(opened(encode(grey, kind))) == [(0,) * 3, (77,) * 3, (255,) * 3]
    two = grey.convert("1", dither=Image.Dither.NONE)
    assert pixels(opened(encode(two, "PNG"))) == [(0,) * 3, (0,) * 3, (255,) * 3]


@pytest.mark.parametrize("order", ["<", ">"])
def test_grey_of_16_bits_keeps_its_high_byte(order: str) -> None:
    values = np.array([[0, 255, 256, 0x1234, 65535]])
    expected = [(byte,) * 3 for byte in (0, 0, 1, 0x12, 255)]
    rows = b"\0" + values.astype(">u2").tobytes()
    assert pixels(opened(png_file(5, 1, 16, 0, rows))) == expected
    mode = "I;16" if order == "<" else "I;16B"
    image = Image.frombytes(mode, (5, 1), values.astype(f"{order}u2").tobytes())
    assert pixels(opened(encode(image, "TIFF"))) == expected


def test_colour_of_16_bits_keeps_its_high_bytes() -> None:
    rows = b"\0" + np.array([0x00FF, 0x1234, 0xFFFF, 256, 512, 768], dtype=">u2").tobytes()
    assert pixels(opened(png_file(2, 1, 16, 2, rows))) == [(0, 0x12, 255), (1, 2, 3)]


@pytest.mark.parametrize(
    ("mode", "values", "expected"),
    [
        ("I", [0, 300, 65535], [0, 1, 255]),
        ("I", [-100, 0, 100], [0, 128, 255]),
        ("I", [0, 65536, 131072], [0, 128, 255]),
        ("F", [0.0, 0.2, 1.0], [0, 51, 255]),
        ("F", [0.0, 1.6, 255.0], [0, 2, 255]),
        ("F", [-1.0, 0.0, 1.0], [0, 128, 255]),
        ("F", [1000.0, 1500.0, 3000.0], [0, 64, 255]),
        ("F", [0.0, float("nan"), 1.0], [0, 0, 255]),
        ("F", [float("inf"), 200.0, 300.0], [0, 0, 255]),
        ("F", [300.0, 300.0, 300.0], [0, 0, 0]),
    ],
)
def test_grey_of_32_bits_is_brought_to_bytes(
    mode: str, values: list[float], expected: list[int]
) -> None:
    image = Image.new(mode, (3, 1))
    image.putdata(values)
    assert pixels(opened(encode(image, "TIFF"))) == [(byte,) * 3 for byte in expected]


@given(
    values=st_numpy.arrays(
        st.sampled_from([np.float32, np.int32]),
        st_numpy.array_shapes(min_dims=2, max_dims=2, max_side=6),
    )
)
def test_any_numbers_at_all_become_a_picture(values: np.ndarray) -> None:
    image = flatten_to_rgb(Image.fromarray(values))
    assert image.mode == "RGB"
    assert image.size == values.shape[::-1]


def test_cmyk_is_converted_by_the_plain_formula() -> None:
    # (255 - ink) * (255 - black) / 255 for each channel.
    image = Image.new("CMYK", (3, 1))
    image.putdata([(0, 0, 0, 0), (255, 0, 51, 0), (0, 102, 255, 51)])
    expected = [(255, 255, 255), (0, 255, 204), (204, 122, 0)]
    assert np.allclose(pixels(opened(encode(image, "TIFF"))), expected, atol=1)


def test_the_inverted_inks_of_adobe_jpegs_are_turned_back() -> None:
    image = Image.new("CMYK", (16, 16), (0, 102, 255, 51))
    jpeg = encode(image, "JPEG", quality=100)
    assert b"Adobe" in jpeg
    # 2 of 255: rounding inside the codec.
    assert np.allclose(pixels(opened(jpeg)), (204, 122, 0), atol=2)


def test_ycck_jpegs_are_read_as_such() -> None:
    # Stored bytes are 255 - ink. Read as YCCK with neutral chroma (128), a stored luma s means
    # inks of 255 - s before Adobe's inversion, hence of s after it, hence a grey of 255 - s.
    image = Image.new("CMYK", (16, 16), (200, 127, 127, 0))
    jpeg = bytearray(encode(image, "JPEG", quality=100))
    transform = jpeg.index(b"Adobe") + 11
    jpeg[transform] = 2
    assert np.allclose(pixels(opened(bytes(jpeg))), (200, 200, 200), atol=3)


def test_lab_comes_back_as_the_colour_it_was_made_from() -> None:
    for colour in ((200, 80, 60), (60, 120, 60), (70, 90, 160), (128, 128, 128)):
        lab = Image.new("RGB", (2, 2), colour).convert("LAB")
        # 4 of 255: one step of 8-bit LAB moves a channel of such colours by up to 3.
        assert np.allclose(pixels(opened(encode(lab, "TIFF"))), colour, atol=4)


def test_a_colour_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    plain, profiled = encode(photo(), "PNG"), encode(photo(), "PNG", icc_profile=profile)
    assert b"iCCP" in profiled
    assert opened(profiled).tobytes() == opened(plain).tobytes()


def test_no_metadata_is_left() -> None:
    text = png_chunk(b"tEXt", b"Comment\0where I live")
    data = encode(photo(), "PNG", exif=exif_orientation(3), dpi=(72, 72))
    image = opened(data[:33] + text + data[33:])
    assert image.info == {}
    assert not image.getexif()


def test_a_picture_in_memory_is_flattened_without_being_changed() -> None:
    image = photo()
    image.info = {"comment": b"kept"}
    flat = flatten_to_rgb(image)
    assert flat is not image
    assert flat.tobytes() == image.tobytes()
    assert image.info == {"comment": b"kept"}
    assert flat.info == {}
