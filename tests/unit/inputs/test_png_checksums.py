from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from sightglass.errors import PictureError
from sightglass.inputs.images import open_picture


@pytest.fixture(scope="module")
def noisy_png() -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (150, 200, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_whole_png_opens(noisy_png: bytes) -> None:
    assert open_picture(noisy_png).image.size == (200, 150)


@pytest.mark.parametrize("share", [0.3, 0.75, 0.99])
def test_a_png_that_ends_in_zeros_is_truncated(noisy_png: bytes, share: float) -> None:
    kept = int(len(noisy_png) * share)
    with pytest.raises(PictureError) as caught:
        open_picture(noisy_png[:kept] + bytes(len(noisy_png) - kept))
    assert caught.value.status == "truncated"


def test_a_flipped_bit_in_the_pixels_is_corrupt(noisy_png: bytes) -> None:
    at = len(noisy_png) // 2
    damaged = noisy_png[:at] + bytes([noisy_png[at] ^ 4]) + noisy_png[at + 1 :]
    with pytest.raises(PictureError) as caught:
        open_picture(damaged)
    assert caught.value.status == "corrupt"


def test_zeros_behind_a_whole_png_do_no_harm(noisy_png: bytes) -> None:
    assert open_picture(noisy_png + bytes(1000)).image.size == (200, 150)
