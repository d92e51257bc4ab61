"""Stage 4: fusion. Several alignments' logits become one distribution per picture."""

from sightglass.fusion.calibrate import Material, calibrate
from sightglass.fusion.confidence_weights import entropies
from sightglass.fusion.fuse import MODES, WEIGHTINGS, fuse
from sightglass.fusion.fused import Fused
from sightglass.fusion.gate import fixed_weights
from sightglass.fusion.plan import AlignmentPlan, FusionPlan
from sightglass.fusion.softmax import softmax

__all__ = [
    "MODES",
    "WEIGHTINGS",
    "AlignmentPlan",
    "Fused",
    "FusionPlan",
    "Material",
    "calibrate",
    "entropies",
    "fixed_weights",
    "fuse",
    "softmax",
]
