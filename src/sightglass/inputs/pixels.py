"""Any picture that Pillow decodes, as upright RGB of 8 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from jaxtyping import Num, UInt8

WHITE = (255, 255, 255)  # what shows through where a picture is transparent

# What undoes each EXIF orientation; 1, and any value that the standard does not know, is upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112


def flatten_to_rgb(image: Image.Image) -> Image.Image:
    """The picture as a person sees it: turned as its EXIF says, RGB, 8 bits, no metadata.

    Transparent parts lie on white. ICC profiles are ignored: encoders were trained on pixels that
    were read without them. CMYK is converted by the plain formula for the same reason.
    Grey of 16 bits keeps its high byte; of 32 bits, see ``_grey_bytes``.

    Args:
        image: In any mode; not changed.
    """
    rgb = _rgb(image)
    upright = turned(rgb, orientation(image))
    if upright is image:
        upright = image.copy()
    upright.info = {}
    return upright


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """The picture as this EXIF orientation wants it seen; itself where that is upright."""
    turn = _UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; above 4, width and height change places. 1 if in doubt."""
    try:
        value = int(image.getexif().get(_ORIENTATION, 1))
    except Exception:
        # The block comes from anyone and is parsed by code that raises almost anything; a picture
        # whose EXIF is broken is a picture without EXIF.
        return 1
    return value if value in _UPRIGHT else 1


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow's conversion of this mode has changed between clipping and scaling.
        return _from_grey((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        return _from_grey(_grey_bytes(np.asarray(image)))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        canvas = Image.new("RGB", rgba.size, WHITE)
        canvas.paste(rgba, mask=rgba.getchannel("A"))
        return canvas
    return image if image.mode == "RGB" else image.convert("RGB")


def _from_grey(grey: UInt8[np.ndarray, "height width"]) -> Image.Image:
    return Image.fromarray(grey).convert("RGB")


def _grey_bytes(values: Num[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width"]:
    """Grey in 0..255 from numbers whose range no header states.

    Fractions in [0, 1] are taken for shares of white, numbers in [0, 255] for bytes, whole numbers
    above that fit 16 bits for 16 bits; anything else is stretched from its least to its greatest
    finite value. What is not finite becomes black.
    """
    finite = np.isfinite(values)
    numbers = np.where(finite, values, 0).astype(np.float64)
    low = float(numbers.min(where=finite, initial=np.inf))
    high = float(numbers.max(where=finite, initial=-np.inf))
    if values.dtype.kind == "i" and low >= 0 and 255 < high < 1 << 16:
        return (values >> 8).astype(np.uint8)
    if low < 0 or high > 255:
        numbers = (numbers - low) / max(high - low, 1e-300) * 255
    elif high <= 1 and values.dtype.kind == "f":
        numbers = numbers * 255
    return np.where(finite, np.rint(numbers), 0).astype(np.uint8)
