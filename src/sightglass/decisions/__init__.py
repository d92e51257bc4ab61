"""Stage 5: decisions. From probabilities to a label, a confidence, and "none of these"."""

from sightglass.decisions.decide import Decision, decide
from sightglass.decisions.near_ties import near_ties
from sightglass.decisions.unknown import UnknownRule, background_scores

__all__ = ["Decision", "UnknownRule", "background_scores", "decide", "near_ties"]
