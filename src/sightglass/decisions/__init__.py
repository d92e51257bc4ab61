"""Stage 5: decisions. From probabilities to a label, a confidence, and "none of these"."""

from sightglass.decisions.decide import Decision, decide
from sightglass.decisions.distance_scores import max_cosine_scores, nearest_reference_scores
from sightglass.decisions.evidence import Evidence, NearestReference, Opinion
from sightglass.decisions.near_ties import near_ties
from sightglass.decisions.open_set import OPEN_SET_SCORES, open_set_scores
from sightglass.decisions.protocols import (
    PROTOCOLS,
    Protocol,
    ProtocolClasses,
    protocol_classes,
)
from sightglass.decisions.unknown import UnknownRule, background_scores

__all__ = [
    "OPEN_SET_SCORES",
    "PROTOCOLS",
    "Decision",
    "Evidence",
    "NearestReference",
    "Opinion",
    "Protocol",
    "ProtocolClasses",
    "UnknownRule",
    "background_scores",
    "decide",
    "max_cosine_scores",
    "near_ties",
    "nearest_reference_scores",
    "open_set_scores",
    "protocol_classes",
]
