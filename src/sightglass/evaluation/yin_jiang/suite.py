"""The suite: every table and figure over the data sets that are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sightglass.checks import require_extra
from sightglass.errors import InputError
from sightglass.evaluation.datasets import find_datasets, load_dataset
from sightglass.evaluation.local_datasets import LocatedDataset
from sightglass.evaluation.metrics_json import MetricRow
from sightglass.evaluation.tables import ResultTable
from sightglass.evaluation.yin_jiang.brought import find_references
from sightglass.evaluation.yin_jiang.embedded import Encoders, embed_labelled
from sightglass.evaluation.yin_jiang.figures import Figure, figure_3, figure_5
from sightglass.evaluation.yin_jiang.measured import About
from sightglass.evaluation.yin_jiang.one_dataset import Findings, examine, plan_table
from sightglass.evaluation.yin_jiang.open_set import Setting, open_set
from sightglass.evaluation.yin_jiang.reference_rows import ReferenceRows, brought
from sightglass.evaluation.yin_jiang.scatter import Panel, panels_of
from sightglass.evaluation.yin_jiang.scenes import (
    OPEN_SETS,
    Subject,
    fits_splits,
    scenes_of,
    sources_of_open_set,
)
from sightglass.evaluation.yin_jiang.suite_tables import (
    figure_3_table,
    released_code_table,
    table_1,
    table_2,
    table_3,
    table_4,
    table_5,
    table_6,
    table_7,
)
from sightglass.evaluation.yin_jiang.timing import Clock, table_8

DATASETS = ("mnist", "svhn", "cifar10", "cifar100", "cifar+10", "cifar+50", "tinyimagenet")
_WEIGHTINGS_ON = "cifar10"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteResult:
    """All that the suite found.

    Attributes:
        rows: For metrics.json.
        tables: By the name of their files.
        figures: Drawn.
        remarks: What a reader must know beside the tables: what is absent, and why.
    """

    rows: tuple[MetricRow, ...]
    tables: Mapping[str, ResultTable]
    figures: tuple[Figure, ...]
    remarks: tuple[str, ...]


def run_suite(
    data: Path,
    setting: Setting,
    *,
    references: Path | None = None,
    limit: int | None = None,
    command: str = "",
    say: Say = lambda _: None,
) -> SuiteResult:
    """Run every table and figure.

    Args:
        data: Folder with the data sets; see ``find_datasets``.
        setting: Encoders, prompts, weighting, and how many references to harvest.
        references: What a person brought; see ``find_references``.
        limit: At most this many pictures of each data set, evenly spread.
        command: What makes the tables again.
        say: Takes a line about what is being done.

    Raises:
        InputError: If there is no data set in ``data``, or ``references`` fit none.
        MissingExtraError: If a library of the extra ``eval`` is not installed.
    """
    for module in ("matplotlib", "sklearn"):
        require_extra(module, extra="eval", purpose="The suite yin-jiang")
    located = find_datasets(data)
    clocks: dict[str, Clock] = {}
    subjects = _subjects(
        located, setting.encoders, references=references, limit=limit, clocks=clocks, say=say
    )
    remarks = _absent(located, subjects)
    if not setting.virtual_names:
        remarks.append(
            "Protocol virtual_names: not run, because no guessed names were given "
            "(--virtual-names)."
        )
    rows: list[MetricRow] = []
    findings: dict[str, Findings] = {}
    panels: list[Panel] = []
    for name, subject in subjects.items():
        say(f"{name}: closed set")
        about = About(dataset=name, encoders=setting.encoders.names)
        found = examine(subject, setting, about, clocks[name])
        findings[name] = found
        rows += [row for row in found.rows if row.table != "5" or name == _WEIGHTINGS_ON]
        remarks += found.remarks
        if name == _WEIGHTINGS_ON:
            say("Figure 5: t-SNE")
            panels = panels_of(subject, found.told, found.references)
    for name in OPEN_SETS:
        of_set = sources_of_open_set(name)
        if not set(of_set) <= set(subjects):
            continue
        strange = [part for part in of_set if not fits_splits(subjects[part])]
        if strange:
            remarks.append(
                f"{name}: no open set, because the splits do not fit the "
                f"{len(subjects[strange[0]].class_names):,} classes of this {strange[0]}."
            )
            continue
        say(f"{name}: open set, five splits")
        about = About(dataset=name, encoders=setting.encoders.names)
        scenes = scenes_of(name, subjects)
        rows += open_set(scenes, setting, about, weightings=name == _WEIGHTINGS_ON)
    points = {name: found.points for name, found in findings.items() if found.points}
    figures = [figure_3(points)] if points else []
    figures += [figure_5(panels)] if panels else []
    return SuiteResult(
        rows=tuple(rows),
        tables=_tables(rows, findings, note=_note(setting, limit), command=command),
        figures=tuple(figures),
        remarks=tuple(remarks),
    )


def _subjects(
    located: Mapping[str, LocatedDataset],
    encoders: Encoders,
    *,
    references: Path | None,
    limit: int | None,
    clocks: dict[str, Clock],
    say: Say,
) -> dict[str, Subject]:
    """Every data set that is there, embedded, with the references that were brought for it."""
    present = {
        name: load_dataset(one.path, split=one.split)
        for name, one in located.items()
        if one.path is not None
    }
    if not present:
        raise InputError(
            "Suite: at least one data set is needed, found none. "
            + " ".join(one.wanted for one in located.values())
        )
    names = {name: one.class_names for name, one in present.items()}
    found = {} if references is None else find_references(references, names)
    subjects = {}
    for name, labelled in present.items():
        clocks[name] = Clock()
        count = len(labelled) if limit is None else min(limit, len(labelled))
        say(f"{name}: read and encode {count:,} pictures")
        with clocks[name].stage("read_encode"):
            pictures = embed_labelled(labelled, encoders, limit=limit)
        with_them: ReferenceRows | None = None
        if name in found:
            with clocks[name].stage("references"):
                with_them = brought(embed_labelled(found[name], encoders))
        subjects[name] = Subject(
            name=name,
            class_names=tuple(labelled.class_names),
            pictures=pictures,
            brought=with_them,
        )
    return subjects


def _absent(located: Mapping[str, LocatedDataset], subjects: Mapping[str, Subject]) -> list[str]:
    """A sentence for each data set of the paper that is not there."""
    remarks = []
    for name in DATASETS:
        if name in subjects:
            continue
        missing = [part for part in sources_of_open_set(name) if part not in subjects]
        if missing:
            wanted = " ".join(located[part].wanted for part in missing)
            remarks.append(f"{name}: absent. {wanted}")
    return remarks


def _note(setting: Setting, limit: int | None) -> str:
    shown = "all pictures" if limit is None else f"at most {limit:,} pictures of each data set"
    return (
        f"Encoders {setting.encoders.names}, {shown}; M1 text-image, M2 references in the same "
        f"space, M3 references in the vision-only space; scales without labels; weighting "
        f"{setting.weighting} where none is named."
    )


def _tables(
    rows: Sequence[MetricRow], findings: Mapping[str, Findings], *, note: str, command: str
) -> dict[str, ResultTable]:
    points = {name: found.points for name, found in findings.items() if found.points}
    of_references = " ".join(
        f"{name}: {found.about_references}" for name, found in findings.items()
    )
    full = f"{note} References. {of_references}"
    made = {
        "table_1": table_1(rows, note=full),
        "table_2": table_2(rows, note=full),
        "table_3": table_3(rows, note=full),
        "table_4": table_4(rows, note=full),
        "table_5": table_5(rows, note=full),
        "table_6": table_6(rows, note=full),
        "table_7": table_7(rows, note=full),
        "table_8": table_8(rows, note=note),
        "figure_3": figure_3_table(points, note=full),
        "released_code": released_code_table(rows, note=full),
        "plans": plan_table(findings),
    }
    return {name: replace(table, command=command) for name, table in made.items()}
