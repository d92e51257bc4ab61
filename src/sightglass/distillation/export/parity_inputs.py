"""What an export is tried on: a person's pictures, or made ones; and texts, plain and odd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from sightglass.errors import InputError, PictureError
from sightglass.inputs.background import BACKGROUND_WORDS
from sightglass.inputs.discovery import find_pictures
from sightglass.inputs.file_bytes import read_bytes
from sightglass.inputs.images import open_picture

# Enough that one agreement in top-1 more or less is under half a percent.
MOST_PICTURES = 256
MADE_PICTURES = 64
TEMPLATE = "a photo of a {}."
NAMES = tuple(TEMPLATE.format(word) for word in BACKGROUND_WORDS)
# Texts that tokenisers and masks stumble over.
ODD_TEXTS = (
    "",
    " ",
    "x",
    "Grüße aus Köln, naïve Ærøskøbing",
    "犬の写真",
    "snake_case and-hyphens (in brackets) 1234567890 100 %",
    "🐈 under a 🌧 cloud",
    "one sentence that goes on and on about a dog, a cat and a bicycle, " * 12,
)
TEXTS = NAMES + ODD_TEXTS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParityPictures:
    """Pictures to compare on.

    Attributes:
        images: Upright, RGB.
        real: Whether a person gave them; else they were made here.
        left_out: Files that could not be read as pictures.
    """

    images: tuple[Image.Image, ...]
    real: bool
    left_out: int = 0


def given_pictures(sources: Sequence[str]) -> ParityPictures:
    """At most ``MOST_PICTURES`` of those that the sources name, spread evenly over their paths.

    Raises:
        InputError: If nothing is found, or fewer than two of the files are pictures.
    """
    paths = find_pictures(sources)
    step = max(1, len(paths) / MOST_PICTURES)
    chosen = [paths[int(at * step)] for at in range(min(len(paths), MOST_PICTURES))]
    images = []
    for path in chosen:
        try:
            images.append(open_picture(read_bytes(path)[0]).image)
        except PictureError:
            continue
    if len(images) < 2:
        raise InputError(
            f"Pictures: at least two that can be read are needed to compare on, found "
            f"{len(images)} among {len(chosen)} files. Name another folder with --pictures."
        )
    return ParityPictures(images=tuple(images), real=True, left_out=len(chosen) - len(images))


def made_pictures(*, seed: int = 0) -> ParityPictures:
    """``MADE_PICTURES`` pictures of many sizes: ramps of colour, shapes on them, and noise."""
    rng = np.random.default_rng(seed)
    images = tuple(_made(rng) for _ in range(MADE_PICTURES))
    return ParityPictures(images=images, real=False)


def _made(rng: np.random.Generator) -> Image.Image:
    width, height = (int(side) for side in rng.integers(40, 240, 2))
    across = np.linspace(0, 1, width)[None, :, None]
    down = np.linspace(0, 1, height)[:, None, None]
    corner, right, below = rng.uniform(0, 255, (3, 3))
    ramp = corner + (right - corner) * across + (below - corner) * down
    noise = rng.normal(0, rng.uniform(0, 40), (height, width, 3))
    image = Image.fromarray((ramp + noise).clip(0, 255).astype(np.uint8))
    drawing = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(0, 6))):
        left, right_end = sorted(int(x) for x in rng.integers(0, width, 2))
        top, bottom = sorted(int(y) for y in rng.integers(0, height, 2))
        colour = tuple(int(level) for level in rng.integers(0, 256, 3))
        draw = drawing.ellipse if rng.random() < 0.5 else drawing.rectangle
        draw((left, top, right_end, bottom), fill=colour)
    return image
