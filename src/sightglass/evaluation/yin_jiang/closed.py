"""Closed set: every subset of the alignments under every weighting."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sightglass.evaluation.metrics_json import MetricRow
from sightglass.evaluation.yin_jiang.heads import Heads
from sightglass.evaluation.yin_jiang.measured import About
from sightglass.fusion import WEIGHTINGS, FusionPlan

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedSet:
    """What was measured on one data set.

    Attributes:
        rows: Table 3: subsets under weightings. A single alignment has no weighting: it is the
            same under all of them.
        plans: By weighting, the plan of the fusion of all alignments.
    """

    rows: tuple[MetricRow, ...]
    plans: dict[str, FusionPlan]


def closed_set(heads: Heads, labels: Int[np.ndarray, " n_images"], about: About) -> ClosedSet:
    """Table 3 of one data set. ``labels`` meet nothing but the metrics."""
    rows: list[MetricRow] = []
    plans = {}
    for names in heads.subsets:
        alone = len(names) == 1
        for weighting in WEIGHTINGS[:1] if alone else WEIGHTINGS:
            plan = heads.plan(names, weighting=weighting)
            if names == heads.every:
                plans[weighting] = plan
            rows += about.closed(
                spoken(heads.fused(plan).probabilities),
                labels,
                table="3",
                heads="+".join(names),
                weighting=None if alone else weighting,
            )
    return ClosedSet(rows=tuple(rows), plans=plans)


def spoken(
    probabilities: Float[np.ndarray, "n_images n_classes"],
) -> Float[np.ndarray, "n_images n_classes"]:
    """Rows that sum to 1: where nothing was said, all classes are equally likely."""
    silent = ~probabilities.any(axis=1, keepdims=True)
    return np.where(silent, 1 / probabilities.shape[1], probabilities)


def table_2_rows(rows: tuple[MetricRow, ...], *, weighting: str) -> list[MetricRow]:
    """Single alignments, and the fusion of all under one weighting, as rows of Table 2."""
    most = max(row.heads.count("+") for row in rows if row.heads)
    return [
        replace(row, table="2")
        for row in rows
        if row.heads
        and (row.weighting is None or (row.weighting == weighting and row.heads.count("+") == most))
    ]


def table_5_rows(rows: tuple[MetricRow, ...]) -> list[MetricRow]:
    """The fusion of all alignments under each weighting, as rows of Table 5."""
    most = max(row.heads.count("+") for row in rows if row.heads)
    return [
        replace(row, table="5")
        for row in rows
        if row.heads and row.weighting and row.heads.count("+") == most
    ]
