"""Encoders in ONNX files, run by onnxruntime: the bundled model, and ``onnx:FOLDER``."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from sightglass.encoders.card import EncoderCard, FileEntry, ImageInput, TextInput
from sightglass.encoders.embeddings import Embeddings
from sightglass.encoders.onnx_graph import OnnxGraph, image_graph, side_by_side
from sightglass.encoders.preprocess import prepare
from sightglass.encoders.tokens import make_tokens
from sightglass.encoders.word_pieces import load_tokenizer
from sightglass.errors import ModelError, PictureError
from sightglass.inputs.file_bytes import read_bytes
from sightglass.inputs.inner_path import is_inner

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8
    from PIL import Image

CARD_NAME = "encoder.json"
_LARGEST_CARD = 16_000_000  # bytes


def read_card(path: Path) -> EncoderCard:
    """The validated card in ``path``.

    Raises:
        ModelError: If the file is absent or is not an encoder card.
    """
    try:
        # pydantic's own reader of JSON has a limit for nesting and refuses halves of characters.
        return EncoderCard.model_validate_json(read_bytes(path, max_bytes=_LARGEST_CARD)[0])
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise ModelError(
            f"{path}: not a valid encoder card: {field}: {first['msg']}. "
            f"Correct it, or export the model again."
        ) from error
    except PictureError as error:
        if os.path.lexists(path):
            raise ModelError(
                f"{path}: not a readable encoder card ({error.detail}). Export the model again."
            ) from error
        raise ModelError(
            f"{path.parent}: an encoder folder needs the file {CARD_NAME}, found none. "
            f"Give the folder that an export wrote."
        ) from error


class OnnxEncoder:
    """Both towers of an encoder folder, or the one that it has.

    Nothing but the card is read at construction. Each file is hashed against the card when it is
    first needed: a run whose rows are all in the store loads no network.

    Args:
        folder: Holds the card and the files that it names.
        card_name: The card's file; one folder may describe several outputs of a network.

    Raises:
        ModelError: If the card is absent or invalid; on first use, if a file is absent, has
            another hash than the card says, or is not a model that onnxruntime can load.
    """

    def __init__(self, folder: Path, card_name: str = CARD_NAME) -> None:
        self._folder = folder
        self._card = read_card(folder / card_name)
        self._encode_pixels: Callable[..., Any] | None = None
        self._encode_tokens: Callable[..., Any] | None = None

    @property
    def card(self) -> EncoderCard:
        """Everything that must travel with the weights."""
        return self._card

    @property
    def fingerprint(self) -> str:
        """Hex digest of files, preprocessing and precision."""
        return self._card.fingerprint

    def prepare(self, image: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
        """The upright RGB picture at the size that the network takes."""
        return prepare(image, self._image_input())

    def encode_images(self, pictures: Sequence[UInt8[np.ndarray, "height width 3"]]) -> Embeddings:
        """Unit-length rows, in the order of ``pictures``."""
        spec = self._image_input()
        if self._encode_pixels is None:
            entry = self._entry("image")
            graph = image_graph(checked_file(self._folder, entry), entry.sha256, spec)
            self._encode_pixels = graph.reader(spec.output)
        if not pictures:
            return self._embeddings(np.zeros((0, self._card.dim), np.float32))
        return self._embeddings(self._encode_pixels(pictures))

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Unit-length rows, in the order of ``texts``."""
        spec = self._text_input()
        if self._encode_tokens is None:
            vocabulary = checked_file(self._folder, self._entry("vocabulary"))
            tokens = make_tokens(load_tokenizer(vocabulary), spec)
            graph = OnnxGraph(checked_file(self._folder, self._entry("text")))
            output = graph.output(spec.output)
            # One by one: small matrix products are summed in another order for another number of
            # rows, and a text's row must not depend on which texts were known before.
            self._encode_tokens = lambda part: np.concatenate(
                [graph.run(ids[None], [output])[0] for ids in tokens(part)]
            )
        if not texts:
            return self._embeddings(np.zeros((0, self._card.dim), np.float32))
        return self._embeddings(np.concatenate(side_by_side(self._encode_tokens, texts)))

    def _embeddings(self, raw: Float[np.ndarray, "n dim"]) -> Embeddings:
        if raw.ndim != 2 or raw.shape[1] != self._card.dim:
            raise ModelError(
                f"{self._folder}: the card promises rows of width {self._card.dim}, the network "
                f"gave shape {raw.shape}. Name the right output in {CARD_NAME}."
            )
        return Embeddings.of(raw, fingerprint=self.fingerprint)

    def _image_input(self) -> ImageInput:
        if self._card.image is None:
            raise ModelError(
                f"{self._card.name}: an image side is needed, it has none. Choose another encoder."
            )
        return self._card.image

    def _text_input(self) -> TextInput:
        if self._card.text is None:
            raise ModelError(
                f"{self._card.name}: a text side is needed, it has none. Choose another encoder."
            )
        return self._card.text

    def _entry(self, role: str) -> FileEntry:
        entries = [entry for entry in self._card.files if entry.role == role]
        if not entries:
            raise ModelError(
                f"{self._folder / CARD_NAME}: a file with the role '{role}' is needed, it names "
                f"none. Export the model again."
            )
        return entries[0]


def checked_file(folder: Path, entry: FileEntry) -> Path:
    """The path of ``entry`` in ``folder``, once its hash is what the card says.

    Raises:
        ModelError: If the file lies outside the folder, is absent, or has another hash.
    """
    path = folder / entry.name
    if not is_inner(entry.name):
        raise ModelError(
            f"{folder / CARD_NAME}: files in the folder are needed, '{entry.name}' lies outside. "
            f"Export the model again."
        )
    try:
        # Asked before opening: a named pipe would block for ever, a device has no end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ModelError(
                f"{path}: the card names this file, but it is no regular file. "
                f"Export the model again."
            )
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(
            f"{path}: the card names this file, but it cannot be read ({error.strerror}). "
            f"Export the model again."
        ) from error
    if found != entry.sha256:
        raise ModelError(
            f"{path}: sha256 must be {entry.sha256[:12]}…, is {found[:12]}…. The file is damaged "
            f"or is not the one that the card describes. Install or export it again."
        )
    return path
