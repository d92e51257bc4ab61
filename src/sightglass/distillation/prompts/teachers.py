"""Whoever tells a student what a picture shows: a larger model, or a fusion of several."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image

from sightglass.distillation.losses.kdpl_loss import floored_logits
from sightglass.encoders.contract import DualEncoder
from sightglass.encoders.embeddings import Embeddings, require_one_encoder

if TYPE_CHECKING:
    from jaxtyping import Float, Float32

    from sightglass.distillation.training_pictures import PictureBatch


class Teacher(Protocol):
    """Gives logits as plain numbers: no gradient can reach it, and nothing trains it."""

    @property
    def name(self) -> str:
        """For a person."""

    @property
    def n_classes(self) -> int:
        """Columns of its logits."""

    @property
    def digest(self) -> str:
        """Hex digest of what decides its logits: another teacher makes another run."""

    def logits(
        self, batch: PictureBatch, *, logit_scale: float
    ) -> Float32[np.ndarray, "n n_classes"]:
        """What it thinks of a batch.

        Args:
            batch: The very crops that the student sees.
            logit_scale: The student's: the method has one scale for both.
        """


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipTeacher:
    """An encoder with a text side, run on the student's crops.

    Crops reach it as pixels and go through its own preprocessing: for a model of the student's
    size and normalisation that is the published method, for another it is what that model needs.

    Attributes:
        name: For a person.
        encoder: Frozen.
        classes: Unit rows of the class texts, computed once.
    """

    name: str
    encoder: DualEncoder
    classes: Embeddings

    @property
    def n_classes(self) -> int:
        """Columns of its logits."""
        return len(self.classes.rows)

    @property
    def digest(self) -> str:
        """Hex digest of weights and preprocessing, and of what it knows the classes by."""
        total = hashlib.sha256(self.encoder.fingerprint.encode())
        total.update(self.classes.rows.tobytes())
        return total.hexdigest()

    def logits(
        self, batch: PictureBatch, *, logit_scale: float
    ) -> Float32[np.ndarray, "n n_classes"]:
        """The student's scale times the cosines.

        Source: Mistretta et al. 2024, arXiv:2407.03056; the teacher's own scale is not used.
        """
        prepared = [self.encoder.prepare(Image.fromarray(crop)) for crop in batch.crops]
        images = self.encoder.encode_images(prepared)
        require_one_encoder(images, self.classes, where="ClipTeacher")
        logits: Float32[np.ndarray, "n n_classes"] = np.float32(logit_scale) * (
            images.rows @ self.classes.rows.T
        )
        return logits


class FusedTeacher:
    """A distribution per picture that was settled beforehand, such as that of fused alignments.

    It is that of the whole picture, whatever part of it the student sees: the fusion compares with
    references and the mean of all pictures, which a crop would not stand for.

    Args:
        probabilities: One row per picture of the run, in its order; rows sum to 1.
        name: For a person.
    """

    def __init__(self, probabilities: Float[np.ndarray, "n n_classes"], *, name: str) -> None:
        self.name = name
        self._logits = floored_logits(probabilities)

    @property
    def n_classes(self) -> int:
        """Columns of its logits."""
        return int(self._logits.shape[1])

    @property
    def digest(self) -> str:
        """Hex digest of all distributions."""
        return hashlib.sha256(self._logits.data).hexdigest()

    def logits(
        self,
        batch: PictureBatch,
        *,
        logit_scale: float,  # noqa: ARG002 - a distribution has its scale already
    ) -> Float32[np.ndarray, "n n_classes"]:
        """The logarithms of the floored distributions."""
        rows: Float32[np.ndarray, "n n_classes"] = self._logits[batch.indices]
        return rows
