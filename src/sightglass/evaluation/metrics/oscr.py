"""Whether known images are both accepted and right while unknown ones are rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.evaluation.metrics.score_counts import ScoreCounts, pairs_in_order, scored_images

if TYPE_CHECKING:
    from jaxtyping import Bool, Float


def oscr_score(
    is_unknown: Bool[np.ndarray, " n_images"],
    unknown_scores: Float[np.ndarray, " n_images"],
    correct: Bool[np.ndarray, " n_images"],
) -> float:
    """Area under the open-set classification rate curve.

    At a threshold t an image with a score of at most t is accepted. The curve draws the share of
    all known images that are accepted and right against the share of unknown images that are
    accepted, joined by straight lines where scores are equal. So the area is the probability that
    a random known image is right and has a lower score than a random unknown one, where an equal
    score counts half. Never above the accuracy on known images; where all of these are right it is
    ``auroc_score``.

    Args:
        is_unknown: True for images of unknown classes.
        unknown_scores: Higher means more likely unknown; any scale.
        correct: Whether the best known class is the image's own; ignored for unknown images.

    Raises:
        ShapeError: If there is not one score and one flag per image.
        InputError: If all images are of one kind, or a score is NaN.

    Source:
        Dhamija, Günther and Boult 2018, arXiv:1811.04110: the curve.
    """
    images = scored_images(is_unknown, unknown_scores, correct, where="oscr_score")
    return oscr_of(images.counts())


def oscr_of(counts: ScoreCounts) -> float:
    """``oscr_score`` of counted images; NaN where one kind is absent."""
    pairs = int(counts.known.sum()) * int(counts.unknown.sum())
    return pairs_in_order(counts.correct, counts.unknown) / pairs if pairs else float("nan")
