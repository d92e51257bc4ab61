"""Which of a person's own pictures may stand for a class, and why the others may not.

Numbers only: what the encoders said of every picture comes in, rows of it come out. The numbers in
the rule (ten neighbours, a majority, a half) are round and were not fitted to anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_matrix
from sightglass.errors import InputError, ShapeError
from sightglass.generation.covering import cover
from sightglass.generation.nearest_pictures import centred, nearest_pictures

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

NEIGHBOURS = 10
MOST_COMPARED = 1000  # candidates of one class whose every pair is looked at
NO_ANSWER = -1
_LEAD = 1 + 1e-6  # a best class leads by more than rounding
_WHERE = "choose_references"


@dataclass(frozen=True, kw_only=True, eq=False)
class Harvest:
    """What was chosen.

    Attributes:
        indices: Per class, rows in the order of choice: the one that stands for most comes first.
        reasons: Per class, why it has none, or fewer than asked for; empty where it has them all.
        scores: float32, ``(n_images,)``, in [0, 1]: the probability of a picture's class times the
            mean probability that its nearest pictures give to the same class. 0 where a picture
            has no answer.
    """

    indices: tuple[tuple[int, ...], ...]
    reasons: tuple[str, ...]
    scores: Float[np.ndarray, " n_images"]

    @property
    def found(self) -> int:
        """How many pictures were chosen for all classes together."""
        return sum(len(rows) for rows in self.indices)


def rule_in_words(per_class: int, *, unknown_threshold: float = 0.5) -> str:
    """What ``choose_references`` does, for the record beside the pictures."""
    return (
        f"At most {per_class} per class. A picture may stand for the class that its text-image "
        f"answer names if its unknown score is not above {unknown_threshold}, if no everyday word "
        f"fits it better than that name, if the answer stays the same when every class's "
        f"probability is divided by its mean over the pictures, and if more than half of its "
        f"{NEIGHBOURS} nearest pictures by the vision-only rows (fewer where the class has no "
        f"more) got the same answer. Of these the half with the highest filter score is kept: own "
        f"probability times the mean that the nearest pictures give to the same class. From that "
        f"half the ones are taken that stand for most of it (greedy k-medoids in the vision-only "
        f"space). Same bytes count once. If not more than half of all answers stay the same as "
        f"above, no class gets any."
    )


def choose_references(
    probabilities: Float[np.ndarray, "n_images n_classes"],
    unknown_scores: Float[np.ndarray, " n_images"],
    vision_rows: Float[np.ndarray, "n_images dim"],
    *,
    per_class: int,
    unknown_threshold: float = 0.5,
    named: Bool[np.ndarray, " n_images"] | None = None,
    content: Sequence[bytes] | None = None,
) -> Harvest:
    """Pictures that may stand for a class: confident, borne out by what looks alike, and diverse.

    A class gets no more than half of the pictures that pass every check, and at least one of them;
    so never more than half of those that text-image alignment gives it. ``rule_in_words`` says
    all of it. Another order of the pictures, or of the classes, changes nothing but the order; of
    exact ties the earlier picture wins.

    Args:
        probabilities: Text-image alignment's rows, each summing to 1.
        unknown_scores: In [0, 1]; higher means more likely none of the classes.
        vision_rows: Unit rows of the vision-only encoder; they are centred here.
        per_class: At least 1.
        unknown_threshold: A picture whose score is above it has no answer.
        named: Whether a class's name fits the picture as well as any everyday word; only such
            pictures are chosen. None: all of them are.
        content: What the pictures' files hold, as hashes: the second of two equal ones is passed
            over as if it were not there. None: all are different.

    Raises:
        ShapeError: If the arrays do not have one row per picture, or there is one class only.
        InputError: If ``per_class`` is below 1.

    Source:
        Most confident per class instead of one threshold for all, so that no class is crowded out:
        Huang et al. 2022 (UPL), arXiv:2204.03649. Division by the mean: Saerens et al. 2002,
        Neural Computation 14(1), one step towards equally frequent classes. Votes of neighbours in
        a second space: Iscen et al. 2019, arXiv:1904.04717, reduced to one step.
    """
    n_images, n_classes = _checked_shape(
        probabilities,
        unknown_scores,
        vision_rows,
        per_class=per_class,
        named=named,
        content=content,
    )
    kept = _first_of_each(content, n_images)
    opinion = probabilities[kept].astype(np.float32)
    mean = opinion.sum(axis=0, dtype=np.float64) / max(len(kept), 1)
    best = _leader(opinion)
    answers = np.where(unknown_scores[kept] > unknown_threshold, NO_ANSWER, best)
    level = opinion / np.where(mean > 0, mean, 1).astype(np.float32)
    fitting = np.ones(len(kept), bool) if named is None else named[kept]
    settled = (answers >= 0) & (_leader(level) == answers)
    # Without copies no second matrix is made: rows are what takes memory here.
    unit = centred(vision_rows if len(kept) == n_images else vision_rows[kept])
    nearest = nearest_pictures(unit, count=NEIGHBOURS)

    scores = np.zeros(n_images, np.float32)
    indices: list[tuple[int, ...]] = []
    reasons: list[str] = []
    follows_names = bool(settled.sum() * 2 <= (answers >= 0).sum())
    for label in range(n_classes):
        answered = np.flatnonzero(answers == label)
        near = nearest[answered, : max(0, len(answered) - 1)]
        agreeing = (answers[near] == label).sum(axis=1) * 2 > near.shape[1]
        score = _score(opinion[:, label], answered, near)
        scores[kept[answered]] = score
        passed = np.flatnonzero(fitting[answered] & settled[answered] & agreeing)
        ranked = passed[np.argsort(-score[passed], kind="stable")]
        half = answered[ranked[: min(max(1, len(ranked) // 2), max(MOST_COMPARED, per_class))]]
        chosen = () if follows_names else cover(unit[half], count=per_class)
        indices.append(tuple(kept[half[list(chosen)]].tolist()))
        given = int((best == label).sum())
        if follows_names and len(answered):
            reasons.append(_names_reason(settled, answers))
        elif len(chosen) < per_class:
            reasons.append(_reason(given, fitting[answered], settled[answered], agreeing))
        else:
            reasons.append("")
    return Harvest(indices=tuple(indices), reasons=tuple(reasons), scores=scores)


def _score(
    opinion: Float[np.ndarray, " n"],
    answered: Int[np.ndarray, " n_answered"],
    near: Int[np.ndarray, "n_answered k"],
) -> Float[np.ndarray, " n_answered"]:
    """Own probability times the neighbours' mean; 0 where there are no neighbours."""
    if near.shape[1] == 0:
        return np.zeros(len(answered), np.float32)
    own: Float[np.ndarray, " n_answered"] = opinion[answered] * opinion[near].mean(axis=1)
    return own


