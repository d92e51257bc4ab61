"""Known and unknown images counted by their unknown score: all that open-set metrics look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sightglass.errors import InputError, ShapeError

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreCounts:
    """How many images of each kind have each of the distinct scores, the lowest score first.

    Images with equal scores share an entry, so no metric can depend on their order.

    Attributes:
        known: int64, ``(n_scores,)``.
        unknown: The same for unknown images.
        correct: Of the known ones those whose class was right; all, where nothing is told.
    """

    known: Int[np.ndarray, " n_scores"]
    unknown: Int[np.ndarray, " n_scores"]
    correct: Int[np.ndarray, " n_scores"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredImages:
    """Checked images that can be counted, and drawn again, without another sort.

    Attributes:
        kind: Of each image: 0 unknown, 1 known and right, 2 known and wrong.
        rank: The place of its score among the ``n_scores`` distinct ones.
        n_scores: How many distinct scores there are.
    """

    kind: Int[np.ndarray, " n_images"]
    rank: Int[np.ndarray, " n_images"]
    n_scores: int

    def counts(self, drawn: Int[np.ndarray, " n_drawn"] | None = None) -> ScoreCounts:
        """The counts of all images, or of those ``drawn`` by index, as often as each is drawn."""
        cell = self.kind * self.n_scores + self.rank
        chosen = cell if drawn is None else cell[drawn]
        unknown, right, wrong = np.bincount(chosen, minlength=3 * self.n_scores).reshape(3, -1)
        return ScoreCounts(known=right + wrong, unknown=unknown, correct=right)


def scored_images(
    is_unknown: Bool[np.ndarray, " n_images"],
    unknown_scores: Float[np.ndarray, " n_images"],
    correct: Bool[np.ndarray, " n_images"] | None = None,
    *,
    where: str,
) -> ScoredImages:
    """Check what an open-set metric was given and sort it once.

    Args:
        is_unknown: True for images of unknown classes; 0 and 1 are as good.
        unknown_scores: Higher means more likely unknown; any scale, infinite allowed.
        correct: Whether a known image's class was right; ignored for unknown images.
        where: Which function to name in an error.

    Raises:
        ShapeError: If the arrays are not of one length with one axis.
        InputError: If there are not images of both kinds, a score is NaN, or a flag is no flag.
    """
    scores = np.asarray(unknown_scores, dtype=np.float64)
    unknown = _flags(is_unknown, name="is_unknown", where=where)
    told = np.ones_like(unknown) if correct is None else correct
    right = _flags(told, name="correct", where=where)
    if scores.ndim != 1 or not scores.shape == unknown.shape == right.shape:
        raise ShapeError(
            f"{where}: one score and one flag per image are needed, shape (n_images,), got scores "
            f"{scores.shape} and flags {unknown.shape}"
            f"{'' if correct is None else f' and {right.shape}'}."
        )
    n_unknown = int(unknown.sum())
    if not 0 < n_unknown < len(unknown):
        raise InputError(
            f"{where}: images of known and of unknown classes are needed, got "
            f"{len(unknown) - n_unknown} known and {n_unknown} unknown. Add the other kind."
        )
    if np.isnan(scores).any():
        raise InputError(f"{where}: scores must be numbers, got NaN. Check where they come from.")
    values, rank = np.unique(scores, return_inverse=True)
    kind = np.where(unknown, 0, np.where(right, 1, 2))
    return ScoredImages(kind=kind, rank=rank, n_scores=len(values))


def pairs_in_order(
    below: Int[np.ndarray, " n_scores"], above: Int[np.ndarray, " n_scores"]
) -> float:
    """In how many pairs the image of ``below`` has the lower score; an equal score counts half."""
    before = np.cumsum(below) - below
    return float((above * (before + 0.5 * below)).sum())


def _flags(values: np.ndarray, *, name: str, where: str) -> np.ndarray:
    flags = np.asarray(values)
    if flags.dtype != np.bool_ and not np.isin(flags, (0, 1)).all():
        raise InputError(
            f"{where}: {name} must be true or false for every image, got {flags.dtype} values "
            "other than 0 and 1. Compare first."
        )
    return flags.astype(bool)
