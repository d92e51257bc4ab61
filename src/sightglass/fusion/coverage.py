"""Which classes an alignment judges, and what a person should know of those that it does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from sightglass.alignments import TEXT_IMAGE

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

# With one class it is certain of that class, whatever it sees.
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


def coverage_notes(judged: Mapping[str, Bool[np.ndarray, " n_classes"]]) -> tuple[str, ...]:
    """A sentence for each alignment that judges fewer than half of the classes, yet enough of them.

    Args:
        judged: By alignment in use.
    """
    return tuple(
        f"{name} judges only {mask.sum()} of {len(mask)} classes: the others have no references. "
        f"It can be sure of the wrong class where a picture shows one of these."
        for name, mask in judged.items()
        if LEAST_CLASSES <= mask.sum() < len(mask) / 2
    )
