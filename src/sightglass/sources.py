"""Whatever a Python caller hands over, as a list of paths and named pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightglass.errors import InputError, PictureError
from sightglass.inputs.discovery import find_pictures
from sightglass.inputs.pixels import flatten_to_rgb

if TYPE_CHECKING:
    from PIL import Image

    from sightglass.reading import Source


def sources_of(images: Any) -> list[Source]:
    """Everything in the order given; what a folder or a pattern holds is sorted in its place.

    Pictures in memory are called ``image[0]`` … by their place in the sequence.

    Args:
        images: A path, a PIL image, an array, a picture file's bytes, or a sequence of these.

    Raises:
        InputError: If something is none of these, or a picture without pixels.
    """
    one = isinstance(images, str | bytes | os.PathLike | np.ndarray) or _is_image(images)
    if not one and not isinstance(images, Sequence):
        images = list(images) if hasattr(images, "__iter__") else [images]
    items = [images] if one else images
    found: list[Source] = []
    for index, item in enumerate(items):
        name = f"image[{index}]"
        if isinstance(item, str | os.PathLike):
            found += _files_of(item)
        elif isinstance(item, bytes):
            found.append((name, item))
        elif _is_image(item):
            if 0 in item.size:
                raise InputError(
                    f"{name}: a picture needs at least one pixel, got {item.width} x "
                    f"{item.height}. Leave it out."
                )
            found.append((name, _loaded(item)))
        elif isinstance(item, np.ndarray):
            found.append((name, _loaded(image_from_array(item, name=name))))
        else:
            raise InputError(
                f"predict: {name} must be a path, a PIL image, a uint8 array or a picture file's "
                f"bytes, got {type(item).__name__}. Convert it first."
            )
    return found


def _files_of(path: str | os.PathLike[str]) -> Sequence[str]:
    name = os.fspath(path)
    if name == "-":
        raise InputError("predict: '-' is standard input only on the command line; give paths.")
    return [name] if Path(name).is_file() else find_pictures([name])


def image_from_array(array: np.ndarray, *, name: str) -> Image.Image:
    """A picture from an array of shape (height, width), (height, width, 3) or (…, 4), uint8.

    Raises:
        InputError: If shape or type is something else.
    """
    from PIL import Image

    shaped = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if not shaped or array.dtype != np.uint8 or 0 in array.shape:
        raise InputError(
            f"{name}: an array needs shape (height, width), (height, width, 3) or (…, 4) and type "
            f"uint8 with values 0 to 255, got {array.shape} of {array.dtype}. Convert it first."
        )
    return Image.fromarray(array)


def _loaded(image: Image.Image) -> Image.Image | PictureError:
    """The picture as it is now, RGB: later changes to what was given do not reach the run."""
    try:
        return flatten_to_rgb(image)
    except Exception as error:
        # One that was opened but not loaded fails here, in any way that a decoder can.
        return PictureError("corrupt", f"the picture cannot be loaded: {error}")


def _is_image(thing: object) -> bool:
    from PIL import Image

    return isinstance(thing, Image.Image)
