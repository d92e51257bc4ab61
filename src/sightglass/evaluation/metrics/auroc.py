"""How well a score tells unknown images from known ones, over all thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.evaluation.metrics.score_counts import ScoreCounts, pairs_in_order, scored_images

if TYPE_CHECKING:
    from jaxtyping import Bool, Float


def auroc_score(
    is_unknown: Bool[np.ndarray, " n_images"], unknown_scores: Float[np.ndarray, " n_images"]
) -> float:
    """Area under the ROC curve; unknown is the positive kind.

    It is the probability that a random unknown image has a higher score than a random known one,
    where an equal score counts half. 0.5 is chance; below it, the sign of the score is wrong.

    Args:
        is_unknown: True for images of unknown classes.
        unknown_scores: Higher means more likely unknown; any scale.

    Raises:
        ShapeError: If there is not one score per image.
        InputError: If all images are of one kind, or a score is NaN.

    Source:
        Hanley and McNeil 1982, "The meaning and use of the area under a ROC curve".
    """
    return auroc_of(scored_images(is_unknown, unknown_scores, where="auroc_score").counts())


def auroc_of(counts: ScoreCounts) -> float:
    """``auroc_score`` of counted images; NaN where one kind is absent."""
    pairs = int(counts.known.sum()) * int(counts.unknown.sum())
    return pairs_in_order(counts.known, counts.unknown) / pairs if pairs else float("nan")
