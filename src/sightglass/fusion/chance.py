"""Whether a count of hits can be put down to chance."""

from __future__ import annotations

import math

import numpy as np

LEVEL = 0.01


def better_than_chance(hits: int, n: int, chance: float) -> bool:
    """Whether ``hits`` of ``n`` or more would come by chance in less than 1 % of cases.

    Args:
        hits: At most ``n``.
        n: Trials; with none the answer is no.
        chance: Probability of a hit by guessing, in [0, 1].

    Source:
        Exact one-sided binomial test.
    """
    return binomial_tail(hits, n, chance) < LEVEL


def binomial_tail(hits: int, n: int, chance: float) -> float:
    """Probability of ``hits`` or more of ``n``, each with probability ``chance``."""
    if hits <= 0:
        return 1.0
    if hits > n or chance <= 0:
        return 0.0
    if chance >= 1:
        return 1.0
    ks = range(hits, n + 1)
    logs = [
        math.lgamma(n + 1)
        - math.lgamma(k + 1)
        - math.lgamma(n - k + 1)
        + k * math.log(chance)
        + (n - k) * math.log1p(-chance)
        for k in ks
    ]
    return min(1.0, float(np.exp(logs).sum()))
