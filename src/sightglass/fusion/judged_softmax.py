"""One alignment's logits to its distribution over the classes that it judges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64


def judged_softmax(
    logits: Float64[np.ndarray, "n_images n_classes"], judged: Bool[np.ndarray, "... n_classes"]
) -> Float64[np.ndarray, "n_images n_classes"]:
    """Rows that sum to 1 over the judged classes and are 0 elsewhere.

    Args:
        logits: In nats, classes side by side in memory; -inf means impossible. What stands at a
            class that is not judged is not looked at.
        judged: Which classes take part, for all rows or row by row.

    Returns:
        float64. A row in which nothing is possible is 0 throughout.
    """
    masked = np.where(judged, logits, -np.inf)
    highest = masked.max(axis=1, keepdims=True)
    # -inf - -inf is not a number: a row in which nothing is possible is moved by 0 instead.
    powers: Float64[np.ndarray, "n_images n_classes"] = np.exp(
        masked - np.where(np.isneginf(highest), 0.0, highest)
    )
    total = powers.sum(axis=1, keepdims=True)
    np.divide(powers, total, out=powers, where=total > 0)
    return powers
