"""Pictures that a data set keeps as bare numbers, as files that the reading stage opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import UInt8


def pixmap(
    pixels: UInt8[np.ndarray, "height width"] | UInt8[np.ndarray, "height width 3"],
) -> bytes:
    """A PGM or PPM file: a line of sizes, then the pixels as they are.

    Unlike PNG its bytes depend on no compressor's version, so the store knows the picture again
    on every machine; and making it costs a copy.

    Source:
        The netpbm manual, formats P5 and P6.
    """
    height, width = pixels.shape[:2]
    kind = "P5" if pixels.ndim == 2 else "P6"
    return f"{kind}\n{width} {height}\n255\n".encode() + np.ascontiguousarray(pixels).tobytes()
