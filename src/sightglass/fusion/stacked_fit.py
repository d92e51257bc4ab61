"""Coefficients of the log-linear pool, fitted to references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.fusion.stacked_pool import average_logits

if TYPE_CHECKING:
    from jaxtyping import Float, Float64, Int

_STEPS = 100
_TOLERANCE = 1e-7


def fit_coefficients(
    logits: Sequence[Float[np.ndarray, "n_references n_classes"]],
    labels: Int[np.ndarray, " n_references"],
) -> Float64[np.ndarray, " n_alignments"]:
    """Non-negative coefficients under which references are most likely to show what they show.

    They maximise ``sum_i log softmax(sum_a beta_a z_a)[label_i]`` with ``z_a`` as in
    ``stacked_pool``, plus one reference's worth of doubt as in ``likelihood_scale``. An alignment
    that adds nothing to the others gets 0.

    Args:
        logits: One matrix per alignment; the reference itself left out; -inf where a class has no
            other reference.
        labels: Class indices of at least one reference; every matrix is finite there.

    Returns:
        One number of at least 0 per alignment; not all of them 0 unless no alignment tells the
        labels better than chance.

    Source:
        Logarithmic opinion pool (Genest & Zidek 1986) with stacked weights (Wolpert 1992; the
        constraint after Breiman 1996); the likelihood is concave, solved by projected Newton steps
        (Bertsekas 1982).
    """
    evidence = np.stack([_centred(matrix) for matrix in logits])
    possible = np.any([np.isfinite(matrix) for matrix in logits], axis=0)
    beta = np.full(len(logits), 1.0 / len(logits))
    value, slope, curvature = _derivatives(beta, evidence, possible, labels)
    for _ in range(_STEPS):
        free = (beta > 0) | (slope < 0)
        if not free.any() or np.abs(slope[free]).max() < _TOLERANCE:
            break
        damped = curvature[np.ix_(free, free)] + 1e-9 * np.eye(int(free.sum()))
        step = np.zeros_like(beta)
        step[free] = np.linalg.solve(damped, slope[free])
        length = 1.0
        while length > 1e-10:
            trial = np.maximum(beta - length * step, 0.0)
            found = _derivatives(trial, evidence, possible, labels)
            if found[0] < value:
                break
            length /= 2
        else:
            break
        beta, (value, slope, curvature) = trial, found
    return beta


def _centred(logits: Float[np.ndarray, "n c"]) -> Float64[np.ndarray, "n c"]:
    possible = np.isfinite(logits)
    finite = np.where(possible, logits, 0.0).astype(np.float64)
    return np.where(possible, finite - average_logits(finite, possible), 0.0)


def _derivatives(
    beta: Float64[np.ndarray, " a"],
    evidence: Float64[np.ndarray, "a n c"],
    possible: np.ndarray,
    labels: Int[np.ndarray, " n"],
) -> tuple[float, Float64[np.ndarray, " a"], Float64[np.ndarray, "a a"]]:
    """Loss (the mean negative log-likelihood with its doubt), gradient and Hessian."""
    n = len(labels)
    total = np.where(possible, np.tensordot(beta, evidence, axes=1), -np.inf)
    highest = total.max(axis=1, keepdims=True)
    powers = np.exp(total - highest)
    sums = powers.sum(axis=1, keepdims=True)
    probabilities = powers / sums
    log_sums = (highest + np.log(sums))[:, 0]
    rows = np.arange(n)
    share = possible / possible.sum(axis=1, keepdims=True)
    doubt = 1.0 / n
    means = (np.where(possible, total, 0.0) * share).sum(axis=1)
    loss = (log_sums - total[rows, labels]).mean() + doubt * (log_sums - means).mean()
    expected = (probabilities * evidence).sum(axis=2)
    average = (share * evidence).sum(axis=2)
    slope = (expected - evidence[:, rows, labels]).mean(axis=1)
    slope += doubt * (expected - average).mean(axis=1)
    curvature = np.empty((len(beta), len(beta)))
    for a in range(len(beta)):
        product = (probabilities * evidence[a] * evidence).sum(axis=2)
        curvature[a] = (1 + doubt) * (product - expected[a] * expected).mean(axis=1)
    return float(loss), slope, curvature
