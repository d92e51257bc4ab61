"""Frozen teachers that say how likely each of some class names is for a picture."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sightglass.checks import check_positive
from sightglass.distillation.training_pictures import PictureBatch
from sightglass.encoders.embeddings import require_one_encoder
from sightglass.errors import InputError, unknown_name
from sightglass.inputs.labels import name_key

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Float32

    from sightglass.distillation.prompts.teachers import FusedTeacher
    from sightglass.distillation.teachers.batch_pictures import BatchPictures
    from sightglass.distillation.teachers.picture_rows import PictureRows
    from sightglass.encoders.embeddings import Embeddings


class NamedTeacher(Protocol):
    """A distribution over one list of class names, for the pictures that it knows."""

    @property
    def name(self) -> str:
        """For a person."""

    @property
    def n_classes(self) -> int:
        """How many names."""

    @property
    def digest(self) -> str:
        """Hex digest of what decides its distributions: another teacher makes another run."""

    @property
    def weight(self) -> float:
        """Among several teachers of the same pictures."""

    def knows(self, pictures: BatchPictures) -> Bool[np.ndarray, " n"]:
        """Which of the pictures it has something to say of."""

    def rows(self, pictures: BatchPictures) -> Float32[np.ndarray, "n n_classes"]:
        """Probabilities; rows sum to 1.

        Args:
            pictures: All of them known.

        Raises:
            InputError: If one is not.
        """


class LabelTeacher:
    """What the data say of themselves: a labelled picture shows its class.

    Args:
        classes: The class names of each labelled source, by its number in the mix.
        names: The teacher's names; every class of every source is among them, case and
            underscores aside.
        smoothing: The share of all the other names together, at least 0 and below 1.
        weight: See ``NamedTeacher``.

    Raises:
        InputError: If ``smoothing`` is out of range.
        UnknownNameError: If a source has a class that is none of the names.
    """

    def __init__(
        self,
        classes: Mapping[int, Sequence[str]],
        names: Sequence[str],
        *,
        smoothing: float = 0.0,
        weight: float = 1.0,
    ) -> None:
        # NaN compares as False with everything.
        if not 0 <= smoothing < 1 or (smoothing > 0 and len(names) < 2):
            raise InputError(
                f"LabelTeacher: smoothing must be at least 0 and below 1, and needs two names to "
                f"share, got {smoothing} for {len(names)} names."
            )
        columns = {name_key(name): column for column, name in reversed(list(enumerate(names)))}
        self._columns = {
            source: np.array([_column(one, columns, names) for one in known], np.int64)
            for source, known in classes.items()
        }
        self._smoothing = smoothing
        self.n_classes = len(names)
        self.weight = weight

    @property
    def name(self) -> str:
        """For a person."""
        return "labels"

    @property
    def digest(self) -> str:
        """Hex digest of which label is which name, and of the smoothing."""
        told = {source: column.tolist() for source, column in sorted(self._columns.items())}
        return hashlib.sha256(f"{told} {self.n_classes} {self._smoothing}".encode()).hexdigest()

    def knows(self, pictures: BatchPictures) -> Bool[np.ndarray, " n"]:
        """Those with a label, of sources whose class names were given."""
        given = np.isin(pictures.sources, list(self._columns))
        return given & (pictures.labels >= 0)

    def rows(self, pictures: BatchPictures) -> Float32[np.ndarray, "n n_classes"]:
        """``1 - smoothing`` at the label's name, the rest shared by all the others."""
        _require_known(self, pictures)
        other = self._smoothing / (self.n_classes - 1) if self.n_classes > 1 else 0.0
        rows = np.full((len(pictures), self.n_classes), other, np.float32)
        for row, source, label in zip(rows, pictures.sources, pictures.labels, strict=True):
            row[self._columns[int(source)][label]] = 1 - self._smoothing
        return rows