def _first_of_each(content: Sequence[bytes] | None, n_images: int) -> Int[np.ndarray, " n_kept"]:
    """Rows of the pictures whose content did not come before."""
    if content is None:
        return np.arange(n_images)
    first: dict[bytes, int] = {}
    for index, one in enumerate(content):
        first.setdefault(one, index)
    return np.array(list(first.values()), np.int64)


def _leader(opinion: Float[np.ndarray, "n c"]) -> Int[np.ndarray, " n"]:
    """The best class of each row; ``NO_ANSWER`` where another is as good."""
    second, first = np.partition(opinion, -2, axis=1)[:, -2:].T
    return np.where(first > second * _LEAD, opinion.argmax(axis=1), NO_ANSWER)


def _names_reason(settled: Bool[np.ndarray, " n"], answers: Int[np.ndarray, " n"]) -> str:
    return (
        f"only {settled.sum():,} of all {(answers >= 0).sum():,} answers stay the same when every "
        f"class's mean is divided out: they follow the names rather than the pictures"
    )


def _reason(
    given: int,
    fitting: Bool[np.ndarray, " n_answered"],
    settled: Bool[np.ndarray, " n_answered"],
    agreeing: Bool[np.ndarray, " n_answered"],
) -> str:
    """Why a class has none or too few: the check that stopped the last of its pictures."""
    answered, passed = len(settled), int((fitting & settled & agreeing).sum())
    checks = (
        (given, "no picture was given to it"),
        (answered, f"all pictures given to it ({given:,}) were called unknown"),
        (answered > 1, "only one picture was given to it, so no other bears it out"),
        (
            fitting.any(),
            f"everyday words fit each of its {answered:,} pictures better than it does",
        ),
        ((fitting & settled).any(), "none of its answers stays when the means are divided out"),
        (passed, f"its {answered:,} pictures lie mostly among pictures with other answers"),
    )
    taken = (
        f"{passed:,} of the {given:,} pictures given to it passed; at most half are taken, and "
        f"none that looks like another"
    )
    return next((reason for met, reason in checks if not met), taken)


def _checked_shape(
    probabilities: Float[np.ndarray, "n_images n_classes"],
    unknown_scores: Float[np.ndarray, " n_images"],
    vision_rows: Float[np.ndarray, "n_images dim"],
    *,
    per_class: int,
    named: Bool[np.ndarray, " n_images"] | None,
    content: Sequence[bytes] | None,
) -> tuple[int, int]:
    check_matrix(probabilities, where=_WHERE, name="probabilities")
    check_matrix(vision_rows, where=_WHERE, name="vision_rows")
    rows, columns = probabilities.shape
    lengths = {"unknown_scores": len(unknown_scores), "vision_rows": len(vision_rows)}
    lengths |= {} if named is None else {"named": len(named)}
    lengths |= {} if content is None else {"content": len(content)}
    wrong = {name: length for name, length in lengths.items() if length != rows}
    if wrong:
        raise ShapeError(f"{_WHERE}: one entry per picture is needed, {rows} in all, got {wrong}.")
    if columns < 2:
        raise ShapeError(
            f"{_WHERE}: probabilities of at least two classes are needed, got "
            f"{probabilities.shape}."
        )
    if per_class < 1:
        raise InputError(f"{_WHERE}: per_class must be 1 or more, got {per_class}.")
    return rows, columns
