"""Whether the right class is among the k best: flat hit where every image has one label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.evaluation.metrics.flat_hit import best_ranks, checked_k
from sightglass.evaluation.metrics.pairs import label_column

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int


def top_k_score(
    scores: Float[np.ndarray, "n_images n_classes"],
    labels: Int[np.ndarray, " n_images"],
    *,
    k: int,
) -> float:
    """Fraction of images whose class is among the k best scored ones.

    Args:
        scores: Higher is better; any scale. Of equal scores the lower class index comes first.
        labels: Class index of each image.
        k: At least 1, at most the number of classes.

    Raises:
        ShapeError: If there is not one label per image.
        InputError: If ``k`` or a label is out of range, a score is NaN, or there is no image.
    """
    return float(_hits(scores, labels, k=k, where="top_k_score").mean())


def top_k_hits(
    scores: Float[np.ndarray, "n_images n_classes"],
    labels: Int[np.ndarray, " n_images"],
    *,
    k: int,
) -> Bool[np.ndarray, " n_images"]:
    """For each image whether its class is among the k best: what ``top_k_score`` is the mean of.

    Args and errors are those of ``top_k_score``.
    """
    return _hits(scores, labels, k=k, where="top_k_hits")


def _hits(
    scores: Float[np.ndarray, "n_images n_classes"],
    labels: Int[np.ndarray, " n_images"],
    *,
    k: int,
    where: str,
) -> Bool[np.ndarray, " n_images"]:
    ranks = best_ranks(scores, label_column(labels, where=where), where=where)
    return ranks < checked_k(k, scores, where)
