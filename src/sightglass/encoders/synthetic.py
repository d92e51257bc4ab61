"""An encoder that knows colours and nothing else: planted classes for tests and demonstrations."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.encoders.card import EncoderCard, ImageInput, TextInput
from sightglass.encoders.embeddings import Embeddings
from sightglass.encoders.preprocess import prepare

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8
    from PIL import Image

# Corners, edge centres, face centres and centre of the RGB cube: a picture's row says how near its
# mean colour is to each of these 27.
_LATTICE = np.stack(np.meshgrid(*[[0.0, 0.5, 1.0]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
_WIDTH = 0.35  # of the Gaussian around a lattice point, in units of the cube's edge


class SyntheticEncoder:
    """Pictures by their mean colour, texts by the last colour word in them.

    A text without a colour word gets a fixed pseudo-random direction (a hash of the text), near
    nothing in particular. Colour words are those of CSS. No weights, no randomness, no files.
    """

    def __init__(self) -> None:
        self._card = EncoderCard(
            name="synthetic:colours",
            source="made up: mean colour against colour words",
            licence="Apache-2.0",
            dim=len(_LATTICE),
            logit_scale=30.0,
            image=ImageInput(size=(8, 8), resize="exact", resample="bilinear"),
            text=TextInput(length=1000, lower_case=True),
            notes="For tests and demonstrations of behaviour only.",
        )

    @property
    def card(self) -> EncoderCard:
        """Everything that must travel with the weights; here there are none."""
        return self._card

    @property
    def fingerprint(self) -> str:
        """Hex digest of the card."""
        return self._card.fingerprint

    def prepare(self, image: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
        """The picture at 8 x 8 pixels."""
        assert self._card.image is not None
        return prepare(image, self._card.image)

    def encode_images(self, pictures: Sequence[UInt8[np.ndarray, "height width 3"]]) -> Embeddings:
        """Unit-length rows, in the order of ``pictures``."""
        colours = [picture.mean(axis=(0, 1)) / 255 for picture in pictures]
        return self._embeddings([_near(colour) for colour in colours])

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Unit-length rows, in the order of ``texts``."""
        return self._embeddings([_text_row(text) for text in texts])

    def _embeddings(self, rows: list[Float[np.ndarray, " dim"]]) -> Embeddings:
        stacked = np.asarray(rows).reshape(len(rows), self._card.dim)
        return Embeddings.of(stacked, fingerprint=self.fingerprint)


def _near(colour: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " dim"]:
    squared = ((_LATTICE - colour) ** 2).sum(axis=1)
    near: Float[np.ndarray, " dim"] = np.exp(-squared / (2 * _WIDTH**2))
    return near


def _text_row(text: str) -> Float[np.ndarray, " dim"]:
    from PIL import ImageColor

    for word in reversed(re.findall("[a-z]+", text.lower())):
        if word in ImageColor.colormap:
            return _near(np.asarray(ImageColor.getrgb(word)[:3]) / 255)
    seed = int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8])
    return np.random.default_rng(seed).standard_normal(len(_LATTICE))
