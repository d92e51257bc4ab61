"""Images against reference pictures of the classes, in the space of one image tower."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_positive, check_same_width
from sightglass.errors import InputError, ShapeError, unknown_name

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

POOLINGS = ("mean", "half_sum")


def align_references(
    image_embeddings: Float[np.ndarray, "n_images dim"],
    reference_embeddings: Float[np.ndarray, "n_references dim"],
    reference_labels: Int[np.ndarray, " n_references"],
    *,
    n_classes: int,
    logit_scale: float,
    pooling: str = "mean",
) -> tuple[Float[np.ndarray, "n_images n_classes"], Bool[np.ndarray, " n_classes"]]:
    """Mean cosine similarity of every image with every class's references, times ``logit_scale``.

    A class's references are pooled before any softmax: a class with many references has no
    advantage over a class with one.

    Args:
        image_embeddings: Unit rows from an image tower.
        reference_embeddings: Unit rows from the same tower; at least one, in any order.
        reference_labels: Class index of each reference, in [0, ``n_classes``).
        n_classes: How many columns the answer has, at least 1.
        logit_scale: Above 0, dimensionless.
        pooling: ``"mean"``, or ``"half_sum"``: half the sum of the similarities, as in the scripts
            released with the paper. It favours classes with more references, and gives a class
            without any the similarity 0 as if that had been seen; for comparison with those
            scripts only.

    Returns:
        float32 logits in nats, and which classes this alignment can judge. A class without
        references has the logit -inf and is not judged; under ``"half_sum"`` it has 0 and is.
        Summed in float64, so that the last bits do not depend on how many images are in the batch.

    Raises:
        ShapeError: If the widths differ, or there is not one label per reference.
        InputError: If there is no reference, a label is no class, or ``logit_scale`` is not above
            0.
        UnknownNameError: If ``pooling`` is unknown.

    Source:
        The image-image heads of Yin & Jiang 2024, arXiv:2405.02155; ``"half_sum"``: the code
        released with it, github.com/1134112149/MICW-ZIC.

    Example:
        >>> import numpy as np
        >>> rows = np.eye(2)
        >>> logits, judged = align_references(
        ...     rows[:1], rows, np.array([0, 0]), n_classes=2, logit_scale=10.0
        ... )
        >>> logits.tolist(), judged.tolist()
        ([[5.0, -inf]], [True, False])
    """
    where = "align_references"
    check_same_width(
        image_embeddings,
        reference_embeddings,
        where=where,
        names=("image_embeddings", "reference_embeddings"),
    )
    check_positive(logit_scale, where=where, name="logit_scale")
    if pooling not in POOLINGS:
        raise unknown_name("pooling", pooling, POOLINGS)
    labels = np.asarray(reference_labels)
    _check_labels(labels, n_references=len(reference_embeddings), n_classes=n_classes)
    # The mean of the dot products is the dot product with the mean: one row per class is enough.
    pooled = np.zeros((n_classes, reference_embeddings.shape[1]))
    np.add.at(pooled, labels, reference_embeddings.astype(np.float64))
    counts = np.bincount(labels, minlength=n_classes)
    if pooling == "half_sum":
        judged = np.ones(n_classes, bool)
        pooled *= 0.5
    else:
        judged = counts > 0
        pooled /= np.maximum(counts, 1)[:, None]
    similarity = image_embeddings.astype(np.float64) @ pooled.T
    logits = np.where(judged, logit_scale * similarity, -np.inf).astype(np.float32)
    return logits, judged


def _check_labels(labels: np.ndarray, *, n_references: int, n_classes: int) -> None:
    if labels.shape != (n_references,) or not np.issubdtype(labels.dtype, np.integer):
        raise ShapeError(
            f"align_references: one whole number per reference is needed as its label, got "
            f"{labels.dtype} {labels.shape} for {n_references} references."
        )
    if n_references == 0:
        raise InputError(
            "align_references: at least one reference is needed, got none. Without references, "
            "leave this alignment out."
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= n_classes))
    if wrong.size:
        raise InputError(
            f"align_references: labels must be class indices from 0 to {n_classes - 1}, got "
            f"{labels[wrong[0]]} for reference {wrong[0]}."
        )
