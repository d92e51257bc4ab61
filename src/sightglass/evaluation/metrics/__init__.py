"""How good the answers are. Fractions in [0, 1], float64, no files."""

from sightglass.evaluation.metrics.auroc import auroc_score
from sightglass.evaluation.metrics.calibration import expected_calibration_error
from sightglass.evaluation.metrics.false_positives import fpr_at_tpr
from sightglass.evaluation.metrics.flat_hit import best_ranks, flat_hit_at_k_score
from sightglass.evaluation.metrics.harmonic import harmonic_mean
from sightglass.evaluation.metrics.oscr import oscr_score
from sightglass.evaluation.metrics.per_class import confusion_matrix, per_class_accuracy
from sightglass.evaluation.metrics.top_k import top_k_hits, top_k_score

__all__ = [
    "auroc_score",
    "best_ranks",
    "confusion_matrix",
    "expected_calibration_error",
    "flat_hit_at_k_score",
    "fpr_at_tpr",
    "harmonic_mean",
    "oscr_score",
    "per_class_accuracy",
    "top_k_hits",
    "top_k_score",
]
