"""None of the known classes: unknown scores from plain similarities, without a softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_matrix, check_same_width
from sightglass.errors import InputError, ShapeError

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Float64

# Images and references compared at a time: 32 MB of similarities.
BLOCK = 2048


def max_cosine_scores(
    similarity: Float[np.ndarray, "n_images n_classes"],
    judged: Bool[np.ndarray, " n_classes"] | None = None,
) -> Float64[np.ndarray, " n_images"]:
    """``1 - max_c similarity_c``: higher means more likely none of the classes.

    Unlike a softmax it does not depend on how the other classes compare.

    Args:
        similarity: Cosines. Logits, which are cosines times one scale, give the same order.
        judged: Which classes take part; by default all. What stands at the others is not looked
            at.

    Returns:
        float64; in [0, 2] for cosines.

    Raises:
        ShapeError: If ``similarity`` has no two axes, or ``judged`` does not fit it.
        InputError: If no class takes part, or one that does has a NaN.

    Source:
        The distance to the nearest concept, without softmax, that Ming et al. 2022,
        arXiv:2211.13445, compare with.

    Example:
        >>> import numpy as np
        >>> max_cosine_scores(np.array([[0.25, 0.5]])).tolist()
        [0.5]
    """
    where = "max_cosine_scores"
    check_matrix(similarity, where=where, name="similarity")
    n_classes = similarity.shape[1]
    mask = np.ones(n_classes, bool) if judged is None else np.asarray(judged)
    if mask.shape != (n_classes,) or mask.dtype != bool:
        raise ShapeError(
            f"{where}: judged needs True or False for each of {n_classes} classes, got "
            f"{mask.dtype} {mask.shape}."
        )
    if not mask.any():
        raise InputError(f"{where}: at least one judged class is needed, got none of {n_classes}.")
    best = similarity[:, mask].max(axis=1).astype(np.float64)
    wrong = np.flatnonzero(np.isnan(best))
    if wrong.size:
        raise InputError(
            f"{where}: similarities of judged classes must be numbers, got nan in row {wrong[0]}."
        )
    scores: Float64[np.ndarray, " n_images"] = 1.0 - best
    return scores


def nearest_reference_scores(
    image_embeddings: Float[np.ndarray, "n_images dim"],
    reference_embeddings: Float[np.ndarray, "n_references dim"],
) -> Float64[np.ndarray, " n_images"]:
    """``1 - max_r cos(image, reference_r)``: higher means more likely none of the classes.

    Args:
        image_embeddings: Unit rows from an image tower.
        reference_embeddings: Unit rows from the same tower, those of the known classes; at least
            one.

    Returns:
        float64 in [0, 2].

    Raises:
        ShapeError: If the widths differ.
        InputError: If there is no reference.

    Source:
        Distance to the nearest neighbour; Sun et al. 2022, arXiv:2204.06507, with k = 1.

    Example:
        >>> import numpy as np
        >>> nearest_reference_scores(np.array([[0.6, 0.8]]), np.eye(2)).round(6).tolist()
        [0.2]
    """
    where = "nearest_reference_scores"
    check_same_width(
        image_embeddings,
        reference_embeddings,
        where=where,
        names=("image_embeddings", "reference_embeddings"),
    )
    if len(reference_embeddings) == 0:
        raise InputError(f"{where}: at least one reference is needed, got none.")
    best = np.full(len(image_embeddings), -np.inf)
    for first in range(0, len(reference_embeddings), BLOCK):
        references = reference_embeddings[first : first + BLOCK].astype(np.float64).T
        for start in range(0, len(image_embeddings), BLOCK):
            block = slice(start, start + BLOCK)
            similarity = image_embeddings[block].astype(np.float64) @ references
            np.maximum(best[block], similarity.max(axis=1), out=best[block])
    scores: Float64[np.ndarray, " n_images"] = 1.0 - best
    return scores
