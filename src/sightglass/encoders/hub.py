"""Encoders from a model hub or a folder in its format: CLIP, SigLIP, SigLIP 2, DINOv2.

CLIP may also lie there as open_clip publishes it, with a ViT or a ResNet for pictures.

Construction reads JSON and the weights' headers. torch and the weights are loaded at the first
picture or text that is not in the store, so a repeated run never pays for them.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sightglass.checks import require_extra
from sightglass.encoders.card import EncoderCard, FileEntry, ImageInput, Precision, TextInput
from sightglass.encoders.embeddings import Embeddings
from sightglass.encoders.failed_pass import failing_in_one_sentence
from sightglass.encoders.graphics_card import fingerprint_here
from sightglass.encoders.hub_card import hash_files, read_card
from sightglass.encoders.hub_checkpoint import Checkpoint, read_checkpoint
from sightglass.encoders.hub_folder import locate_model
from sightglass.encoders.hub_network import (
    BF16_ROUNDING,
    PICTURES_PER_PASS,
    PICTURES_PER_PASS_OF_REFERENCE,
    halve_matrices,
    halved_for_pictures,
    load_model,
    passes_of,
)
from sightglass.encoders.hub_tokens import check_ids, load_tokenizer
from sightglass.encoders.naflex import patch_sequences
from sightglass.encoders.open_clip_format import RESNET
from sightglass.encoders.precision import choose_precision
from sightglass.encoders.preprocess import normalise, prepare
from sightglass.encoders.rows import Inputs, RowByRow
from sightglass.encoders.tokens import Tokenise, make_tokens
from sightglass.errors import InputError

if TYPE_CHECKING:
    from jaxtyping import UInt8
    from PIL import Image


class HubImageEncoder:
    """The image side of a checkpoint.

    Args:
        checkpoint: What the folder holds.
        precision: fp32 or bf16.
        files: Gives the hashed files of this very checkpoint, where somebody else hashes them.
        pictures_per_pass: On a processor; None for what is fastest for many.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        precision: Precision,
        files: Callable[[], tuple[FileEntry, ...]] | None = None,
        pictures_per_pass: int | None = None,
    ) -> None:
        self._checkpoint = checkpoint
        self._hash = files or partial(hash_files, checkpoint)
        self._pictures_per_pass = pictures_per_pass or PICTURES_PER_PASS[precision]
        self._unhashed = read_card(checkpoint, precision=precision)

    @cached_property
    def card(self) -> EncoderCard:
        """Everything that must travel with the weights. The first use hashes the files."""
        return self._unhashed.model_copy(update={"files": self._files})

    @cached_property
    def _files(self) -> tuple[FileEntry, ...]:
        return self._hash()

    @cached_property
    def fingerprint(self) -> str:
        """Hex digest of weights, vocabulary, preprocessing, precision, device and size of a pass.

        Another size may change a row's last bit, and a run must not depend on what others left in
        the store, not in one bit.
        """
        fingerprint = fingerprint_here(self.card.fingerprint)
        size = self._pictures_per_pass
        if size == PICTURES_PER_PASS[self._unhashed.precision]:
            return fingerprint
        return hashlib.sha256(f"{fingerprint} in passes of {size}".encode()).hexdigest()[:32]

    @cached_property
    def model(self) -> Any:
        """The network in torch, in this encoder's precision; the first use loads it."""
        model = load_model(self._checkpoint)
        if self._unhashed.precision == "bf16":
            halve_matrices(model)
        return model

    @cached_property
    def _network(self) -> dict[str, RowByRow]:
        return passes_of(
            self.model,
            with_texts=self._checkpoint.has_texts,
            precision=self._unhashed.precision,
            pictures_per_pass=self._pictures_per_pass,
        )

    def prepare(self, image: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
        """The upright RGB picture at the size that the network takes."""
        return prepare(image, self._image_input)

    def encode_images(self, pictures: Sequence[UInt8[np.ndarray, "height width 3"]]) -> Embeddings:
        """Unit-length rows, in the order of ``pictures``; each independent of the others.

        Raises:
            MissingExtraError: If torch or transformers is not installed.
            ModelError: If the weights cannot be loaded, or the network fails.
        """
        spec = self._image_input
        inputs = _patches(pictures, spec) if spec.resize == "patches" else _pixels(pictures, spec)
        return self._encode("image", inputs)

    @property
    def _image_input(self) -> ImageInput:
        assert self._unhashed.image is not None
        return self._unhashed.image

    def _encode(self, tower: str, inputs: Sequence[Inputs]) -> Embeddings:
        rows = np.zeros((len(inputs), self._unhashed.dim), np.float32)
        if inputs:
            with failing_in_one_sentence(self._checkpoint.name):
                rows[:] = self._network[tower](inputs)
        return Embeddings.of(rows, fingerprint=self.fingerprint)


class HubDualEncoder(HubImageEncoder):
    """Both towers of a checkpoint."""

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Unit-length rows, in the order of ``texts``; each independent of the others.

        Raises:
            MissingExtraError: If torch or transformers is not installed.
            ModelError: If the weights or the tokenizer cannot be loaded, or do not fit each other.
        """
        tokens = self._tokens(texts)
        check_ids(tokens, self._checkpoint)
        return self._encode("text", [{"input_ids": ids} for ids in tokens])

    @cached_property
    def _tokens(self) -> Tokenise:
        return make_tokens(load_tokenizer(self._checkpoint.folder), self._text_input)

    @property
    def _text_input(self) -> TextInput:
        assert self._unhashed.text is not None
        return self._unhashed.text


class HubRoundingEncoder(HubDualEncoder):
    """Pictures in bf16; texts, which decide about every picture and are few, in fp32."""

    rounding = BF16_ROUNDING

    @cached_property
    def reference(self) -> HubDualEncoder:
        """The same checkpoint in fp32; its weights are loaded when it is first used."""
        return HubDualEncoder(
            self._checkpoint,
            precision="fp32",
            files=lambda: self._files,
            pictures_per_pass=PICTURES_PER_PASS_OF_REFERENCE,
        )

    @cached_property
    def model(self) -> Any:
        """The network with matrices in bf16, as far as pictures pass through them."""
        # What the reference loaded, for texts, is not read a second time. Where these are all known
        # it loaded nothing, and the weights of its own half are all that stays in memory.
        loaded = "model" in vars(self.reference)
        return halved_for_pictures(self.reference.model if loaded else load_model(self._checkpoint))

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Unit-length rows in fp32, in the order of ``texts``; each independent of the others."""
        return replace(self.reference.encode_texts(texts), fingerprint=self.fingerprint)


def load_hub_encoder(
    name: str, *, precision: Literal["auto"] | Precision = "auto"
) -> HubImageEncoder | HubDualEncoder:
    """The encoder of a hub model; a ``HubDualEncoder`` where the model has a text side.

    In bf16 that is a ``HubRoundingEncoder``, which has a ``reference`` in fp32.

    Args:
        name: ``ORG/NAME`` or the path of a folder; without ``hf:``.
        precision: ``"fp32"`` is the reference; ``"auto"`` takes bf16 where the processor has it.
            A ResNet runs in fp32 whatever is asked for: bf16 moves its rows further than the
            bound by which near ties are found.

    Raises:
        MissingExtraError: If torch or transformers is not installed.
        ModelError: If the model is not here and cannot be fetched, or a file is damaged.
        UnknownNameError: If the model is of a type that we cannot run.
        InputError: If ``precision`` is one that torch models are not run in.
    """
    for module in ("torch", "transformers"):
        if importlib.util.find_spec(module) is None:
            require_extra(module, extra="hub", purpose=f"The encoder 'hf:{name}'")
    chosen = choose_precision(precision)
    if chosen == "int8":
        raise InputError(f"hf:{name}: precision must be fp32 or bf16, got int8. Choose one.")
    checkpoint = read_checkpoint(f"hf:{name}", locate_model(name))
    if checkpoint.model_type == RESNET:
        chosen = "fp32"
    if checkpoint.has_texts and chosen == "bf16":
        return HubRoundingEncoder(checkpoint, precision=chosen)
    if checkpoint.has_texts:
        return HubDualEncoder(checkpoint, precision=chosen)
    return HubImageEncoder(checkpoint, precision=chosen)


def _pixels(
    pictures: Sequence[UInt8[np.ndarray, "height width 3"]], spec: ImageInput
) -> list[Inputs]:
    return [{"pixel_values": picture} for picture in normalise(pictures, spec)]


def _patches(
    pictures: Sequence[UInt8[np.ndarray, "height width 3"]], spec: ImageInput
) -> list[Inputs]:
    assert spec.patch_size is not None
    assert spec.max_patches is not None
    sequences = patch_sequences(
        [normalise([picture], spec)[0] for picture in pictures],
        patch_size=spec.patch_size,
        max_patches=spec.max_patches,
    )
    return [
        {"pixel_values": patches, "pixel_attention_mask": mask, "spatial_shapes": grid}
        for patches, mask, grid in zip(
            sequences.patches, sequences.mask, sequences.grids, strict=True
        )
    ]
