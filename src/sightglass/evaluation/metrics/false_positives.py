"""What slips through at the threshold that lets nearly all of the other kind pass."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np

from sightglass.errors import InputError
from sightglass.evaluation.metrics.score_counts import ScoreCounts, scored_images

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

Kind = Literal["known", "unknown"]


def fpr_at_tpr(
    is_unknown: Bool[np.ndarray, " n_images"],
    unknown_scores: Float[np.ndarray, " n_images"],
    *,
    tpr: float = 0.95,
    positive: Kind = "known",
) -> float:
    """False positive rate at a fixed true positive rate: the literature's "FPR95". Low is good.

    With ``positive="known"``: t is the lowest threshold at which at least ``tpr`` of the known
    images have a score of at most t. The answer is the share of unknown images that have a score
    of at most t too: unknown ones that are accepted when 95 % of the known ones are.

    With ``positive="unknown"``: t is the highest threshold at which at least ``tpr`` of the
    unknown images have a score of at least t, and the answer is the share of known images with a
    score of at least t: false alarms when 95 % of the unknown images are found.

    Thresholds are observed scores, and images with equal scores are on one side together; nothing
    is interpolated.

    Args:
        is_unknown: True for images of unknown classes.
        unknown_scores: Higher means more likely unknown; any scale.
        tpr: Above 0, at most 1.
        positive: Which kind the true positive rate counts.

    Raises:
        ShapeError: If there is not one score per image.
        InputError: If all images are of one kind, a score is NaN, or an option is out of range.

    Source:
        Liang, Li and Srikant 2018 (ODIN), arXiv:1706.02690, where the known images are positive.
    """
    if not 0 < tpr <= 1:
        raise InputError(f"fpr_at_tpr: tpr must be above 0 and at most 1, got {tpr}.")
    if positive not in {"known", "unknown"}:
        raise InputError(f"fpr_at_tpr: positive must be 'known' or 'unknown', got '{positive}'.")
    images = scored_images(is_unknown, unknown_scores, where="fpr_at_tpr")
    return fpr_of(images.counts(), tpr=tpr, positive=positive)


def fpr_of(counts: ScoreCounts, *, tpr: float = 0.95, positive: Kind = "known") -> float:
    """``fpr_at_tpr`` of counted images; NaN where one kind is absent."""
    if positive == "known":
        positives, negatives = counts.known.cumsum(), counts.unknown.cumsum()
    else:
        positives, negatives = counts.unknown[::-1].cumsum(), counts.known[::-1].cumsum()
    if not positives[-1] or not negatives[-1]:
        return float("nan")
    # 0.07 * 100 is above 7 in floating point; the number as it is written is meant.
    needed = math.ceil(Fraction(str(float(tpr))) * int(positives[-1]))
    return float(negatives[np.searchsorted(positives, needed)] / negatives[-1])
