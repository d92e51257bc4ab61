"""Logit scales without a test label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Float64, Int

# The best class of a picture lies some three standard deviations above the mean of the classes.
# For CLIP, whose similarities to class names spread by 0.02 to 0.03, this gives its scale of 100.
SPREADS = 3.0
_LEAST, _MOST = 1e-2, 1e4
# Cosines in float32 that should be equal differ by some 1e-7.
_ROUNDING = 1e-6


def spread(similarity: Float[np.ndarray, "n_images n_classes"]) -> float:
    """Mean over the images of the standard deviation over the classes; -inf is left out.

    Images with fewer than two finite entries say nothing; 0 if there are no others, or if the
    entries differ by no more than rounding.
    """
    known = np.isfinite(similarity).sum(axis=1) > 1
    if not known.any():
        return 0.0
    possible = np.isfinite(similarity[known])
    counts = possible.sum(axis=1)
    finite = np.where(possible, similarity[known], 0.0).astype(np.float64)
    means = finite.sum(axis=1, keepdims=True) / counts[:, None]
    squares = np.where(possible, finite - means, 0.0) ** 2
    width = float(np.sqrt(squares.sum(axis=1) / counts).mean())
    return width if width > _ROUNDING else 0.0


def a_priori_scale(
    similarity: Float[np.ndarray, "n_images n_classes"], *, reliability: float = 1.0
) -> float | None:
    """``3 * reliability / spread``: a standard deviation of similarity is worth so many nats.

    Args:
        similarity: Cosines of unlabelled images with the classes.
        reliability: In [0, 1]; see ``agreement``.

    Returns:
        A scale above 0; None where all similarities are the same or the reliability is 0.

    Source:
        Ours; the constant is fixed beforehand, see ``SPREADS``.
    """
    width = spread(similarity)
    scale = SPREADS * reliability / width if width > 0 else 0.0
    return scale if scale > 0 else None


def likelihood_scale(
    similarity: Float[np.ndarray, "n_references n_classes"],
    labels: Int[np.ndarray, " n_references"],
) -> float:
    """The scale at which references are most likely to show what they show.

    It maximises ``sum_i log softmax(scale * similarity_i)[label_i]``, plus one image's worth of the
    mean over the classes in place of the label: without that doubt a set that is told apart without
    error would want an infinite scale.

    Args:
        similarity: Of references with the classes, each without itself; -inf is impossible.
        labels: Class indices. A row that is -inf at its label is left out.

    Returns:
        A scale from 0.01 to 10,000; 0.01 where similarity says nothing of the labels, or less.

    Source:
        Temperature scaling, Guo et al. 2017, arXiv:1706.04599, on leave-one-out similarities. The
        added doubt is ours (Laplace's rule of succession).
    """
    usable = np.isfinite(similarity[np.arange(len(labels)), labels])
    if not usable.any():
        return _LEAST
    similarity, labels = similarity[usable], labels[usable]
    low, high = np.log(_LEAST), np.log(_MOST)
    # The likelihood is concave in the scale: its slope changes sign once.
    for _ in range(50):
        middle = (low + high) / 2
        if _slope(similarity, labels, float(np.exp(middle))) > 0:
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))


def _slope(
    similarity: Float[np.ndarray, "n c"], labels: Int[np.ndarray, " n"], scale: float
) -> float:
    possible = np.isfinite(similarity)
    finite: Float64[np.ndarray, "n c"] = np.where(possible, similarity, 0.0).astype(np.float64)
    logits = np.where(possible, scale * finite, -np.inf)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = (powers * finite).sum(axis=1) / powers.sum(axis=1)
    means = finite.sum(axis=1) / possible.sum(axis=1)
    of_label = finite[np.arange(len(labels)), labels]
    return float((of_label - expected).sum() + (means - expected).mean())
