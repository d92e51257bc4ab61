"""No picture is compared with itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Int


def without_self(
    similarity: Float[np.ndarray, "n_images n_classes"],
    images: Float[np.ndarray, "n_images dim"],
    references: Float[np.ndarray, "n_references dim"],
    labels: Int[np.ndarray, " n_references"],
    own: Mapping[int, int],
) -> None:
    """Leave images that are references out of their own class's mean, in place.

    An image that is its class's only reference gets the mean over the other classes there: it then
    says nothing about itself.

    Args:
        similarity: From ``align_references`` with a logit scale of 1; changed.
        images: Rows that were compared.
        references: Rows that they were compared with.
        labels: Class index of each reference.
        own: Which images (by row) are references (by row).
    """
    counts = np.bincount(labels, minlength=similarity.shape[1])
    for image, place in own.items():
        label = labels[place]
        others = counts[label] - 1
        if others:
            itself = float(images[image].astype(np.float64) @ references[place])
            whole = counts[label] * float(similarity[image, label])
            similarity[image, label] = (whole - itself) / others
        else:
            rest = np.delete(similarity[image], label)
            finite = rest[np.isfinite(rest)]
            similarity[image, label] = finite.mean() if finite.size else 0.0
