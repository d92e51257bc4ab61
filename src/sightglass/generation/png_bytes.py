"""Any picture as a PNG file: references bear one suffix, and lose nothing by it."""

from __future__ import annotations

import io

from sightglass.errors import PictureError
from sightglass.inputs.images import open_picture
from sightglass.inputs.signatures import picture_kind


def as_png(data: bytes) -> bytes:
    """The same pixels as a PNG file; ``data`` itself, if it is one or no picture at all."""
    if picture_kind(data) in {"PNG", None}:
        return data
    try:
        picture = open_picture(data)
    except PictureError:
        return data
    stream = io.BytesIO()
    picture.image.save(stream, "PNG")
    return stream.getvalue()
