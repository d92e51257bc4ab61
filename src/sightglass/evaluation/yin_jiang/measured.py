"""Measured: what stands beside every number of one data set."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sightglass.evaluation.bootstrap import calibration_interval, mean_interval
from sightglass.evaluation.metrics import expected_calibration_error, top_k_hits
from sightglass.evaluation.metrics_json import MetricRow

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, Int

SUITE = "yin-jiang"
MODE = "paper_formula"
TOP_K = (1, 3, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Columns that all numbers of a data set share.

    Attributes:
        dataset: Its name.
        encoders: Names of the encoders, joined by ``+``.
    """

    dataset: str
    encoders: str

    def row(self, metric: str, value: float | None, *, n: int, **columns: object) -> MetricRow:
        """One number; ``columns`` are further fields of ``MetricRow``."""
        columns = {"mode": MODE, **columns}
        return MetricRow(
            suite=SUITE,
            dataset=self.dataset,
            encoders=self.encoders,
            metric=metric,
            value=value,
            n=n,
            **columns,  # type: ignore[arg-type]
        )

    def closed(
        self,
        scores: Float[np.ndarray, "n_images n_classes"],
        labels: Int[np.ndarray, " n_images"],
        **columns: object,
    ) -> list[MetricRow]:
        """top1, top3, top5 and ece with 95 % bootstrap intervals over pictures."""
        columns = {"protocol": "closed_set", **columns}
        rows = []
        for k in TOP_K:
            if k <= scores.shape[1]:
                hits = top_k_hits(scores, labels, k=k)
                low, high = mean_interval(hits)
                rows.append(
                    self.row(
                        f"top{k}", float(hits.mean()), low=low, high=high, n=len(hits), **columns
                    )
                )
        low, high = calibration_interval(scores, labels)
        ece = expected_calibration_error(scores, labels)
        return [*rows, self.row("ece", ece, low=low, high=high, n=len(labels), **columns)]

    def over_splits(self, of_splits: Sequence[MetricRow], *, table: str) -> list[MetricRow]:
        """Mean (low and high: the least and the most) and sample standard deviation.

        Args:
            of_splits: One metric under otherwise equal columns, a row per split.
            table: Where the two rows belong.
        """
        first = of_splits[0]
        columns = {
            "table": table,
            "protocol": first.protocol,
            "split": "mean",
            "heads": first.heads,
            "weighting": first.weighting,
        }
        values = [row.value for row in of_splits if row.value is not None]
        n = min(row.n for row in of_splits)
        if not values:
            return [self.row(first.metric, None, n=n, **columns)]
        mean = statistics.fmean(values)
        spread = statistics.stdev(values) if len(values) > 1 else None
        return [
            self.row(first.metric, mean, low=min(values), high=max(values), n=n, **columns),
            self.row(f"{first.metric}_std", spread, n=n, **columns),
        ]
