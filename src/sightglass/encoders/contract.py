"""What every encoder can do, whatever library runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from sightglass.encoders.card import EncoderCard
from sightglass.encoders.embeddings import Embeddings

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, Float64, UInt8
    from PIL import Image


@runtime_checkable
class ImageEncoder(Protocol):
    """Turns pictures into unit rows.

    ``prepare`` is cheap, pure and safe to call from several threads at once; it does all that
    needs the picture (resize, crop). ``encode_images`` runs the network. A picture's row never
    depends on which other pictures are in the batch.
    """

    @property
    def card(self) -> EncoderCard:
        """Everything that must travel with the weights."""

    @property
    def fingerprint(self) -> str:
        """Hex digest of weights, preprocessing and precision: equal if and only if rows mix."""

    def prepare(self, image: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
        """The upright RGB picture at the size that the network takes."""

    def encode_images(self, pictures: Sequence[UInt8[np.ndarray, "height width 3"]]) -> Embeddings:
        """Unit-length rows, in the order of ``pictures``."""


@runtime_checkable
class TextEncoder(Protocol):
    """Turns texts into unit rows in the same space as the pictures' rows."""

    @property
    def card(self) -> EncoderCard:
        """Everything that must travel with the weights."""

    @property
    def fingerprint(self) -> str:
        """Hex digest of weights, tokenisation and precision."""

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Unit-length rows, in the order of ``texts``."""


@runtime_checkable
class RoundingEncoder(ImageEncoder, Protocol):
    """Gives rows of pictures quickly, in reduced precision; rows of texts are never rounded."""

    @property
    def reference(self) -> ImageEncoder:
        """The same encoder without rounding; slower."""

    @property
    def rounding(self) -> float:
        """How far rounding moves a unit row along any one direction, times ``sqrt(dim)``, at most.

        That is nearly the length of the whole difference, since it has no particular direction.
        """


@runtime_checkable
class DualEncoder(ImageEncoder, TextEncoder, Protocol):
    """Both towers of one model: what classification by name needs."""


@runtime_checkable
class ConditionedEncoder(DualEncoder, Protocol):
    """Both towers, and texts that depend on the picture they are compared with.

    ``encode_texts`` then gives what a text is where there is no picture: names can be compared with
    each other by it, never with pictures.
    """

    def cosines(
        self, images: Float[np.ndarray, "n dim"], classes: Sequence[Sequence[str]]
    ) -> Float64[np.ndarray, "n n_classes"]:
        """Cosine of each picture with each class, as this picture shapes the class's texts.

        A picture's cosines never depend on the other pictures.

        Args:
            images: Unit rows that this encoder made.
            classes: Texts of each class; a class's row is the unit mean of its texts' rows.
        """
