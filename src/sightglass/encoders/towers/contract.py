"""What every trainable tower does, whatever it is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor, nn

if TYPE_CHECKING:
    from jaxtyping import Float, Int64

    from sightglass.encoders.card import ImageInput, TextInput


class ImageAnswer(NamedTuple):
    """What an image tower says of ``n`` pictures.

    Attributes:
        embeddings: (n, dim) unit rows in the space shared with texts.
        features: (n, feature_dim), the vision-only feature, not normalised.
        logits: (n, k) over the classes of an image teacher; None where it has no such head.
        maps: (n, channels, height, width) each, at the ends of the stages; empty where unnamed.
    """

    embeddings: Float[Tensor, "n dim"]
    features: Float[Tensor, "n feature_dim"]
    logits: Float[Tensor, "n k"] | None = None
    maps: tuple[Float[Tensor, "n channels height width"], ...] = ()


class ImageTower(nn.Module, ABC):
    """Turns normalised pixels into rows.

    Attributes:
        dim: Width of the shared space.
        feature_dim: Width of the vision-only feature.
        image_input: How a picture becomes pixels, for training and for the card of an export.
        head: From the feature to the shared space. All other parts are the trunk.
    """

    dim: int
    feature_dim: int
    image_input: ImageInput
    head: nn.Linear

    @abstractmethod
    def forward(self, pixels: Float[Tensor, "n 3 height width"]) -> ImageAnswer:
        """The answer to pixels that are normalised as ``image_input`` says."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """What a JSON file must hold to build the same tower with other weights."""


class TextTower(nn.Module, ABC):
    """Turns token ids into rows.

    Attributes:
        dim: Width of the shared space.
        text_input: How a text becomes ids, for training and for the card of an export.
    """

    dim: int
    text_input: TextInput

    @abstractmethod
    def tokenise(self, texts: Sequence[str]) -> Int64[Tensor, "n length"]:
        """Ids, padded with ``text_input.pad_id``; too long texts are cut."""

    @abstractmethod
    def forward(self, ids: Int64[Tensor, "n length"]) -> Float[Tensor, "n dim"]:
        """Unit rows; places that hold ``text_input.pad_id`` say nothing."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """What a JSON file must hold to build the same tower with other weights."""

    @abstractmethod
    def vocabulary_file(self) -> tuple[str, bytes]:
        """Name and content of the file that holds the tokeniser."""
