"""Which classes an alignment judges, and whether these are enough to listen to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.alignments import TEXT_IMAGE

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

LEAST_CLASSES = 2


def judged_classes(
    name: str,
    pictures: Float[np.ndarray, "n_pictures n_classes"],
    reference_labels: Int[np.ndarray, " n_references"],
) -> Bool[np.ndarray, " n_classes"]:
    """Class names judge all classes; references judge those that have any.

    Args:
        name: One of ``ALIGNMENTS``.
        pictures: Similarities of unlabelled pictures. A class that has none with any picture is not
            judged either.
        reference_labels: Class index of each reference.
    """
    n_classes = pictures.shape[1]
    judged = (
        np.ones(n_classes, bool)
        if name == TEXT_IMAGE
        else np.bincount(reference_labels, minlength=n_classes) > 0
    )
    return judged & np.isfinite(pictures).any(axis=0) if len(pictures) else judged


def judges_enough(judged: Bool[np.ndarray, " n_classes"]) -> bool:
    """Whether an alignment judges two classes at least, and at least half of them.

    With one class it is certain of that class whatever it sees; with few it is sure of a wrong one
    wherever a picture shows another. On CIFAR-100 with references for 36 of the classes every
    weighting lost against the class names alone.
    """
    return int(judged.sum()) >= max(LEAST_CLASSES, len(judged) / 2)
