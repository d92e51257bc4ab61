"""Flat hit at k as rows for metrics.json."""

from __future__ import annotations

from sightglass.evaluation.bootstrap import share_interval
from sightglass.evaluation.data_efficient.dataset import FlatHitDataset
from sightglass.evaluation.data_efficient.known import KS
from sightglass.evaluation.data_efficient.scored import Scored
from sightglass.evaluation.metrics_json import MetricRow

SUITE, PROTOCOL = "data-efficient", "flat_hit"
FAILED = "failed"


def metric_of(k: int) -> str:
    """What metrics.json calls flat hit at ``k``."""
    return f"flat_hit@{k}"


def measured(dataset: FlatHitDataset, scored: Scored, *, model: str) -> list[MetricRow]:
    """A row for each k that the candidates allow, and the share of pictures that were not read.

    The mean is over pictures, not classes; low and high are a 95 % bootstrap interval.

    Args:
        dataset: What was measured on.
        scored: Its ranks.
        model: Name of the encoder.
    """
    n = len(scored.ranks)
    rows = []
    for k in KS:
        if k > len(dataset.candidates):
            continue
        hits = int((scored.ranks < k).sum())
        low, high = share_interval(hits, n)
        rows.append(_row(dataset, metric_of(k), hits / n, model=model, n=n, low=low, high=high))
    total = n + scored.n_failed
    rows.append(_row(dataset, FAILED, scored.n_failed / total, model=model, n=total))
    return rows


def _row(
    dataset: FlatHitDataset,
    metric: str,
    value: float,
    *,
    model: str,
    n: int,
    low: float | None = None,
    high: float | None = None,
) -> MetricRow:
    return MetricRow(
        suite=SUITE,
        table=PROTOCOL,
        dataset=dataset.name,
        protocol=PROTOCOL,
        heads="text_image",
        encoders=model,
        metric=metric,
        value=value,
        low=low,
        high=high,
        n=n,
    )
