"""Seconds per stage of one full classification: Table 8."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sightglass.evaluation.metrics_json import MetricRow
from sightglass.evaluation.tables import Cell, ResultTable
from sightglass.evaluation.yin_jiang.measured import About

STAGES = {
    "read_encode": "read and encode",
    "references": "references",
    "compare": "compare",
    "calibrate": "calibrate",
    "fuse": "fuse",
}
_PAPER = {"cifar10": 232.0, "cifar100": 430.0, "tinyimagenet": 1970.0}


class Clock:
    """Adds up seconds by stage."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what happens inside as one of ``STAGES``."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start

    def rows(self, about: About, *, n: int, heads: str, weighting: str) -> list[MetricRow]:
        """One row per stage and one for all of them, in seconds."""
        every = {**self.seconds, "total": sum(self.seconds.values())}
        return [
            about.row(
                f"seconds_{name}",
                seconds,
                n=n,
                table="8",
                protocol="closed_set",
                heads=heads,
                weighting=weighting,
            )
            for name, seconds in every.items()
        ]


def table_8(rows: Sequence[MetricRow], *, note: str) -> ResultTable:
    """Seconds for each data set and stage, and milliseconds per picture."""
    of_dataset: dict[str, dict[str, MetricRow]] = {}
    for row in rows:
        if row.table == "8":
            of_dataset.setdefault(row.dataset, {})[row.metric.removeprefix("seconds_")] = row
    cells: list[tuple[Cell, ...]] = []
    for dataset, found in of_dataset.items():
        total, n = found["total"].value or 0.0, found["total"].n
        stages = [found[name].value for name in STAGES]
        cells.append((dataset, n, *stages, total, 1000 * total / n, _PAPER.get(dataset)))
    return ResultTable(
        title="Table 8. Seconds per stage, all alignments",
        columns=(
            *("data set", "pictures"),
            *(f"{stage}, s" for stage in STAGES.values()),
            *("total, s", "ms per picture", "theirs, whole set, s"),
        ),
        rows=tuple(cells),
        note=f"{note} Pictures that the store already knows are read but not encoded again. "
        f"Theirs: the preprint, hardware not stated.",
    )
