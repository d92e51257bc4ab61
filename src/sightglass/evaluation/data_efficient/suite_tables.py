"""The suite's tables; the published numbers stand in rows of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sightglass.encoders.contract import RoundingEncoder
from sightglass.evaluation.data_efficient.dataset import FlatHitDataset
from sightglass.evaluation.data_efficient.known import KNOWN, KS
from sightglass.evaluation.data_efficient.measured import FAILED, metric_of
from sightglass.evaluation.data_efficient.published import (
    published_gains,
    published_rows,
    published_sources,
)
from sightglass.evaluation.data_efficient.scored import Scored, Setting
from sightglass.evaluation.metrics_json import MetricRow
from sightglass.evaluation.tables import ResultTable

_PERCENT = 100.0
_DIGITS = 16
NOT_BETTER = (
    "In the published rows self-distillation is not better than InfoNCE (26.7 against 26.8 and "
    "10.0 against 10.9 at k = 1): they are no reason to expect that it is."
)
NO_VALUES = (
    "Absolute values of Cheng et al. 2021 itself are not available to us, nor are published "
    "numbers of ImageNet-21k+1k; the rows are those of the follow-up, Wu et al. 2022."
)


def tables_of(
    rows: Sequence[MetricRow],
    found: Mapping[str, tuple[FlatHitDataset, Scored]],
    setting: Setting,
) -> dict[str, ResultTable]:
    """By the name of their files.

    Args:
        rows: What was measured.
        found: By data set, what it was measured on.
        setting: With what.
    """
    note = _note(setting)
    return {
        "flat_hit": _side_by_side(rows, setting, note=f"{note} {NOT_BETTER} {NO_VALUES}"),
        "intervals": _intervals(rows, note=note),
        "relative": _relative(),
        "pictures": _pictures(found),
    }


def _side_by_side(rows: Sequence[MetricRow], setting: Setting, *, note: str) -> ResultTable:
    """Ours in one row, theirs below; a column for each data set and k."""
    columns = [(name, k) for name in KNOWN for k in KS]
    ours = {(row.dataset, row.metric): row.value for row in rows}
    values = [ours.get((name, metric_of(k))) for name, k in columns]
    cells = [
        (setting.model, "ours", *(None if one is None else _PERCENT * one for one in values)),
        *(
            (
                *(theirs.method, f"published: {theirs.setting} ({theirs.source})"),
                *(theirs.values.get(column) for column in columns),
            )
            for theirs in published_rows()
        ),
    ]
    sources = "; ".join(f"{tag}: {what}" for tag, what in published_sources().items())
    heads = (f"{KNOWN[name].short} F@{k} %" for name, k in columns)
    return ResultTable(
        title="Flat hit at k. Any right class among the k nearest",
        columns=("method", "whose", *heads),
        rows=tuple(cells),
        note=f"{note} {sources}.",
    )


def _intervals(rows: Sequence[MetricRow], *, note: str) -> ResultTable:
    return ResultTable(
        title="Intervals. Ours, with 95 % bootstrap intervals over pictures",
        columns=("data set", "metric", "value %", "low %", "high %", "pictures"),
        rows=tuple(
            (
                *(KNOWN[row.dataset].title, row.metric),
                *(None if x is None else _PERCENT * x for x in (row.value, row.low, row.high)),
                row.n,
            )
            for row in rows
        ),
        note=f"{note} {FAILED}: share of pictures that could not be read; they are left out of the "
        f"other rows.",
    )


def _relative() -> ResultTable:
    return ResultTable(
        title="Relative gains. What Cheng et al. 2021 state, in percent of the other's number",
        columns=("data set", "over", "gain %", "source"),
        rows=tuple(
            (KNOWN[one.dataset].title, one.over, one.percent, one.source)
            for one in published_gains()
        ),
        note="They are published without the numbers that they were made of, so that nothing of "
        "ours can stand beside them.",
    )


def _pictures(found: Mapping[str, tuple[FlatHitDataset, Scored]]) -> ResultTable:
    return ResultTable(
        title="Pictures. What was measured on",
        columns=(
            *("data set", "candidates", "different names", "pictures scored", "labels per picture"),
            *("not there", "unreadable", "without label", "sha256, first digits"),
        ),
        rows=tuple(
            (
                *(KNOWN[name].title, len(dataset.candidates), scored.n_names, len(scored.ranks)),
                scored.n_labels / len(scored.ranks),
                *(dataset.missing, scored.n_failed, dataset.unlabelled),
                scored.digest[:_DIGITS],
            )
            for name, (dataset, scored) in found.items()
        ),
        note="The hash is of the candidates and of the chosen pictures' paths with their classes: "
        "equal hashes, equal tasks. Pictures that are not there or without label are counted over "
        "the whole data set.",
    )


def _note(setting: Setting) -> str:
    shown = (
        "all pictures"
        if setting.limit is None
        else f"at most {setting.limit:,} pictures of each data set, evenly spread"
    )
    rounded = " Rows of pictures in reduced precision." if _rounds(setting) else ""
    notes = setting.encoder.card.notes
    return (
        f"Model {setting.model}, {_wording(setting)}, nearest class by cosine, {shown}; a hit is "
        f"any of a picture's classes among the k nearest, the mean is over pictures.{rounded}"
        f"{f' Mind: {notes}' if notes else ''}"
    )


def _wording(setting: Setting) -> str:
    if setting.encoder.card.own_context:
        return "its own context"
    first, *others = setting.templates
    return f'"{first}"' + (f" and {len(others):,} more templates" if others else "")


def _rounds(setting: Setting) -> bool:
    return isinstance(setting.encoder, RoundingEncoder)
