"""Logits to probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_matrix

if TYPE_CHECKING:
    from jaxtyping import Float


def softmax(logits: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
    """Rows that sum to 1, float32, computed in float64 after subtracting the row's maximum.

    Raises:
        ShapeError: If ``logits`` does not have two axes.

    Example:
        >>> import numpy as np
        >>> softmax(np.array([[0.0, 0.0]])).tolist()
        [[0.5, 0.5]]
    """
    check_matrix(logits, where="softmax", name="logits")
    wide = logits.astype(np.float64)
    powers = np.exp(wide - wide.max(axis=1, keepdims=True))
    probabilities: Float[np.ndarray, "n c"] = (powers / powers.sum(axis=1, keepdims=True)).astype(
        np.float32
    )
    return probabilities
