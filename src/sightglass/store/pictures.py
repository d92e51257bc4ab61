"""What the store keeps of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownPicture:
    """What one encoder made of a picture, and the picture's upright size in pixels.

    Attributes:
        row: Unit length.
        norm: How long the network's row was.
        width: Pixels, upright.
        height: Pixels, upright.
    """

    row: Float[np.ndarray, " dim"]
    norm: float
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPicture:
    """What is kept of a picture whatever the encoder.

    Attributes:
        content: Hash of the file's bytes.
        width: Pixels, upright.
        height: Pixels, upright.
        thumbnail: JPEG bytes.
    """

    content: bytes
    width: int
    height: int
    thumbnail: bytes