class CosineTeacher:
    """The softmax of an encoder's cosines with the names, at a logit scale.

    Args:
        name: For a person.
        pictures: Rows of crops, or of whole pictures.
        classes: Unit rows of the names' texts, of the same encoder.
        logit_scale: The encoder's own, unless another sharpness is wanted.
        weight: See ``NamedTeacher``.

    Raises:
        InputError: If the scale is None or not above 0.
    """

    def __init__(
        self,
        name: str,
        pictures: PictureRows,
        classes: Embeddings,
        *,
        logit_scale: float | None,
        weight: float = 1.0,
    ) -> None:
        if logit_scale is None:
            raise InputError(
                f"{name}: a distribution over names needs a logit scale, the encoder's card states "
                f"none. Give one."
            )
        check_positive(logit_scale, where=name, name="logit_scale")
        self.name, self._pictures, self._classes = name, pictures, classes
        self._scale = logit_scale
        self.weight = weight

    @property
    def n_classes(self) -> int:
        """How many names."""
        return len(self._classes.rows)

    @property
    def digest(self) -> str:
        """Hex digest of the encoder, of the names' rows, and of the scale."""
        total = hashlib.sha256(f"{self._pictures.digest} {self._scale!r}".encode())
        total.update(self._classes.rows.tobytes())
        return total.hexdigest()

    def knows(self, pictures: BatchPictures) -> Bool[np.ndarray, " n"]:
        """All of them."""
        return np.ones(len(pictures), bool)

    def rows(self, pictures: BatchPictures) -> Float32[np.ndarray, "n n_classes"]:
        """``softmax(scale cos)``."""
        images = self._pictures.rows(pictures)
        require_one_encoder(images, self._classes, where=self.name)
        return _softmax(self._scale * (images.rows.astype(np.float64) @ self._classes.rows.T))


class SettledTeacher:
    """Distributions that were settled beforehand for a source's pictures, such as the fusion's.

    Args:
        teacher: Its rows are the source's, in the source's order.
        source: Which source of the mix.
        weight: See ``NamedTeacher``.
    """

    def __init__(self, teacher: FusedTeacher, *, source: int = 0, weight: float = 1.0) -> None:
        self._teacher, self._source = teacher, source
        self.weight = weight

    @property
    def name(self) -> str:
        """The fusion's."""
        return self._teacher.name

    @property
    def n_classes(self) -> int:
        """How many names."""
        return self._teacher.n_classes

    @property
    def digest(self) -> str:
        """Hex digest of all distributions, and of whose they are."""
        return hashlib.sha256(f"{self._teacher.digest} {self._source}".encode()).hexdigest()

    def knows(self, pictures: BatchPictures) -> Bool[np.ndarray, " n"]:
        """Those of its source."""
        known: Bool[np.ndarray, " n"] = pictures.sources == self._source
        return known

    def rows(self, pictures: BatchPictures) -> Float32[np.ndarray, "n n_classes"]:
        """The distribution of the whole picture, whatever part of it the student sees.

        No entry is below 1e-6: it is as ``FusedTeacher`` keeps it.

        Raises:
            InputError: If a picture is of another source, or has no distribution.
        """
        _require_known(self, pictures)
        batch = PictureBatch(indices=pictures.indices, crops=())
        try:
            # Logarithms of probabilities, whatever scale is asked for.
            logits = self._teacher.logits(batch, logit_scale=1.0)
        except IndexError as error:
            raise InputError(
                f"{self.name}: one distribution per row of source {self._source} is needed, there "
                f"is none for row {pictures.indices.max()}. Settle them for all pictures of the "
                f"source."
            ) from error
        return _softmax(logits)


def _column(name: str, columns: Mapping[str, int], names: Sequence[str]) -> int:
    key = name_key(name)
    if key not in columns:
        raise unknown_name("class of the data", name, names)
    return columns[key]


def _require_known(teacher: NamedTeacher, pictures: BatchPictures) -> None:
    unknown = np.flatnonzero(~teacher.knows(pictures))
    if len(unknown):
        source, index = pictures.sources[unknown[0]], pictures.indices[unknown[0]]
        raise InputError(
            f"{teacher.name}: this teacher needs pictures that it knows, got {len(unknown)} "
            f"others, the first row {index} of source {source}. Leave them out, or add a teacher "
            f"that knows them."
        )


def _softmax(logits: Float[np.ndarray, "n c"]) -> Float32[np.ndarray, "n c"]:
    wide = logits.astype(np.float64)
    powers = np.exp(wide - wide.max(axis=1, keepdims=True))
    rows: Float32[np.ndarray, "n c"] = (powers / powers.sum(axis=1, keepdims=True)).astype(
        np.float32
    )
    return rows
