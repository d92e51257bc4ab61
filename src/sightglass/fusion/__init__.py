"""Stage 4: fusion. Several alignments' logits become one distribution per picture."""

from sightglass.fusion.softmax import softmax

__all__ = ["softmax"]
