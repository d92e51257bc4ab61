"""Stage 3: alignments. Each turns embeddings into logits, one column per class."""

from sightglass.alignments.text_image import align_text_image

__all__ = ["align_text_image"]
