"""From a picture to the network's input, by the rule on the encoder's card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from sightglass.encoders.card import ImageInput
from sightglass.encoders.naflex import patch_grid_size
from sightglass.errors import ModelError, ShapeError

if TYPE_CHECKING:
    from jaxtyping import Float32, UInt8

# A strip of 1 x 65000 would become billions of pixels before the crop. Above this many, only the
# part that the crop keeps is made; a pixel may then differ by a few levels from resize-then-crop,
# because Pillow chooses which axis comes first by the sizes.
_LARGEST_RESIZE = 64_000_000


def prepare(image: Image.Image, spec: ImageInput) -> UInt8[np.ndarray, "height width 3"]:
    """The picture, resized and cropped as ``spec`` says; always RGB.

    Pure, and safe to call from several threads at once. The size is ``spec.size``, except for
    ``resize="patches"``, where it follows the picture's shape.

    Args:
        image: An upright picture, at least 1 x 1.
        spec: The image part of an encoder's card.

    Raises:
        ModelError: If the card asks for patches without saying how large and how many.
    """
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    resample = Image.Resampling[spec.resample.upper()]
    if spec.resize == "shortest_edge":
        return _resize_and_crop(rgb, spec, resample)
    if spec.resize == "patches":
        height, width = _whole_patches(rgb, spec)
    else:
        height, width = spec.size
    return np.asarray(rgb.resize((width, height), resample))


def normalise(
    pictures: Sequence[UInt8[np.ndarray, "height width 3"]], spec: ImageInput
) -> Float32[np.ndarray, "n 3 height width"]:
    """``(pixel / 255 - mean) / std`` per channel, channels first.

    Args:
        pictures: What ``prepare`` gave; all of one size.
        spec: The image part of an encoder's card.

    Raises:
        ShapeError: If the pictures' sizes differ.
    """
    if not pictures:
        return np.empty((0, 3, *spec.size), dtype=np.float32)
    shapes = {picture.shape for picture in pictures}
    if len(shapes) > 1:
        raise ShapeError(
            f"normalise: pictures of one batch need one size, got {sorted(shapes)}. "
            f"Prepare them all with the same card."
        )
    std = np.asarray(spec.std, dtype=np.float64)
    scale = (1 / (255 * std)).astype(np.float32)
    shift = (np.asarray(spec.mean, dtype=np.float64) / std).astype(np.float32)
    height, width, _ = pictures[0].shape
    batch = np.empty((len(pictures), 3, height, width), dtype=np.float32)
    for row, picture in zip(batch, pictures, strict=True):
        np.multiply(picture.transpose(2, 0, 1), scale[:, None, None], out=row)
        np.subtract(row, shift[:, None, None], out=row)
    return batch


def _resize_and_crop(
    image: Image.Image, spec: ImageInput, resample: Image.Resampling
) -> UInt8[np.ndarray, "height width 3"]:
    """Short side to ``resize_to``, then the centre; black where the crop reaches beyond."""
    height, width = _kept_aspect(image.height, image.width, spec)
    crop_height, crop_width = spec.size
    top, bottom = _crop_span(height, crop_height)
    left, right = _crop_span(width, crop_width)
    rows = slice(max(0, top), min(height, bottom))
    columns = slice(max(0, left), min(width, right))
    if height * width > _LARGEST_RESIZE:
        kept = image.resize(
            (columns.stop - columns.start, rows.stop - rows.start),
            resample,
            box=(
                columns.start * image.width / width,
                rows.start * image.height / height,
                columns.stop * image.width / width,
                rows.stop * image.height / height,
            ),
        )
        part = np.asarray(kept)
    else:
        part = np.asarray(image.resize((width, height), resample))[rows, columns]
    if part.shape[:2] == spec.size:
        return np.ascontiguousarray(part)
    canvas = np.zeros((crop_height, crop_width, 3), dtype=np.uint8)
    canvas[
        rows.start - top : rows.stop - top,
        columns.start - left : columns.stop - left,
    ] = part
    return canvas


def _kept_aspect(height: int, width: int, spec: ImageInput) -> tuple[int, int]:
    """(height, width) with the short side at ``resize_to``."""
    short = spec.resize_to if spec.resize_to is not None else min(spec.size)
    exact = short * max(height, width) / min(height, width)
    long = int(exact) if spec.rounding == "floor" else max(short, round(exact))
    return (short, long) if height <= width else (long, short)


def _crop_span(length: int, crop: int) -> tuple[int, int]:
    """First and last pixel of the centre crop; negative where it starts before the picture."""
    start = (length - crop) // 2
    return start, start + crop


def _whole_patches(image: Image.Image, spec: ImageInput) -> tuple[int, int]:
    """(height, width) of the picture as whole patches."""
    if spec.patch_size is None or spec.max_patches is None:
        raise ModelError(
            "prepare: a card with resize 'patches' needs patch_size and max_patches, got "
            f"{spec.patch_size} and {spec.max_patches}. Add them to the card."
        )
    return patch_grid_size(
        image.height, image.width, patch_size=spec.patch_size, max_patches=spec.max_patches
    )
