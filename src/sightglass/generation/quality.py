"""Which pictures of an image generator may be references: pure rules on opened pictures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float
    from PIL import Image

# Of 255. Video's black; a generator's own filter answers with black pictures (value 0), and lossy
# formats lift them by a few steps.
BLACK = 16
# Standard deviation, of 255. A plain area after lossy compression stays below 2; one hundredth of
# the picture that differs from the rest by half of the range already gives 12.
CONTRAST = 4.0
# Two views of the same thing hardly ever come so near; the same picture, saved again, does.
SAME = 0.99


def plain_fault(
    image: Image.Image, *, size: tuple[int, int] | None, width: int, height: int
) -> str | None:
    """What is wrong with the picture whatever it shall show, for a person; None if nothing is.

    Args:
        image: Upright, RGB.
        size: (width, height) in pixels that were asked for; None: any will do.
        width: Of the whole picture, in pixels.
        height: The same.
    """
    if size is not None and (width, height) != size:
        return f"wrong size: {width} x {height} pixels came, {size[0]} x {size[1]} were asked for"
    pixels = np.asarray(image, np.float64)
    if np.quantile(pixels.max(axis=2), 0.99) <= BLACK:
        return f"black: 99 % of its pixels are at most {BLACK} of 255 in every channel"
    contrast = float(pixels.std(axis=(0, 1)).max())
    if contrast < CONTRAST:
        return (
            f"blank: the standard deviation of its most varied channel is {contrast:.1f} of 255, "
            f"at least {CONTRAST:.0f} is needed"
        )
    return None


def ranks_needed(n_classes: int) -> int:
    """Among how many of the best classes a picture's own must be.

    Three or one in twenty, whichever is more; but never more than half of the classes, or the
    filter would hardly reject anything: with two or three classes the own one must be the best.
    """
    return max(1, min(max(3, math.ceil(n_classes / 20)), n_classes // 2))


def rank_of(logits: Float[np.ndarray, " n_classes"], class_index: int) -> int:
    """Place of a class among all, from 1; classes that tie with it do not stand before it."""
    return 1 + int((logits > logits[class_index]).sum())


def most_similar(
    row: Float[np.ndarray, " dim"], others: Float[np.ndarray, "n_others dim"]
) -> tuple[int, float]:
    """Which unit row of ``others`` comes nearest to the unit row, and its cosine.

    Returns:
        Index and cosine; (-1, -1.0) where there are no others.
    """
    if not len(others):
        return -1, -1.0
    cosines = others.astype(np.float64) @ row.astype(np.float64)
    nearest = int(cosines.argmax())
    return nearest, float(cosines[nearest])
