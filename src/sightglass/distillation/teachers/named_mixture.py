"""Several teachers of the same names as one: the weighted mean of their distributions."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.errors import InputError

if TYPE_CHECKING:
    from jaxtyping import Bool, Float32

    from sightglass.distillation.teachers.batch_pictures import BatchPictures
    from sightglass.distillation.teachers.named_teachers import NamedTeacher


class MixedTeacher:
    """A mixture: each picture's distribution is the mean over those teachers that know it.

    Weights are divided by the sum of those of them, picture by picture: where labels are given for
    a tenth of the pictures, the other teachers speak with their full weight for the rest.

    Args:
        teachers: Of the same names in the same order, each with its weight.
        weight: Of the mixture as a whole.

    Raises:
        InputError: If there is none, a weight is not above 0, or the numbers of names differ.
    """

    def __init__(self, teachers: Sequence[NamedTeacher], *, weight: float = 1.0) -> None:
        weights = [teacher.weight for teacher in teachers]
        if not teachers or not all(math.isfinite(one) and one > 0 for one in weights):
            raise InputError(
                f"MixedTeacher: at least one teacher is needed, each with a finite weight above 0, "
                f"got weights {weights}. Leave out teachers that have no say."
            )
        counts = {teacher.n_classes for teacher in teachers}
        if len(counts) > 1:
            raise InputError(
                f"MixedTeacher: all teachers need the same class names, got lists of "
                f"{sorted(counts)} names."
            )
        self._teachers = tuple(teachers)
        self.weight = weight

    @property
    def name(self) -> str:
        """Those of all, with their weights."""
        return " + ".join(f"{one.weight:g} {one.name}" for one in self._teachers)

    @property
    def n_classes(self) -> int:
        """How many names."""
        return self._teachers[0].n_classes

    @property
    def digest(self) -> str:
        """Hex digest of all teachers and their weights."""
        told = [(one.digest, float(one.weight)) for one in self._teachers]
        return hashlib.sha256(repr(told).encode()).hexdigest()

    def knows(self, pictures: BatchPictures) -> Bool[np.ndarray, " n"]:
        """Those that any of them knows."""
        known: Bool[np.ndarray, " n"] = np.any(
            [teacher.knows(pictures) for teacher in self._teachers], axis=0
        )
        return known

    def rows(self, pictures: BatchPictures) -> Float32[np.ndarray, "n n_classes"]:
        """Probabilities; each teacher is asked for the pictures that it knows, and no others.

        Raises:
            InputError: If nobody knows a picture.
        """
        total = np.zeros((len(pictures), self.n_classes))
        weights = np.zeros((len(pictures), 1))
        for teacher in self._teachers:
            known = teacher.knows(pictures)
            if known.any():
                total[known] += teacher.weight * teacher.rows(pictures.where(known))
                weights[known] += teacher.weight
        unknown = np.flatnonzero(weights[:, 0] == 0)
        if len(unknown):
            raise InputError(
                f"MixedTeacher: every picture needs a teacher that knows it, got {len(unknown)} "
                f"that none of {self.name} does. Leave them out, or add a teacher."
            )
        rows: Float32[np.ndarray, "n n_classes"] = (total / weights).astype(np.float32)
        return rows
