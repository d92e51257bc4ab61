"""One number for two accuracies of which neither may be bought with the other."""

from __future__ import annotations

import math

from sightglass.errors import InputError


def harmonic_mean(first: float, second: float) -> float:
    """``2 * first * second / (first + second)``, and 0 where either is 0.

    Args:
        first: Not negative; a fraction or a percentage, as ``second``.
        second: The same.

    Raises:
        InputError: If a number is negative or not finite.

    Source:
        Xian, Schiele and Akata 2017, arXiv:1703.04394.
    """
    for value in (first, second):
        if not math.isfinite(value) or value < 0:
            raise InputError(
                f"harmonic_mean: two finite numbers of at least 0 are needed, got {value}."
            )
    total = first + second
    return float(2 * first * second / total) if total else 0.0
