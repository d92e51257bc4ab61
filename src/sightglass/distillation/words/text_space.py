"""One space for several text teachers: its cosine is the weighted mean of theirs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_positive
from sightglass.distillation.whole_numbers import check_whole
from sightglass.distillation.words.kernel_ridge import KernelRidge
from sightglass.distillation.words.text_teachers import TableTeacher, TextTeacher, unit
from sightglass.errors import InputError
from sightglass.inputs.labels import name_key

if TYPE_CHECKING:
    from jaxtyping import Float32, Float64

_WHERE = "Text space"
# Texts at once: a kernel against 10,000 anchors then takes 160 MB.
_CHUNK = 2048


@dataclass(frozen=True, kw_only=True, eq=False)
class TextSpace:
    """Where a text tower's targets lie.

    A teacher ``t`` of weight ``w_t`` says ``z_t = unit(row_t - mean_t)``, with ``mean_t`` over the
    anchors that it knows. The joint row is ``sqrt(w_t) z_t`` of all teachers side by side, turned
    onto its principal directions on the anchors, of which the first ``dim`` stay, at length 1. With
    all of them kept, the cosine of two rows is ``sum_t w_t cos_t / sum_t w_t``.

    A table's ``z_t`` of a text that is none of its anchors is predicted by kernel ridge regression
    from the encoders' rows. A prediction keeps its length: it is below 1 where the examples nearby
    disagree, and a guess then counts for less than what an encoder knows. (True CLIP vectors
    withheld from 350 names: cosine to the true joint row 0.80 so, 0.78 with guesses at length 1.)
    Nothing but the anchors is ever looked up in a table, so that a name left out of them is one
    that the space has not seen.

    Attributes:
        kept: The share of the anchors' squared lengths that the ``dim`` directions hold.

    Source:
        Our own.
    """

    kept: float
    _teachers: tuple[TextTeacher, ...]
    _opinions: tuple[_Opinion, ...] = field(repr=False)
    _directions: Float64[np.ndarray, "width dim"] = field(repr=False)

    @classmethod
    def fit(
        cls,
        teachers: Sequence[TextTeacher],
        *,
        dim: int,
        weights: Sequence[float] | None = None,
        anchors: Sequence[str] | None = None,
        gamma: float = 1.0,
        ridge: float = 0.1,
    ) -> TextSpace:
        """The space of ``teachers``. Memory grows with the square of the number of anchors.

        Args:
            teachers: At least one.
            dim: Width of the space; at most the teachers' widths together.
            weights: Above 0, one per teacher; None: all the same.
            anchors: Texts that the space is fitted on, at least two different ones, of which every
                table must know two; None: all that the tables know.
            gamma: Of the kernel between the encoders' unit rows, above 0.
            ridge: Of the regression, above 0.

        Raises:
            InputError: If one of these does not hold, or a table does not know all of the anchors
                and there is no encoder to predict the others from.
        """
        shares = (1.0,) * len(teachers) if weights is None else tuple(weights)
        _check(teachers, shares, dim)
        names = _distinct(_known(teachers) if anchors is None else anchors)
        if len(names) < 2:
            raise InputError(
                f"{_WHERE}: at least two different anchors are needed, got {len(names)}. Without "
                f"a table, give the names that matter."
            )
        raw = _encoded(teachers, names)
        inputs = _inputs(raw, shares)
        opinions = tuple(
            _Opinion.fit(teacher, weight, names, rows, inputs, gamma=gamma, ridge=ridge)
            for teacher, weight, rows in zip(teachers, shares, raw, strict=True)
        )
        joint = _side_by_side(opinions, names, raw, inputs)
        directions, kept = _principal(joint, dim)
        return cls(kept=kept, _teachers=tuple(teachers), _opinions=opinions, _directions=directions)

    @property
    def dim(self) -> int:
        """Width of a row."""
        return int(self._directions.shape[1])

    def rows(self, texts: Sequence[str]) -> Float32[np.ndarray, "n dim"]:
        """Unit rows of texts, in their order.

        Raises:
            InputError: If a text is none of a table's anchors and there is no encoder.
        """
        rows = np.empty((len(texts), self.dim), np.float32)
        weights = [opinion.weight for opinion in self._opinions]
        for start in range(0, len(texts), _CHUNK):
            part = texts[start : start + _CHUNK]
            raw = _encoded(self._teachers, part)
            joint = _side_by_side(self._opinions, part, raw, _inputs(raw, weights))
            rows[start : start + _CHUNK] = unit(joint @ self._directions)
        return rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Opinion:
    """What one teacher says of any text.

    Attributes:
        table: The teacher, where it is a table.
        anchors: Keys of the texts that are looked up in it.
        predictor: For all others; None where there is no encoder to predict from.
    """

    weight: float
    mean: Float64[np.ndarray, " width"]
    table: TableTeacher | None = None
    anchors: frozenset[str] = frozenset()
    predictor: KernelRidge | None = None

    @classmethod
    def fit(
        cls,
        teacher: TextTeacher,
        weight: float,
        names: Sequence[str],
        raw: Float64[np.ndarray, "n width"] | None,
        inputs: Float64[np.ndarray, "n p"] | None,
        *,
        gamma: float,
        ridge: float,
    ) -> _Opinion:
        """The teacher's opinion, as far as the anchors tell; the rest as for ``rows``."""
        if raw is not None:
            return cls(weight=weight, mean=raw.mean(axis=0))
        assert isinstance(teacher, TableTeacher)
        known = np.array([teacher.knows(name) for name in names])
        if known.sum() < 2:
            raise InputError(
                f"{_WHERE}: a table must know at least two of the anchors, '{teacher.name}' knows "
                f"{known.sum()} of {len(names)}. Give names that are in it."
            )
        found = [name for name, there in zip(names, known, strict=True) if there]
        rows = teacher.rows(found)
        mean = rows.mean(axis=0)
        predictor = None
        if inputs is not None:
            predictor = KernelRidge.fit(inputs[known], unit(rows - mean), gamma=gamma, ridge=ridge)
        anchors = frozenset(name_key(name) for name in found)
        return cls(weight=weight, mean=mean, table=teacher, anchors=anchors, predictor=predictor)

    def rows(
        self,
        texts: Sequence[str],
        raw: Float64[np.ndarray, "n width"] | None,
        inputs: Float64[np.ndarray, "n p"] | None,
    ) -> Float64[np.ndarray, "n width"]:
        """The rows ``z`` of the texts; ``raw`` is what the teacher made of them, if it can."""
        if raw is not None:
            return unit(raw - self.mean)
        assert self.table is not None
        known = np.array([name_key(text) in self.anchors for text in texts])
        rows = np.empty((len(texts), len(self.mean)))
        found = [text for text, there in zip(texts, known, strict=True) if there]
        if found:
            rows[known] = unit(self.table.rows(found) - self.mean)
        if len(found) < len(texts):
            if self.predictor is None or inputs is None:
                strange = texts[int(np.flatnonzero(~known)[0])]
                raise InputError(
                    f"{_WHERE}: '{strange}' is none of the anchors of '{self.table.name}', and no "
                    f"encoder is there to predict its row from. Add a sentence encoder."
                )
            rows[~known] = self.predictor.predict(inputs[~known])
        return rows


