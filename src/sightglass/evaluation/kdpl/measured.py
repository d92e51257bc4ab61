"""Measured: one accuracy, and the means over data sets and seeds that the protocols report."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sightglass.errors import ShapeError
from sightglass.evaluation.kdpl.methods import KDPL, KDPL_CA, TEACHER, Method
from sightglass.evaluation.metrics import harmonic_mean, top_k_score
from sightglass.evaluation.metrics_json import MetricRow

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from sightglass.evaluation.kdpl.dataset import KdplDataset

SUITE = "kdpl"
DOMAIN, CROSS, NOVEL = "domain_generalisation", "cross_dataset", "base_to_novel"
PROTOCOLS = (DOMAIN, CROSS, NOVEL)
TOP1, BASE, UNSEEN, HARMONIC = "top1", "top1_base", "top1_novel", "harmonic_mean"
MEAN, AVERAGE, SPREAD = "mean", "average", "_std"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Columns that all numbers of a run share.

    Attributes:
        student: Name of the student's encoder.
        teacher: Name of the teacher's.
        shots: Pictures per class to learn from.
    """

    student: str
    teacher: str
    shots: int

    def row(
        self,
        logits: Float[np.ndarray, "n_images n_classes"],
        dataset: KdplDataset,
        method: Method,
        *,
        protocol: str,
        metric: str = TOP1,
        seed: int | None = None,
    ) -> MetricRow:
        """Accuracy of ``logits`` on the test pictures of ``dataset``.

        Raises:
            ShapeError: If there is not one row per picture and one column per class.
        """
        wanted = (len(dataset.test), len(dataset.class_names))
        if logits.shape != wanted:
            raise ShapeError(
                f"{dataset.name}: one row per test picture and one column per class are needed, "
                f"{wanted}, got {logits.shape} from {method.title}."
            )
        return MetricRow(
            suite=SUITE,
            table=protocol,
            dataset=dataset.name,
            protocol=protocol,
            split=seed,
            heads=method.host,
            weighting=method.loss,
            mode=None if method.loss is None else f"{self.shots}_shots",
            encoders=self._encoders(method),
            metric=metric,
            value=top_k_score(logits, dataset.test_labels, k=1),
            n=len(dataset.test),
        )

    def _encoders(self, method: Method) -> str:
        if method == TEACHER:
            return self.teacher
        return f"{self.student}+{self.teacher}" if method.loss in {KDPL, KDPL_CA} else self.student


def with_means(rows: Sequence[MetricRow], averaged: Sequence[str]) -> tuple[MetricRow, ...]:
    """The rows of one protocol, with averages over data sets, means over seeds, harmonic means.

    The average is that of the data sets ``averaged``, seed by seed; where one of them is absent
    there is none. A mean over seeds has the least and the most as ``low`` and ``high``, and beside
    it the sample standard deviation. A harmonic mean is always that of two means: of the means over
    seeds, and in the row ``average`` of the means over data sets.

    Args:
        rows: Accuracies; ``split`` is the seed, None where nothing was learned.
        averaged: Data sets that the average is over.
    """
    each = [*rows, *_averages(rows, averaged)]
    over_seeds = [row for group in _groups(each, "split") for row in _over_seeds(group)]
    return (*each, *over_seeds, *_harmonic([*each, *over_seeds]))


def _groups(rows: Iterable[MetricRow], *apart: str) -> list[list[MetricRow]]:
    """Rows that are alike but for their value and the columns ``apart``."""
    columns = [
        name
        for name in ("dataset", "protocol", "split", "heads", "weighting", "metric")
        if name not in apart
    ]
    groups: dict[tuple[object, ...], list[MetricRow]] = {}
    for row in rows:
        groups.setdefault(tuple(getattr(row, name) for name in columns), []).append(row)
    return list(groups.values())


def _averages(rows: Sequence[MetricRow], averaged: Sequence[str]) -> list[MetricRow]:
    averages = []
    for group in _groups((row for row in rows if row.dataset in averaged), "dataset"):
        if len(group) == len(averaged):
            value = statistics.fmean(row.value for row in group if row.value is not None)
            n = sum(row.n for row in group)
            averages.append(_derived(group[0], value, dataset=AVERAGE, n=n))
    return averages


def _over_seeds(group: Sequence[MetricRow]) -> list[MetricRow]:
    values = [row.value for row in group if row.value is not None]
    if group[0].split is None:
        return []
    first = group[0]
    spread = statistics.stdev(values) if len(values) > 1 else None
    return [
        _derived(first, statistics.fmean(values), split=MEAN, low=min(values), high=max(values)),
        _derived(first, spread, split=MEAN, metric=first.metric + SPREAD),
    ]


def _harmonic(rows: Sequence[MetricRow]) -> list[MetricRow]:
    """Of base and novel accuracy wherever both stand, and the spread of the seeds' own."""
    found = []
    pairs = (row for row in rows if row.metric in {BASE, UNSEEN})
    for group in _groups(pairs, "metric"):
        value = {row.metric: row.value for row in group}
        base, novel = value.get(BASE), value.get(UNSEEN)
        if base is not None and novel is not None:
            n = sum(row.n for row in group)
            found.append(_derived(group[0], harmonic_mean(base, novel), metric=HARMONIC, n=n))
    of_seeds = [row for row in found if row.split not in {MEAN, None}]
    spreads = [
        row
        for group in _groups(of_seeds, "split")
        for row in _over_seeds(group)
        if row.metric.endswith(SPREAD)
    ]
    return [*found, *spreads]


def _derived(like: MetricRow, value: float | None, **columns: object) -> MetricRow:
    """A number made of others; what is not said is as in ``like``, but it has no interval."""
    return replace(like, value=value, **{"low": None, "high": None, **columns})  # type: ignore[arg-type]
