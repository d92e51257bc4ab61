"""The suite: flat hit at k on the data sets that are there."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from sightglass.errors import EvaluationError, InputError
from sightglass.evaluation.data_efficient.dataset import FlatHitDataset
from sightglass.evaluation.data_efficient.known import KNOWN
from sightglass.evaluation.data_efficient.located import Say, locate
from sightglass.evaluation.data_efficient.measured import measured
from sightglass.evaluation.data_efficient.scored import Scored, Setting, score
from sightglass.evaluation.data_efficient.suite_tables import tables_of
from sightglass.evaluation.metrics_json import MetricRow
from sightglass.evaluation.suite_result import SuiteResult


def run_suite(
    data: Path, setting: Setting, *, command: str = "", say: Say = lambda _: None
) -> SuiteResult:
    """Measure on every data set that is there.

    Args:
        data: Folder with the data sets, each in a folder named after it.
        setting: Encoder, templates, and how many pictures.
        command: What makes the tables again.
        say: Takes a line about what is being done.

    Raises:
        InputError: If there is nothing in ``data`` to measure on.
    """
    located = locate(data, say=say)
    remarks = list(located.remarks)
    rows: list[MetricRow] = []
    found: dict[str, tuple[FlatHitDataset, Scored]] = {}
    for name, dataset in located.datasets.items():
        title = KNOWN[name].title
        count = dataset.n_pictures if setting.limit is None else setting.limit
        say(
            f"{title}: {min(count, dataset.n_pictures):,} pictures among "
            f"{len(dataset.candidates):,} candidates"
        )
        try:
            scored = score(dataset, setting, say=partial(_say_of, say, title))
        except EvaluationError as error:
            remarks.append(f"{title}: not used. {error}")
            continue
        found[name] = dataset, scored
        rows += measured(dataset, scored, model=setting.model)
        if scored.n_failed:
            kinds = ", ".join(f"{count:,} {kind}" for kind, count in scored.failed.items())
            remarks.append(
                f"{title}: {scored.n_failed:,} pictures could not be read ({kinds}) and are left "
                f"out; the first is {scored.first_failed}."
            )
    if not found:
        raise InputError(
            f"Suite: at least one data set is needed in '{data}', found none. " + " ".join(remarks)
        )
    tables = tables_of(rows, found, setting)
    return SuiteResult(
        rows=tuple(rows),
        tables={name: replace(table, command=command) for name, table in tables.items()},
        remarks=tuple(remarks),
    )


def _say_of(say: Say, title: str, line: str) -> None:
    say(f"{title}: {line}")
