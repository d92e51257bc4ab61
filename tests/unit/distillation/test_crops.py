from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sightglass.distillation.crops import crop_box, random_crop
from sightglass.errors import InputError, UnknownNameError


class Scripted:
    """A generator whose draws are those that it is told, each checked to be in its range."""

    def __init__(self, draws: Sequence[float]) -> None:
        self.draws: Iterator[float] = iter(draws)

    def uniform(self, low: float, high: float) -> float:
        drawn = next(self.draws)
        assert low <= drawn <= high
        return drawn

    def integers(self, high: int) -> int:
        drawn = next(self.draws)
        assert 0 <= drawn < high
        return int(drawn)

    def random(self) -> float:
        return next(self.draws)


def ramp(width: int, height: int) -> Image.Image:
    """Red is the column, green the row, blue 0."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.arange(width)
    pixels[..., 1] = np.arange(height)[:, None]
    return Image.fromarray(pixels)


def test_a_box_by_hand() -> None:
    # A quarter of 200 x 100 pixels is 5000: sqrt(5000 x 4/3) = 81.65 by sqrt(5000 x 3/4) = 61.24.
    drawn = Scripted([0.25, math.log(4 / 3), 118, 39])
    assert crop_box(200, 100, drawn) == (118, 39, 200, 100)
    assert crop_box(200, 100, Scripted([0.25, math.log(3 / 4), 0, 0])) == (0, 0, 61, 82)


def test_the_whole_of_a_square_can_be_drawn() -> None:
    assert crop_box(50, 50, Scripted([1.0, 0.0, 0, 0])) == (0, 0, 50, 50)


def test_a_part_that_does_not_fit_is_drawn_again_ten_times_at_most() -> None:
    # All of a 4:1 strip's area as a square is twice as high as the strip.
    too_high = [1.0, 0.0]
    assert crop_box(400, 100, Scripted([*too_high * 9, 0.16, 0.0, 7, 8])) == (7, 8, 87, 88)
    # After ten, the centre at the widest shape: 133 of 400 columns, from (400 - 133) // 2 on.
    assert crop_box(400, 100, Scripted(too_high * 10)) == (133, 0, 266, 100)
    assert crop_box(100, 400, Scripted(too_high * 10)) == (0, 133, 100, 266)


def test_a_shape_within_the_bounds_is_taken_whole_after_ten_tries() -> None:
    too_wide = [1.0, math.log(4 / 3)]
    assert crop_box(100, 100, Scripted(too_wide * 10)) == (0, 0, 100, 100)
    assert crop_box(100, 133, Scripted(too_wide * 10)) == (0, 0, 100, 133)


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(0, 2**32 - 1))
def test_a_box_lies_within_the_picture_and_has_a_shape_within_the_bounds(
    width: int, height: int, seed: int
) -> None:
    left, top, right, bottom = crop_box(width, height, np.random.default_rng(seed))
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    w, h = right - left, bottom - top
    # Rounding moves each side by half a pixel at most.
    assert (w - 0.5) / (h + 0.5) <= 4 / 3 + 1e-9
    assert (w + 0.5) / (h - 0.5) >= 3 / 4 - 1e-9
    if 3 / 4 <= width / height <= 4 / 3:
        assert (w + 0.5) * (h + 0.5) >= 0.08 * width * height - 1e-6


def test_shares_shapes_and_places_are_spread_as_they_are_said_to_be() -> None:
    # 4000 draws of a square; a uniform mean is then right to 0.005 of its range, three times over.
    drawn = [crop_box(1000, 1000, np.random.default_rng(seed)) for seed in range(4000)]
    left, top, right, bottom = np.array(drawn).T.astype(float)
    w, h = right - left, bottom - top
    small = w * h < 0.5e6  # always fit: at most 817 long
    shares = (w * h)[small] / 1e6
    assert shares.mean() == pytest.approx((0.08 + 0.5) / 2, abs=0.01)
    logs = np.log(w / h)[small]
    assert logs.mean() == pytest.approx(0, abs=0.015)
    assert logs.std() == pytest.approx(2 * math.log(4 / 3) / math.sqrt(12), abs=0.01)
    for place, side in ((left, w), (top, h)):
        assert (place / (1000 - side + 1))[small].mean() == pytest.approx(0.5, abs=0.02)


def test_the_pixels_are_those_of_the_box_and_mirrored_if_drawn_so() -> None:
    # 80 x 80 from (40, 60), at half the size: a pixel covers two columns, and a ramp's value in the
    # middle of them is 40.5, 42.5, ... A symmetric filter leaves a ramp as it is.
    share, place = 6400 / (200 * 200), [40, 60]
    plain = random_crop(ramp(200, 200), (40, 40), Scripted([share, 0.0, *place, 0.5]))
    expected = 40.5 + 2 * np.arange(40)
    assert (plain.shape, plain.dtype) == ((40, 40, 3), np.uint8)
    np.testing.assert_allclose(plain[..., 0], np.tile(expected, (40, 1)), atol=0.5)
    np.testing.assert_allclose(plain[..., 1], np.tile(expected + 20, (40, 1)).T, atol=0.5)
    mirrored = random_crop(ramp(200, 200), (40, 40), Scripted([share, 0.0, *place, 0.4999]))
    assert np.array_equal(mirrored, plain[:, ::-1])
    assert mirrored.flags.c_contiguous


def test_away_from_its_edge_a_part_equals_one_that_was_cut_out_first() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (120, 150, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    draws = [0.36, 0.0, 20, 30]
    box = crop_box(150, 120, Scripted(draws))
    assert box == (20, 30, 100, 110)
    ours = random_crop(image, (160, 160), Scripted([*draws, 0.9]))
    cut = np.asarray(image.crop(box).resize((160, 160), Image.Resampling.BICUBIC))
    np.testing.assert_allclose(ours[4:-4, 4:-4].astype(int), cut[4:-4, 4:-4], atol=1)


def test_height_comes_before_width() -> None:
    assert random_crop(ramp(60, 50), (7, 9), np.random.default_rng(0)).shape == (7, 9, 3)


def test_half_of_the_pictures_are_mirrored() -> None:
    image = ramp(256, 100)
    crops = [random_crop(image, (4, 4), np.random.default_rng(seed)) for seed in range(1000)]
    mirrored = sum(int(crop[0, 0, 0]) > int(crop[0, -1, 0]) for crop in crops)
    # Three standard deviations of 1000 throws of a coin are 47.
    assert 453 <= mirrored <= 547


def test_the_same_generator_gives_the_same_crop_and_another_another() -> None:
    image = ramp(200, 200)
    first, again, other = (
        random_crop(image, (16, 16), np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "LA", "I;16"])
def test_pictures_of_every_mode_become_rgb(mode: str) -> None:
    image = Image.new(mode, (30, 20))
    assert random_crop(image, (8, 8), np.random.default_rng(0)).shape == (8, 8, 3)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 2)])
def test_the_smallest_and_the_thinnest_pictures_have_parts(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, (10, 20, 30))
    crop = random_crop(image, (8, 8), np.random.default_rng(0))
    assert (crop == (10, 20, 30)).all()


@pytest.mark.parametrize("resample", ["bicubic", "bilinear", "lanczos", "nearest"])
def test_every_resampling_is_the_one_of_its_name(resample: str) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    image, draws = Image.fromarray(noise), [1.0, 0.0, 0, 0, 0.9]
    ours = random_crop(image, (20, 20), Scripted(draws), resample=resample)
    theirs = image.resize((20, 20), getattr(Image.Resampling, resample.upper()))
    assert np.array_equal(ours, np.asarray(theirs))


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((0, 8), "random_crop: the height must be a whole number of at least 1, got 0."),
        ((8, 2.5), "random_crop: the width must be a whole number of at least 1, got 2.5."),
    ],
)
def test_a_size_of_nothing_is_refused(size: tuple[int, int], message: str) -> None:
    with pytest.raises(InputError) as caught:
        random_crop(ramp(9, 9), size, np.random.default_rng(0))
    assert str(caught.value) == message


def test_an_unknown_resampling_names_the_nearest_known_one() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'bicubic'"):
        random_crop(ramp(9, 9), (8, 8), np.random.default_rng(0), resample="cubic")
