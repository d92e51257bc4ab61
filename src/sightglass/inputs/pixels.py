"""Any picture that Pillow decodes, as upright RGB of 8 bits."""

from __future__ import annotations

from PIL import Image

from sightglass.inputs.deep_grey import rgb_of_deep_grey

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
    Grey of 16 bits keeps its high byte; of 32 bits, see ``rgb_of_deep_grey``.

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
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return rgb_of_deep_grey(image)
    if image.has_transparency_data:
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        canvas = Image.new("RGB", rgba.size, WHITE)
        canvas.paste(rgba, mask=rgba.getchannel("A"))
        return canvas
    return image if image.mode == "RGB" else image.convert("RGB")
