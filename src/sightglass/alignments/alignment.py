"""Alignment: what one way of comparing says of every picture and class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

TEXT_IMAGE = "text_image"  # the paper's M1
IMAGE_IMAGE = "image_image"  # M2: references, in the space of the text-image model
VISION_ONLY = "vision_only"  # M3: references, in the space of a model that knows no text
ALIGNMENTS = (TEXT_IMAGE, IMAGE_IMAGE, VISION_ONLY)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alignment:
    """Logits with what is needed to fuse them.

    Attributes:
        name: One of ``ALIGNMENTS``.
        logits: In nats; -inf where a class cannot be judged.
        logit_scale: What the similarities were multiplied with; dimensionless.
        judged: Classes that this alignment can judge: those with references.
    """

    name: str
    logits: Float[np.ndarray, "n_images n_classes"]
    logit_scale: float
    judged: Bool[np.ndarray, " n_classes"]
