"""Probabilities to one decision per picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_matrix
from sightglass.decisions.evidence import Evidence
from sightglass.decisions.unknown import UnknownRule
from sightglass.errors import InputError, ShapeError

if TYPE_CHECKING:
    from jaxtyping import Float, Int

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decision:
    """What was decided for one picture.

    Attributes:
        label: A class's display name, or ``"unknown"``.
        confidence: Probability of the best class, in [0, 1], also where the label is unknown.
        top: The best classes with their probabilities, best first.
        margin: Probability of the best class minus that of the second, in [0, 1].
        unknown_score: In [0, 1]; higher means more likely none of the classes. NaN where the rule
            is off and the score would have been costly.
        probabilities: Of every class, in ``LabelSet`` order.
        evidence: What it rests on, where several alignments or references had a say.
    """

    label: str
    confidence: float
    top: tuple[tuple[str, float], ...]
    margin: float
    unknown_score: float
    probabilities: Float[np.ndarray, " n_classes"]
    evidence: Evidence | None = None


def decide(
    probabilities: Float[np.ndarray, "n_images n_classes"],
    unknown_scores: Float[np.ndarray, " n_images"],
    names: Sequence[str],
    *,
    rule: UnknownRule,
    top_k: int = 3,
    evidence: Sequence[Evidence] | None = None,
) -> list[Decision]:
    """One decision per row.

    Classes with exactly the same probability are ranked in ``names`` order: the same input always
    gives the same answer.

    Args:
        probabilities: Rows that sum to 1.
        unknown_scores: In [0, 1], one per row.
        names: Display names, one per column.
        rule: When a picture is called unknown.
        top_k: How many classes ``top`` holds, at least 1; all of them if there are fewer.
        evidence: What each decision rests on, one per row; None where there is nothing to show.

    Raises:
        ShapeError: If rows, columns, scores, names and evidence do not fit together.
        InputError: If ``top_k`` is below 1.
    """
    check_matrix(probabilities, where="decide", name="probabilities")
    n_images, n_classes = probabilities.shape
    if n_classes != len(names) or unknown_scores.shape != (n_images,) or n_classes < 2:
        raise ShapeError(
            f"decide: probabilities {probabilities.shape} need as many names as columns (two at "
            f"least) and as many unknown scores as rows, got {len(names)} names and scores "
            f"{unknown_scores.shape}."
        )
    if top_k < 1:
        raise InputError(f"decide: top_k must be 1 or more, got {top_k}.")
    if evidence is not None and len(evidence) != n_images:
        raise ShapeError(
            f"decide: evidence for each of {n_images} rows is needed, got {len(evidence)}."
        )
    shown = [None] * n_images if evidence is None else evidence
    order = _best_first(probabilities, max(2, top_k))
    decisions = []
    for row, ranked, score, seen in zip(probabilities, order, unknown_scores, shown, strict=True):
        best, second = ranked[0], ranked[1]
        unknown = rule.enabled and bool(score > rule.threshold)
        decisions.append(
            Decision(
                label=UNKNOWN if unknown else names[best],
                confidence=float(row[best]),
                top=tuple((names[c], float(row[c])) for c in ranked[:top_k]),
                margin=float(row[best]) - float(row[second]),
                unknown_score=float(score),
                probabilities=row,
                evidence=seen,
            )
        )
    return decisions


def _best_first(
    probabilities: Float[np.ndarray, "n_images n_classes"], k: int
) -> Int[np.ndarray, "n_images k"]:
    """The ``k`` best columns of each row, or all; equal ones in the order of the columns.

    A row of a thousand is not sorted for the sake of three, unless more than ``k`` share its
    ``k``-th place.
    """
    n_classes = probabilities.shape[1]
    if k >= n_classes:
        return np.argsort(-probabilities, axis=1, kind="stable")
    least = np.partition(probabilities, n_classes - k, axis=1)[:, n_classes - k, None]
    enough = probabilities >= least
    clear = np.count_nonzero(enough, axis=1) == k
    order = np.empty((len(probabilities), k), np.intp)
    candidates = np.nonzero(enough[clear])[1].reshape(-1, k)
    values = np.take_along_axis(probabilities[clear], candidates, axis=1)
    places = np.argsort(-values, axis=1, kind="stable")
    order[clear] = np.take_along_axis(candidates, places, axis=1)
    order[~clear] = np.argsort(-probabilities[~clear], axis=1, kind="stable")[:, :k]
    return order
