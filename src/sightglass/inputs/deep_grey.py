"""Grey of more than 8 bits, as RGB; a large picture never has all its numbers in memory twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from jaxtyping import Float64, Num, UInt8

    Numbers = Num[np.ndarray, "height width"]
    Doubles = Float64[np.ndarray, "height width"]
    Grey = UInt8[np.ndarray, "height width"]

_NUMBERS_AT_A_TIME = 1 << 20


def rgb_of_deep_grey(image: Image.Image) -> Image.Image:
    """The picture in RGB. Of 16 bits the high byte is kept; of 32 bits, see ``_scale_of``.

    Args:
        image: In one of the modes ``I;16…``, ``I`` and ``F``; not changed.
    """
    # Pillow's conversion of 16 bits has changed between clipping and scaling.
    to_grey = _high_bytes if image.mode.startswith("I;16") else _scale_of(image)
    grey = Image.new("L", image.size)
    for top, numbers in _bands(image):
        grey.paste(Image.fromarray(to_grey(numbers)), (0, top))
    return grey.convert("RGB")


def _bands(image: Image.Image) -> Iterator[tuple[int, Numbers]]:
    """The numbers from the top down, some lines at a time, each time with the first line's."""
    lines = max(1, _NUMBERS_AT_A_TIME // image.width)
    for top in range(0, image.height, lines):
        bottom = min(top + lines, image.height)
        yield top, np.asarray(image.crop((0, top, image.width, bottom)))


def _high_bytes(numbers: Numbers) -> Grey:
    return (numbers >> 8).astype(np.uint8)


def _scale_of(image: Image.Image) -> Callable[[Numbers], Grey]:
    """How numbers whose range no header states become grey in 0..255.

    Fractions in [0, 1] are taken for shares of white, numbers in [0, 255] for bytes, whole numbers
    above that fit 16 bits for 16 bits; anything else is stretched from its least to its greatest
    finite value. What is not finite becomes black.
    """
    low, high = np.inf, -np.inf
    for _, numbers in _bands(image):
        finite = numbers[np.isfinite(numbers)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    whole = image.mode == "I"
    if whole and low >= 0 and 255 < high < 1 << 16:
        return _high_bytes
    if low < 0 or high > 255:
        span = max(high - low, 1e-300)
        return lambda numbers: _as_bytes(numbers, lambda finite: (finite - low) / span * 255)
    if high <= 1 and not whole:
        return lambda numbers: _as_bytes(numbers, lambda finite: finite * 255)
    return lambda numbers: _as_bytes(numbers, lambda finite: finite)


def _as_bytes(numbers: Numbers, scaled: Callable[[Doubles], Doubles]) -> Grey:
    finite = np.isfinite(numbers)
    doubles = np.where(finite, numbers, 0).astype(np.float64)
    return np.where(finite, np.rint(scaled(doubles)), 0).astype(np.uint8)
