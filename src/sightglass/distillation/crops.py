"""A training picture: a random part of it, resized, perhaps mirrored."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from sightglass.distillation.whole_numbers import check_whole
from sightglass.errors import unknown_name

if TYPE_CHECKING:
    from jaxtyping import UInt8

# Of the part: its share of the picture's area, its width over its height.
AREA = (0.08, 1.0)
ASPECT = (3 / 4, 4 / 3)
_TRIES = 10
_RESAMPLES = ("bicubic", "bilinear", "lanczos", "nearest")


def random_crop(
    image: Image.Image,
    size: tuple[int, int],
    rng: np.random.Generator,
    *,
    resample: str = "bicubic",
    area: tuple[float, float] = AREA,
    aspect: tuple[float, float] = ASPECT,
    flip: bool = True,
) -> UInt8[np.ndarray, "height width 3"]:
    """The part that ``crop_box`` draws at ``size``, perhaps mirrored; always RGB.

    Safe to call from several threads at once, each with its own ``rng``.

    Args:
        image: An upright picture, at least 1 x 1.
        size: Height and width of what is returned, each at least 1.
        rng: Where every draw comes from; moved on by them.
        resample: One of ``"bicubic"``, ``"bilinear"``, ``"lanczos"``, ``"nearest"``.
        area: Smallest and largest share of the picture's area.
        aspect: Smallest and largest width over height.
        flip: Mirror half of all draws.

    Raises:
        InputError: If ``size`` is not of whole numbers above 0.
        UnknownNameError: If ``resample`` is unknown.

    Source:
        The crop of torchvision's RandomResizedCrop with its RandomHorizontalFlip, as the code
        released with KDPL (Mistretta et al. 2024, arXiv:2407.03056) sets them. The part is cut out
        first, so that nothing outside it is mixed into its edge.
    """
    height, width = size
    check_whole(height, where="random_crop", name="the height", least=1)
    check_whole(width, where="random_crop", name="the width", least=1)
    if resample not in _RESAMPLES:
        raise unknown_name("resampling", resample, _RESAMPLES)
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    box = crop_box(rgb.width, rgb.height, rng, area=area, aspect=aspect)
    part = rgb.crop(box).resize((width, height), Image.Resampling[resample.upper()])
    pixels = np.asarray(part)
    return np.ascontiguousarray(pixels[:, ::-1]) if flip and rng.random() < 0.5 else pixels


def crop_box(
    width: int,
    height: int,
    rng: np.random.Generator,
    *,
    area: tuple[float, float] = AREA,
    aspect: tuple[float, float] = ASPECT,
) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a random part of a picture, in whole pixels.

    The share of the area is uniform within its bounds, and so is the logarithm of width over
    height, and the place. A part that does not fit is drawn again, ten times at most; then it is
    the largest centred part with a shape within these bounds.

    Args:
        width: Of the picture in pixels, at least 1.
        height: Of the picture in pixels, at least 1.
        rng: Where every draw comes from; moved on by them.
        area: Smallest and largest share of the picture's area.
        aspect: Smallest and largest width over height.

    Source:
        torchvision's RandomResizedCrop, whose defaults are those here.
    """
    narrowest, widest = aspect
    for _ in range(_TRIES):
        pixels = width * height * rng.uniform(*area)
        shape = math.exp(rng.uniform(math.log(narrowest), math.log(widest)))
        w, h = round(math.sqrt(pixels * shape)), round(math.sqrt(pixels / shape))
        if 0 < w <= width and 0 < h <= height:
            left, top = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
            return left, top, left + w, top + h
    w, h = min(width, round(height * widest)), min(height, round(width / narrowest))
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h
