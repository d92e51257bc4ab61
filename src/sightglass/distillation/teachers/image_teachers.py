"""Frozen image networks that teach by what they make of a picture: feature, logits, inner maps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch

from sightglass.distillation.teachers.picture_rows import crop_rows
from sightglass.encoders.graph_network import GraphNetwork, load_graph_network
from sightglass.errors import InputError, ModelError, ShapeError

if TYPE_CHECKING:
    from jaxtyping import Float, Float32, UInt8
    from torch import Tensor

    from sightglass.encoders.contract import ImageEncoder


class TeacherAnswer(NamedTuple):
    """What an image teacher makes of ``n`` pictures. No gradient reaches it.

    Attributes:
        features: Not normalised, unless the teacher's rows are; None where it gives none.
        logits: Over the teacher's own classes; None where it gives none.
        maps: In the teacher's precision, one for each name; empty where none was asked for.
    """

    features: Float32[Tensor, "n f"] | None
    logits: Float32[Tensor, "n k"] | None
    maps: tuple[Float[Tensor, "n channels height width"], ...] = ()


class ImageTeacher(Protocol):
    """Answers to the student's own crops."""

    @property
    def name(self) -> str:
        """For a person."""

    @property
    def digest(self) -> str:
        """Hex digest of what decides its answers: another teacher makes another run."""

    def answer(self, pixels: UInt8[Tensor, "n height width 3"]) -> TeacherAnswer:
        """What it makes of the crops, on their device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelRange:
    """How pixels of 0 to 255 become what a network takes: ``(pixel * top / 255 - mean) / std``.

    Attributes:
        top: What a white pixel becomes before the mean is taken off; above 0.
        mean: Per channel, in the units of ``top``.
        std: Per channel, in the units of ``top``; above 0.
    """

    top: float = 255.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        """Check the numbers that are divided by.

        Raises:
            InputError: If one is not above 0.
        """
        # NaN compares as False with everything.
        if not all(number > 0 for number in (self.top, *self.std)):
            raise InputError(
                f"PixelRange: top and std must be above 0, got {self.top} and {self.std}."
            )

    def normalise(
        self, pixels: Float32[Tensor, "n 3 height width"]
    ) -> Float32[Tensor, "n 3 height width"]:
        """Pixels of 0 to 255 as the network takes them."""
        if self == PixelRange():
            return pixels
        mean, std = (pixels.new_tensor(one).view(1, 3, 1, 1) for one in (self.mean, self.std))
        return (pixels * (self.top / 255) - mean) / std


class OnnxImageTeacher:
    """An image network in an ONNX file, run in torch.

    It looks at crops as large as they are: a small crop shows more at the student's size than blown
    up, and costs less. Loaded for each size when the first crops of that size come.

    Args:
        path: The file.
        pixels: What range of numbers the network takes.
        features: Tensor that is the feature (n, f); None for none.
        logits: Tensor that is the logits (n, k); None for none.
        maps: Tensors that are maps (n, channels, height, width), inner ones too.
        dtype: ``torch.bfloat16`` or ``torch.float32``.

    Raises:
        InputError: If no tensor is named.
        ModelError: If the file cannot be read; on the first answer also if it is no network that
            torch can be told to run, or a tensor has other axes.
        UnknownNameError: On the first answer, if a named tensor is not there.
        MissingExtraError: On the first answer, if onnx is not installed.
    """

    def __init__(
        self,
        path: Path,
        *,
        pixels: PixelRange = PixelRange(),
        features: str | None = None,
        logits: str | None = None,
        maps: Sequence[str] = (),
        dtype: torch.dtype = torch.bfloat16,
    ) -> None:
        self._path, self._pixels, self._dtype = path, pixels, dtype
        self._features, self._logits, self._maps = features, logits, tuple(maps)
        self._networks: dict[tuple[int, int], GraphNetwork] = {}
        if not self._names:
            raise InputError(
                f"{path}: an image teacher needs at least one tensor to teach by, got none. Name "
                f"its feature, its logits or its maps."
            )
        try:
            with path.open("rb") as stream:
                self._sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise ModelError(f"{path}: this teacher cannot be read ({error.strerror}).") from error

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(one for one in (self._features, self._logits, *self._maps) if one is not None)

    @property
    def name(self) -> str:
        """The file's."""
        return self._path.name

    @property
    def digest(self) -> str:
        """Hex digest of the file and of how it is asked."""
        asked = [self._sha256, self._features, self._logits, self._maps]
        numbers = [self._pixels.top, self._pixels.mean, self._pixels.std, str(self._dtype)]
        return hashlib.sha256(json.dumps([*asked, *numbers]).encode()).hexdigest()

    @torch.no_grad()
    def answer(self, pixels: UInt8[Tensor, "n height width 3"]) -> TeacherAnswer:
        """Feature, logits and maps of the crops, on their device.

        Raises:
            ShapeError: If the crops are no RGB pictures of 8 bits.
            ModelError, UnknownNameError, MissingExtraError: On the first crops of a size, see the
                class.
        """
        _require_pictures(pixels)
        first = pixels.permute(0, 3, 1, 2).float()  # channels come last in memory, as the network's
        network = self._network((int(pixels.shape[1]), int(pixels.shape[2]))).to(pixels.device)
        tensors = dict(zip(network.outputs, network(self._pixels.normalise(first)), strict=True))
        return TeacherAnswer(
            features=self._rows(tensors, self._features),
            logits=self._rows(tensors, self._logits),
            maps=tuple(self._with_axes(tensors[name], name, 4) for name in self._maps),
        )

    def _network(self, size: tuple[int, int]) -> GraphNetwork:
        if size not in self._networks:
            names = tuple(dict.fromkeys(self._names))
            self._networks[size] = load_graph_network(
                self._path, size=size, outputs=names, dtype=self._dtype
            )
        return self._networks[size]

    def _rows(
        self, tensors: dict[str, Tensor], name: str | None
    ) -> Float32[Tensor, "n width"] | None:
        return None if name is None else self._with_axes(tensors[name], name, 2).float()

    def _with_axes(self, tensor: Tensor, name: str, count: int) -> Tensor:
        if tensor.ndim != count:
            wanted = {2: "a feature or logits of two axes", 4: "a map of four axes"}[count]
            raise ModelError(
                f"{self._path}: {wanted} is needed, '{name}' has shape {tuple(tensor.shape)}. "
                f"Name another tensor."
            )
        return tensor


