from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sightglass.distillation.encoder.recipe import View
from sightglass.distillation.encoder.views import cutter

SIZES = st.tuples(st.integers(8, 40), st.integers(8, 40))


def striped(width: int, height: int) -> Image.Image:
    """Every column another grey, dark on the left, bright on the right."""
    row = np.linspace(0, 255, width).astype(np.uint8)
    return Image.fromarray(np.repeat(row[None, :, None], height, axis=0).repeat(3, axis=2))


@given(SIZES, SIZES, st.booleans(), st.integers(0, 99))
def test_both_views_have_the_size_that_is_asked_for(
    picture: tuple[int, int], size: tuple[int, int], worn: bool, seed: int
) -> None:
    view = View(worn=float(worn), worn_to=(2, 6))
    cut = cutter(view, size, resample="bilinear")
    views = cut(striped(*picture), np.random.default_rng(seed))
    assert [one.shape for one in views] == [(*size, 3)] * 2
    assert all(one.dtype == np.uint8 for one in views)


def test_the_whole_picture_unworn_is_the_picture_itself_for_both() -> None:
    whole = striped(16, 12)
    view = View(area=(1, 1), aspect=0, flip=False)
    # The shape is drawn around the square: only a square picture can be whole.
    square = whole.resize((12, 12))
    student, teacher = cutter(view, (12, 12), resample="bilinear")(square, np.random.default_rng(0))
    assert student is teacher
    np.testing.assert_array_equal(student, np.asarray(square))


def test_a_worn_view_is_the_same_part_with_fewer_pixels_and_only_the_student_sees_it() -> None:
    checks = np.indices((32, 32)).sum(axis=0) % 2 * 255
    image = Image.fromarray(checks.astype(np.uint8)).convert("RGB")
    view = View(area=(1, 1), aspect=0, flip=False, worn=1.0, worn_to=(4, 4))
    student, teacher = cutter(view, (32, 32), resample="bilinear")(image, np.random.default_rng(0))
    np.testing.assert_array_equal(teacher, np.asarray(image))
    # Squares of one pixel are gone: each of 4 x 4 pixels is the mean of 8 x 8 black and white ones.
    assert np.abs(student.astype(int) - 127.5).max() < 20
    assert abs(student.mean() - teacher.mean()) < 2


def test_as_many_are_worn_and_mirrored_as_the_recipe_says() -> None:
    view = View(area=(1, 1), aspect=0, flip=True, worn=0.25, worn_to=(4, 8))
    cut, rng = cutter(view, (16, 16), resample="bilinear"), np.random.default_rng(0)
    made = [cut(striped(16, 16), rng) for _ in range(2000)]
    worn = sum(student is not teacher for student, teacher in made)
    mirrored = sum(bool(teacher[0, 0, 0] > teacher[0, -1, 0]) for _, teacher in made)
    # Four standard deviations of a binomial draw: sqrt(2000 · 0.25 · 0.75) = 19.4, and 22.4.
    assert abs(worn - 500) < 78
    assert abs(mirrored - 1000) < 90


def test_nothing_is_worn_to_more_pixels_than_the_view_has() -> None:
    view = View(worn=1.0, worn_to=(40, 60))
    student, teacher = cutter(view, (32, 32), resample="bilinear")(
        striped(64, 64), np.random.default_rng(3)
    )
    assert student is teacher


@pytest.mark.parametrize("seed", range(3))
def test_the_same_chance_cuts_the_same_part(seed: int) -> None:
    cut = cutter(View(worn=0.5), (16, 16), resample="bicubic")
    first, again = (cut(striped(40, 30), np.random.default_rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])


def test_the_aspect_is_a_bound_on_the_logarithm() -> None:
    widest = math.exp(0.5)
    seen: list[float] = []
    image = striped(200, 200)
    view = View(area=(0.2, 0.4), aspect=0.5, flip=False)
    cut, rng = cutter(view, (8, 8), resample="bilinear"), np.random.default_rng(0)
    for _ in range(200):
        _, teacher = cut(image, rng)
        # Columns are numbered by their grey: the first and last say how wide the part was.
        seen.append((int(teacher[0, -1, 0]) - int(teacher[0, 0, 0])) / 255)
    # The widest part has 0.4 of the area: sqrt(0.4 e^0.5) of the width; the narrowest 0.2.
    assert max(seen) <= math.sqrt(0.4 * widest) + 0.01
    assert min(seen) >= (math.sqrt(0.2 / widest)) * 7 / 8 - 0.02
