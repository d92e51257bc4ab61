"""Stacked weighting: the alignments' evidence added up before the softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.fusion.judged_softmax import judged_softmax

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64


def average_logits(
    logits: Float64[np.ndarray, "n_images n_classes"],
    possible: Bool[np.ndarray, "n_images n_classes"],
) -> Float64[np.ndarray, "n_images 1"]:
    """The logit of a class of average probability: the log of the mean of ``exp(logits)``.

    Args:
        logits: In nats.
        possible: Entries that count; a row without any has 0.
    """
    inside = np.where(possible, logits, -np.inf)
    highest = np.where(possible.any(axis=1), inside.max(axis=1), 0.0)[:, None]
    sums = np.exp(inside - highest).sum(axis=1, keepdims=True)
    counts = possible.sum(axis=1, keepdims=True)
    means = np.divide(sums, counts, out=np.ones_like(sums), where=counts > 0)
    averages: Float64[np.ndarray, "n_images 1"] = highest + np.log(means)
    return averages


def stacked_pool(
    logits: Sequence[Float64[np.ndarray, "n_images n_classes"]],
    judged: Sequence[Bool[np.ndarray, " n_classes"]],
    coefficients: Float64[np.ndarray, " n_alignments"],
) -> Float64[np.ndarray, "n_images n_classes"]:
    """``softmax_c(sum_a beta_a z_a(c))``, a log-linear pool of the alignments.

    ``z_a`` is an alignment's logits less that of a class of average probability among those that
    it judges; a class that it does not judge has 0 there: it is given the average probability.
    Where all alignments judge all classes this cancels: the softmax of the plain weighted sum.

    Args:
        logits: One matrix per alignment, in nats; -inf at a judged class means impossible.
        judged: Which classes each alignment judges.
        coefficients: The ``beta_a``, not negative. At 0 an alignment moves nothing.

    Returns:
        Rows that sum to 1. A class that no alignment judges has 0. A row is 0 throughout where the
        alignments leave nothing possible, or those with a coefficient above 0 judge nothing.

    Source:
        Logarithmic opinion pool; Genest & Zidek 1986, Statistical Science 1(1). Differs in what a
        pool takes from a member that does not judge everything; that rule is ours.
    """
    total = np.zeros_like(logits[0])
    candidates = np.zeros(total.shape, bool)
    heard = np.zeros((len(total), 1), bool)
    for matrix, mask, coefficient in zip(logits, judged, coefficients, strict=True):
        possible = mask & np.isfinite(matrix)
        counts = possible.sum(axis=1, keepdims=True)
        judging = mask & (counts > 0)
        candidates |= judging
        if coefficient > 0:  # 0 times -inf is not a number
            heard |= counts > 0
            risen = matrix - average_logits(matrix, possible)
            total += coefficient * np.where(judging, risen, 0.0)
    return judged_softmax(total, candidates & heard)
