"""An encoder whose rows a test can compute by itself, and that remembers how often it was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from sightglass.encoders.card import EncoderCard, ImageInput, TextInput
from sightglass.encoders.embeddings import Embeddings
from sightglass.encoders.preprocess import normalise, prepare

SPEC = ImageInput(size=(4, 6), resize="exact", resample="bilinear", mean=(0, 0, 0), std=(1, 1, 1))


@dataclass(eq=False)
class CountingEncoder:
    """Pictures: mean of each channel. Texts: length, number of "a", 1."""

    fingerprint: str = "counting"
    logit_scale: float | None = 7.0
    spec: ImageInput = SPEC
    pictures: int = 0
    texts: list[str] = field(default_factory=list)

    @property
    def card(self) -> EncoderCard:
        return EncoderCard(
            name=f"{self.fingerprint} encoder",
            source="this test",
            licence="none",
            dim=3,
            logit_scale=self.logit_scale,
            image=self.spec,
            text=TextInput(length=77),
        )

    def prepare(self, image: Image.Image) -> np.ndarray:
        return prepare(image, self.spec)

    def encode_images(self, pictures: Sequence[np.ndarray]) -> Embeddings:
        self.pictures += len(pictures)
        means = normalise(pictures, self.spec).mean(axis=(2, 3))
        return Embeddings.of(means, fingerprint=self.fingerprint)

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        self.texts += texts
        rows = np.array([text_row(text) for text in texts]).reshape(-1, 3)
        return Embeddings.of(rows, fingerprint=self.fingerprint)


def text_row(text: str) -> list[float]:
    """What ``CountingEncoder`` makes of a text, before its length is made 1."""
    return [float(len(text)), float(text.count("a")), 1.0]


def colour_row(colour: Sequence[int]) -> np.ndarray:
    """The unit row of a picture of one colour."""
    wide = np.asarray(colour, np.float64)
    return wide / np.sqrt((wide**2).sum())
