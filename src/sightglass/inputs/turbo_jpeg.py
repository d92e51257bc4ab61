"""JPEGs decoded by libjpeg-turbo's own interface, where the extra ``turbo`` is installed.

It gives the pixels that Pillow gives, to the bit, since both end in the same library; Pillow hands
the lines over one by one, which costs as much again for a picture of 500 pixels.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from PIL import Image


def decode_jpeg(data: bytes, opened: Image.Image) -> Image.Image | None:
    """The pixels of a colour JPEG; None where Pillow must decode it, or say what is wrong.

    Args:
        data: The whole file.
        opened: The same file as Pillow opened it: not loaded, but perhaps reduced by ``draft``.

    Returns:
        RGB, of the size of ``opened``, not turned.
    """
    decode = _decoder()
    if decode is None or opened.mode != "RGB":
        return None
    width, height = opened.size
    try:
        # Of the reductions that leave this many pixels it takes the strongest, as draft does.
        pixels = decode(data, min_width=width, min_height=height)
    except ValueError:  # damaged, or only remarkable: Pillow's word counts
        return None
    if pixels.shape != (height, width, 3):
        return None
    return Image.frombytes("RGB", (width, height), pixels)


@functools.cache
def _decoder() -> Callable[..., Any] | None:
    try:
        from simplejpeg import decode_jpeg as decode
    except ImportError:
        return None
    return decode  # type: ignore[no-any-return]