def _encoded(
    teachers: Sequence[TextTeacher], texts: Sequence[str]
) -> list[Float64[np.ndarray, "n width"] | None]:
    """The encoders' unit rows; None in a table's place."""
    return [
        None if isinstance(teacher, TableTeacher) else teacher.rows(texts) for teacher in teachers
    ]


def _inputs(
    raw: Sequence[Float64[np.ndarray, "n width"] | None], weights: Sequence[float]
) -> Float64[np.ndarray, "n p"] | None:
    """What tables are predicted from: all encoders' rows side by side; None without an encoder."""
    parts = [
        np.sqrt(weight) * rows
        for rows, weight in zip(raw, weights, strict=True)
        if rows is not None
    ]
    return unit(np.concatenate(parts, axis=1)) if parts else None


def _side_by_side(
    opinions: Sequence[_Opinion],
    texts: Sequence[str],
    raw: Sequence[Float64[np.ndarray, "n width"] | None],
    inputs: Float64[np.ndarray, "n p"] | None,
) -> Float64[np.ndarray, "n width"]:
    parts = [
        np.sqrt(opinion.weight) * opinion.rows(texts, rows, inputs)
        for opinion, rows in zip(opinions, raw, strict=True)
    ]
    return np.concatenate(parts, axis=1)


def _principal(
    joint: Float64[np.ndarray, "n width"], dim: int
) -> tuple[Float64[np.ndarray, "width dim"], float]:
    """Orthonormal directions, the strongest first, and their share of the squared lengths.

    No mean is taken off: each teacher's already was, and cosines are about the origin.
    """
    width = joint.shape[1]
    if dim > width:
        raise InputError(
            f"{_WHERE}: dim must be at most {width}, the teachers' widths together, got {dim}. "
            f"Lower it or add a teacher."
        )
    strengths, vectors = np.linalg.eigh(joint.T @ joint)
    directions = vectors[:, ::-1][:, :dim]
    # A direction's sign is the library's whim.
    largest = np.abs(directions).argmax(axis=0)
    directions = directions * np.sign(directions[largest, np.arange(dim)])
    return directions, float(strengths[::-1][:dim].sum() / strengths.sum())


def _known(teachers: Sequence[TextTeacher]) -> Iterator[str]:
    for teacher in teachers:
        if isinstance(teacher, TableTeacher):
            yield from teacher.names


def _distinct(names: Iterator[str] | Sequence[str]) -> tuple[str, ...]:
    distinct: dict[str, str] = {}
    for name in names:
        distinct.setdefault(name_key(name), name)
    return tuple(distinct.values())


def _check(teachers: Sequence[TextTeacher], weights: Sequence[float], dim: int) -> None:
    check_whole(dim, where=_WHERE, name="dim", least=1)
    if not teachers or len(weights) != len(teachers):
        raise InputError(
            f"{_WHERE}: at least one teacher and one weight for each are needed, got "
            f"{len(teachers)} teachers and {len(weights)} weights."
        )
    for weight in weights:
        check_positive(weight, where=_WHERE, name="every weight")