class EncoderImageTeacher:
    """Any encoder of pictures: its unit rows are the feature.

    Args:
        encoder: Frozen, such as a DINOv2 or an exported student.
    """

    def __init__(self, encoder: ImageEncoder) -> None:
        self._encoder = encoder

    @property
    def name(self) -> str:
        """The encoder's."""
        return self._encoder.card.name

    @property
    def digest(self) -> str:
        """Hex digest of weights, preprocessing and precision."""
        return self._encoder.fingerprint

    def answer(self, pixels: UInt8[Tensor, "n height width 3"]) -> TeacherAnswer:
        """The rows of the crops.

        Raises:
            ShapeError: If the crops are no RGB pictures of 8 bits.
        """
        _require_pictures(pixels)
        rows = crop_rows(self._encoder, pixels.cpu().numpy()).rows
        return TeacherAnswer(
            features=torch.tensor(rows, dtype=torch.float32, device=pixels.device), logits=None
        )


def _require_pictures(pixels: Tensor) -> None:
    if pixels.ndim != 4 or pixels.shape[3] != 3 or pixels.dtype != torch.uint8:
        raise ShapeError(
            f"Image teacher: crops need shape (n, height, width, 3) in uint8, got "
            f"{tuple(pixels.shape)} in {pixels.dtype}."
        )
