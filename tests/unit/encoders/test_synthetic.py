from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from sightglass.encoders.registry import load_dual_encoder

COLOURS = ["red", "green", "blue", "white", "black", "yellow"]


@pytest.mark.parametrize("colour", COLOURS)
def test_a_plain_picture_is_nearest_to_the_name_of_its_colour(colour: str) -> None:
    encoder = load_dual_encoder("synthetic:colours")
    picture = encoder.prepare(Image.new("RGB", (31, 17), colour))
    images = encoder.encode_images([picture]).rows
    texts = encoder.encode_texts([f"a photo of a {name}" for name in COLOURS]).rows
    assert COLOURS[int((images @ texts.T).argmax())] == colour


def test_rows_have_length_one_and_are_the_same_every_time() -> None:
    first = load_dual_encoder("synthetic:colours").encode_texts(["red", "a spoon"]).rows
    again = load_dual_encoder("synthetic:colours").encode_texts(["red", "a spoon"]).rows
    assert np.array_equal(first, again)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-6)


def test_words_that_are_no_colours_are_near_nothing_in_particular() -> None:
    encoder = load_dual_encoder("synthetic:colours")
    rows = encoder.encode_texts(["red", "spoon", "fork"]).rows
    assert np.abs(rows @ rows.T - np.eye(3)).max() < 0.7
