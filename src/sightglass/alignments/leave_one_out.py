"""References against each other: each is judged by the others alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Float64, Int


def leave_one_out(
    reference_embeddings: Float[np.ndarray, "n_references dim"],
    reference_labels: Int[np.ndarray, " n_references"],
    *,
    n_classes: int,
) -> Float64[np.ndarray, "n_references n_classes"]:
    """Mean cosine similarity of every reference with every class's other references.

    References carry their class by construction, so this shows without any test label how well an
    alignment tells the classes apart.

    Args:
        reference_embeddings: Unit rows.
        reference_labels: Class index of each, in [0, ``n_classes``).
        n_classes: Number of columns.

    Returns:
        float64 in [-1, 1]; -inf for a class that has no other reference.

    Source:
        Leave-one-out estimation; Stone 1974, JRSS B 36(2).

    Example:
        >>> import numpy as np
        >>> leave_one_out(np.eye(2)[[0, 0, 1]], np.array([0, 0, 1]), n_classes=2).tolist()
        [[1.0, 0.0], [1.0, 0.0], [0.0, -inf]]
    """
    rows = reference_embeddings.astype(np.float64)
    sums = np.zeros((n_classes, rows.shape[1]))
    np.add.at(sums, reference_labels, rows)
    counts = np.tile(np.bincount(reference_labels, minlength=n_classes), (len(rows), 1))
    similarity = rows @ sums.T
    own = np.arange(len(rows)), reference_labels
    similarity[own] -= (rows * rows).sum(axis=1)
    counts[own] -= 1
    return np.where(counts > 0, similarity / np.maximum(counts, 1), -np.inf)
