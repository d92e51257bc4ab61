"""How a training picture is cut: the same part for student and teacher, coarser for the student."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from sightglass.distillation.crops import random_crop

if TYPE_CHECKING:
    from jaxtyping import UInt8

    from sightglass.distillation.encoder.recipe import View

Cut = Callable[
    [Image.Image, np.random.Generator], "tuple[UInt8[np.ndarray, 'height width 3'], ...]"
]


def cutter(view: View, size: tuple[int, int], *, resample: str) -> Cut:
    """A function of a picture and its source of chance, which makes two views of a part of it.

    The first view is the student's, the second the teacher's; they are one array unless the
    student's is worn: brought to fewer pixels and back, as pictures from elsewhere are.

    Args:
        view: What is drawn.
        size: Height and width of both views.
        resample: Filter for resizing.
    """

    def cut(
        image: Image.Image, rng: np.random.Generator
    ) -> tuple[UInt8[np.ndarray, "height width 3"], ...]:
        part = random_crop(
            image,
            size,
            rng,
            resample=resample,
            area=view.area,
            aspect=(math.exp(-view.aspect), math.exp(view.aspect)),
            flip=view.flip,
        )
        if rng.random() >= view.worn:
            return part, part
        least, most = view.worn_to
        side = int(rng.integers(least, most + 1))
        if side >= min(size):
            return part, part
        small = Image.fromarray(part).resize((side, side), Image.Resampling.BILINEAR)
        worn = small.resize((size[1], size[0]), Image.Resampling[resample.upper()])
        return np.asarray(worn), part

    return cut
