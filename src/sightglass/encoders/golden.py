"""Does this installation give the right vectors? The card's golden rows, computed again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightglass.encoders.card import Golden
from sightglass.encoders.contract import ImageEncoder, TextEncoder
from sightglass.errors import ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenCheck:
    """One golden row against what this installation gives.

    Attributes:
        what: The input, for a person.
        difference: Largest absolute difference of an entry; cosines differ by less than this.
        tolerance: What the card allows.
    """

    what: str
    difference: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """True where the difference is allowed; never for NaN."""
        return self.difference <= self.tolerance


def check_golden(encoder: ImageEncoder) -> list[GoldenCheck]:
    """One check per golden entry of the encoder's card.

    Raises:
        ModelError: If the files are damaged, or an entry names neither a text nor a picture.
    """
    return [_check(encoder, golden) for golden in encoder.card.golden]


def _check(encoder: ImageEncoder, golden: Golden) -> GoldenCheck:
    from PIL import Image

    if golden.text is not None and isinstance(encoder, TextEncoder):
        what = f'text "{golden.text}"'
        row = encoder.encode_texts([golden.text]).rows[0]
    elif golden.colour is not None and golden.picture_size is not None:
        what = f"picture {golden.picture_size} of colour {golden.colour}"
        picture = Image.new("RGB", golden.picture_size, golden.colour)
        row = encoder.encode_images([encoder.prepare(picture)]).rows[0]
    else:
        raise ModelError(f"{encoder.card.name}: a golden entry needs a text, or colour and size.")
    expected = np.asarray(golden.starts)
    difference = float(np.abs(row[: len(expected)] - expected).max())
    return GoldenCheck(what=what, difference=difference, tolerance=golden.tolerance)
