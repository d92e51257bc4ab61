"""Stage 3: alignments. Each turns embeddings into logits, one column per class."""

from sightglass.alignments.alignment import (
    ALIGNMENTS,
    IMAGE_IMAGE,
    TEXT_IMAGE,
    VISION_ONLY,
    Alignment,
)
from sightglass.alignments.centred_space import Space, centred_space
from sightglass.alignments.leave_one_out import leave_one_out
from sightglass.alignments.references import align_references
from sightglass.alignments.text_image import align_text_image
from sightglass.alignments.without_self import without_self

__all__ = [
    "ALIGNMENTS",
    "IMAGE_IMAGE",
    "TEXT_IMAGE",
    "VISION_ONLY",
    "Alignment",
    "Space",
    "align_references",
    "align_text_image",
    "centred_space",
    "leave_one_out",
    "without_self",
]
