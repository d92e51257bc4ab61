"""The suite's numbers as tables; the published ones stand in rows and columns of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sightglass.evaluation.kdpl.known import known_datasets
from sightglass.evaluation.kdpl.measured import (
    AVERAGE,
    BASE,
    HARMONIC,
    MEAN,
    NOVEL,
    SPREAD,
    TOP1,
    UNSEEN,
)
from sightglass.evaluation.kdpl.methods import HOSTS, STUDENT, TEACHER, Method, methods_of
from sightglass.evaluation.kdpl.published import NOT_AVAILABLE, published_of
from sightglass.evaluation.metrics_json import MetricRow
from sightglass.evaluation.tables import Cell, ResultTable

_PERCENT = 100.0
OURS = "ours"
_BACKBONES = ("RN50", "ViT-B/32")
_METHODS: Mapping[tuple[object, object], Method] = {
    (method.host, method.loss): method for method in (STUDENT, TEACHER, *methods_of(tuple(HOSTS)))
}

# Data set, seed, metric.
_Key = tuple[str, int | str | None, str]


def wide_table(
    rows: Sequence[MetricRow],
    protocol: str,
    datasets: Sequence[str],
    *,
    title: str,
    average: str,
    note: str,
) -> ResultTable:
    """A column per data set; each seed's row, then mean and spread, then what is published."""
    cells: list[tuple[Cell, ...]] = []
    columns = (*datasets, AVERAGE)
    for method, values in _by_method(rows, protocol).items():
        if method.loss is None:
            cells.append(_line(method, OURS, "", values, columns, seed=None))
        else:
            for seed in _seeds(values):
                cells.append(_line(method, OURS, str(seed), values, columns, seed=seed))
            cells.append(_line(method, OURS, "mean", values, columns, seed=MEAN))
            spread = TOP1 + SPREAD
            cells.append(_line(method, OURS, "std", values, columns, seed=MEAN, metric=spread))
        for theirs in published_of(protocol, method):
            cells.append(
                (
                    *(method.title, f"published: {theirs.backbone}", ""),
                    *(theirs.values.get(name) for name in columns),
                )
            )
    heads = (*(f"{known_datasets()[name].short} %" for name in datasets), f"{average} %")
    return ResultTable(
        title=title, columns=("method", "whose", "seed", *heads), rows=tuple(cells), note=note
    )


def _line(
    method: Method,
    whose: str,
    shown_seed: str,
    values: Mapping[_Key, float | None],
    columns: Sequence[str],
    *,
    seed: int | str | None,
    metric: str = TOP1,
) -> tuple[Cell, ...]:
    numbers = (values.get((name, seed, metric)) for name in columns)
    return (method.title, whose, shown_seed, *numbers)


def novel_table(rows: Sequence[MetricRow], datasets: Sequence[str], *, note: str) -> ResultTable:
    """Base, novel and their harmonic mean for every data set and method; the averages last."""
    cells: list[tuple[Cell, ...]] = []
    methods = _by_method(rows, NOVEL)
    for name in (*datasets, AVERAGE):
        for method, values in methods.items():
            seed = None if method.loss is None else MEAN
            if (name, seed, UNSEEN) not in values:
                continue
            line: list[Cell] = [_title(name), method.title]
            for metric in (BASE, UNSEEN, HARMONIC):
                line += [
                    values.get((name, seed, metric)),
                    values.get((name, seed, metric + SPREAD)),
                ]
            theirs = {one.backbone: one.values for one in published_of(NOVEL, method)}
            line += [theirs.get(backbone, {}).get(name) for backbone in _BACKBONES]
            cells.append(tuple(line))
    return ResultTable(
        title="Base-to-novel. Learned from the base half of the classes",
        columns=(
            *("data set", "method", "base %", "std", "novel %", "std", "harmonic mean %", "std"),
            *(f"published: {backbone}, novel %" for backbone in _BACKBONES),
        ),
        rows=tuple(cells),
        note=f"{note} Each half is scored with its own names only. The harmonic mean of a data set "
        f"is that of its two means over seeds; in the last rows, {_title(AVERAGE)}, it is that of "
        f"the mean base and the mean novel accuracy, not the mean of harmonic means. Its std is "
        f"that of the seeds' own harmonic means. Published base accuracies, harmonic means and "
        f"data sets one by one: {NOT_AVAILABLE}.",
    )


def novel_seeds_table(
    rows: Sequence[MetricRow], datasets: Sequence[str], *, note: str
) -> ResultTable:
    """The same, each seed by itself."""
    methods = _by_method(rows, NOVEL)
    cells: list[tuple[Cell, ...]] = [
        (
            *(_title(name), method.title, str(seed)),
            *(values.get((name, seed, metric)) for metric in (BASE, UNSEEN, HARMONIC)),
        )
        for name in (*datasets, AVERAGE)
        for method, values in methods.items()
        for seed in _seeds(values)
        if (name, seed, UNSEEN) in values
    ]
    return ResultTable(
        title="Base-to-novel, seed by seed",
        columns=("data set", "method", "seed", "base %", "novel %", "harmonic mean %"),
        rows=tuple(cells),
        note=note,
    )


def _by_method(rows: Sequence[MetricRow], protocol: str) -> dict[Method, dict[_Key, float | None]]:
    """Percent by method, then by data set, seed and metric; methods in the order of the rows."""
    methods: dict[Method, dict[_Key, float | None]] = {}
    for row in rows:
        if row.protocol == protocol:
            method = _METHODS[row.heads, row.weighting]
            value = None if row.value is None else _PERCENT * row.value
            methods.setdefault(method, {})[row.dataset, row.split, row.metric] = value
    return methods


def _seeds(values: Mapping[_Key, float | None]) -> list[int]:
    return sorted({seed for _, seed, _ in values if isinstance(seed, int)})


def _title(name: str) -> str:
    known = known_datasets().get(name)
    return known.title if known else "average of the eleven"
