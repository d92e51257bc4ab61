"""Accuracy on labelled pictures when every class is among the names: the closed-set protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sightglass.errors import EvaluationError, InputError
from sightglass.evaluation.bootstrap import calibration_interval, mean_interval
from sightglass.evaluation.labelled_pictures import LabelledPictures
from sightglass.evaluation.metrics import (
    confusion_matrix,
    expected_calibration_error,
    top_k_hits,
)
from sightglass.evaluation.metrics_json import MetricRow
from sightglass.inputs.spreading import evenly_spread
from sightglass.pipeline import ZeroShotClassifier

if TYPE_CHECKING:
    from jaxtyping import Int

    from sightglass.evaluation.bootstrap import Interval

TOP_K = (1, 3, 5)
PROTOCOL = "closed_set"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClosedSetScores:
    """What was measured.

    Attributes:
        n_images: Pictures that count.
        n_failed: Pictures that could not be opened; they are left out.
        top_k: Share of pictures whose class is among the k best, by k; in [0, 1].
        calibration_error: Expected calibration error with 15 bins; in [0, 1].
        called_unknown: Share of pictures that the unknown rule would have rejected; each of these
            is one too many here.
        confusion: Counts; the row is the true class, the column the best one.
        intervals: By metric, as ``metrics.json`` calls it, where 95 % of 1,000 other draws of
            pictures from the same source would put it.
    """

    n_images: int
    n_failed: int
    top_k: dict[int, float]
    calibration_error: float
    called_unknown: float
    confusion: Int[np.ndarray, "n_classes n_classes"]
    intervals: dict[str, Interval]

    def as_rows(self, **about: Any) -> list[MetricRow]:
        """One row per metric for ``metrics.json``; ``about`` goes into each.

        ``failed`` is the share of all pictures that could not be opened.
        """
        values = {f"top{k}": value for k, value in self.top_k.items()}
        values["ece"] = self.calibration_error
        values["called_unknown"] = self.called_unknown
        rows = []
        for name, value in values.items():
            low, high = self.intervals[name]
            rows.append(
                MetricRow(
                    protocol=PROTOCOL,
                    metric=name,
                    value=value,
                    low=low,
                    high=high,
                    n=self.n_images,
                    **about,
                )
            )
        total = self.n_images + self.n_failed
        share = self.n_failed / total
        return [*rows, MetricRow(protocol=PROTOCOL, metric="failed", value=share, n=total, **about)]


def evaluate_closed_set(
    classifier: ZeroShotClassifier, data: LabelledPictures, *, limit: int | None = None
) -> ClosedSetScores:
    """Classify labelled pictures; the labels are looked at only after the last of them.

    Args:
        classifier: Its classes are those of ``data``, in the same order.
        data: Pictures with class indices.
        limit: At most this many pictures, spread evenly over the set; None takes all.

    Raises:
        InputError: If classifier and data differ in the number of classes.
        EvaluationError: If no picture could be opened.
    """
    n_classes = len(classifier.labels.names)
    if n_classes != len(data.class_names):
        raise InputError(
            f"evaluate: as many names as the data set has classes are needed "
            f"({len(data.class_names)}), got {n_classes}. Give them in the data set's order."
        )
    chosen = evenly_spread(len(data), limit)
    wanted = set(chosen.tolist())
    sources = (
        (f"picture {index}", content)
        for index, content in enumerate(data.read())
        if index in wanted
    )
    predictions = list(classifier.stream(sources))
    usable = np.array([p.decision is not None for p in predictions], dtype=bool)
    probabilities = np.array(
        [p.decision.probabilities for p in predictions if p.decision is not None], np.float32
    )
    if not len(probabilities):
        raise EvaluationError("evaluate: no picture of the data set could be opened.")
    labels = data.labels[chosen][usable]
    scores = [p.decision.unknown_score for p in predictions if p.decision is not None]
    rejected = np.array(scores) > classifier.rule.threshold
    hits = {k: top_k_hits(probabilities, labels, k=k) for k in TOP_K if k <= n_classes}
    return ClosedSetScores(
        n_images=len(labels),
        n_failed=int((~usable).sum()),
        top_k={k: float(hit.mean()) for k, hit in hits.items()},
        calibration_error=expected_calibration_error(probabilities, labels),
        called_unknown=float(rejected.mean()),
        confusion=confusion_matrix(probabilities.argmax(axis=1), labels, n_classes=n_classes),
        intervals={
            **{f"top{k}": mean_interval(hit) for k, hit in hits.items()},
            "ece": calibration_interval(probabilities, labels),
            "called_unknown": mean_interval(rejected),
        },
    )
