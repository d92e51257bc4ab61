"""A CLIP checkpoint as a student: towers, tokens and preprocessing together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from sightglass.encoders.card import EncoderCard, ImageInput, Precision
from sightglass.encoders.graphics_card import choose_device
from sightglass.encoders.hub_card import hashed_card
from sightglass.encoders.hub_checkpoint import Checkpoint, read_checkpoint
from sightglass.encoders.hub_folder import locate_model
from sightglass.encoders.hub_network import halve_matrices, load_model
from sightglass.encoders.hub_tokens import load_tokenizer
from sightglass.encoders.open_clip_format import OPEN_CLIP_TYPES, RESNET
from sightglass.encoders.preprocess import normalise
from sightglass.encoders.prompted.class_tokens import (
    ClassTokens,
    class_tokens,
    context_ids,
    text_tokens,
)
from sightglass.encoders.prompted.hosts import VISUAL_HOSTS, no_patches
from sightglass.encoders.prompted.resnet_towers import ResNetTowers
from sightglass.encoders.prompted.towers import CLASSES_PER_PASS, ClipTowers
from sightglass.encoders.tokens import Tokenise, make_tokens
from sightglass.errors import ModelError

if TYPE_CHECKING:
    from jaxtyping import Float, Int, UInt8
    from torch import Tensor

_SOURCE = "hf:"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Student:
    """Everything that a prompt is learned on, and nothing that is learned.

    Attributes:
        name: As the person wrote it, ``hf:`` included.
        card: Of the checkpoint; its fingerprint is that of fp32.
        towers: Frozen.
        tokenise: From texts to padded token ids.
        end_id: The end token's id.
    """

    name: str
    card: EncoderCard
    towers: ClipTowers
    tokenise: Tokenise
    end_id: int

    @property
    def image_input(self) -> ImageInput:
        """How pictures must be prepared."""
        assert self.card.image is not None
        return self.card.image

    def tokens(self, names: Sequence[str]) -> ClassTokens:
        """The classes' tokens, on the towers' device."""
        found = class_tokens(self.tokenise, names, end_id=self.end_id)
        return found.to(self.towers.device)

    def texts(self, texts: Sequence[str]) -> ClassTokens:
        """The tokens of whole texts, on the towers' device."""
        return text_tokens(self.tokenise, texts, end_id=self.end_id).to(self.towers.device)

    def context_ids(self) -> Int[Tensor, " k"]:
        """Tokens of the words that learned contexts begin as."""
        return context_ids(self.tokenise, end_id=self.end_id)

    def pixels(
        self, pictures: Sequence[UInt8[np.ndarray, "height width 3"]]
    ) -> Float[Tensor, "n 3 height width"]:
        """Prepared pictures as the towers take them."""
        return torch.from_numpy(normalise(pictures, self.image_input)).to(self.towers.device)


def load_student(
    name: str,
    *,
    precision: Precision = "fp32",
    classes_per_pass: int = CLASSES_PER_PASS,
    card: EncoderCard | None = None,
) -> Student:
    """The CLIP checkpoint ``name`` with its towers opened for prompts.

    Args:
        name: ``hf:ORG/NAME`` or ``hf:FOLDER``, CLIP; with a ResNet for some hosts only.
        precision: ``"fp32"`` or ``"bf16"``; a ResNet's pictures are in fp32 with both.
        classes_per_pass: Texts that are run, forwards and backwards, at a time.
        card: Its card with hashed files, where somebody hashed them already.

    Raises:
        ModelError: If it is something else, is not here, or is damaged.
        MissingExtraError: If torch or transformers is not installed.
    """
    checkpoint = _read(name)
    card = card or hashed_card(checkpoint)
    model = load_model(checkpoint)
    is_resnet = checkpoint.model_type == RESNET
    if precision == "bf16":
        halve_matrices(model.text_model if is_resnet else model)
    model.to(choose_device())
    assert card.text is not None
    towers = ResNetTowers if is_resnet else ClipTowers
    tokenise = make_tokens(load_tokenizer(checkpoint.folder), card.text)
    return Student(
        name=name,
        card=card,
        towers=towers(model, precision=precision, classes_per_pass=classes_per_pass),
        tokenise=tokenise,
        end_id=int(tokenise([""])[0][1]),  # an empty text is its start and its end token
    )


def check_student(name: str, hosts: Sequence[str]) -> None:
    """Refuse a checkpoint that cannot be a student of these hosts, before anything is computed.

    Args:
        name: As ``load_student`` takes it.
        hosts: Some of the five.

    Raises:
        ModelError: If it is no CLIP, is not here, or a host needs patches and it has none.
    """
    checkpoint = _read(name)
    for host in hosts:
        if host in VISUAL_HOSTS and checkpoint.model_type == RESNET:
            raise no_patches(host)


def _read(name: str) -> Checkpoint:
    if not name.startswith(_SOURCE):
        raise ModelError(
            f"{name}: a student's prompts go into the towers of a CLIP checkpoint, written as "
            f"hf:ORG/NAME or hf:FOLDER. Name one."
        )
    checkpoint = read_checkpoint(name, locate_model(name.removeprefix(_SOURCE)))
    if checkpoint.model_type not in ("clip", *OPEN_CLIP_TYPES):
        raise ModelError(
            f"{name}: prompts are learned on checkpoints of CLIP, as transformers or open_clip "
            f"saves it, this one is '{checkpoint.model_type}'. Choose another student."
        )
    return checkpoint
