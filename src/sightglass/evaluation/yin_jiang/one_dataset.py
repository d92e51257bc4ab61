"""One data set's closed-set part: Tables 2, 3, 5, 7 and 8, and Figure 3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sightglass.evaluation.bootstrap import mean_interval
from sightglass.evaluation.metrics import top_k_hits
from sightglass.evaluation.metrics_json import MetricRow
from sightglass.evaluation.tables import Cell, ResultTable
from sightglass.evaluation.yin_jiang.closed import closed_set, table_2_rows, table_5_rows
from sightglass.evaluation.yin_jiang.measured import About
from sightglass.evaluation.yin_jiang.open_set import Setting
from sightglass.evaluation.yin_jiang.reference_rows import ReferenceRows
from sightglass.evaluation.yin_jiang.released_code import released_code_rows
from sightglass.evaluation.yin_jiang.scenes import Subject
from sightglass.evaluation.yin_jiang.several import (
    Point,
    accuracy_by_references,
    one_and_several,
)
from sightglass.evaluation.yin_jiang.suite_tables import short
from sightglass.evaluation.yin_jiang.timing import Clock
from sightglass.evaluation.yin_jiang.told import Told, tell
from sightglass.fusion import FusionPlan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Findings:
    """What one data set gave.

    Attributes:
        rows: Its numbers.
        points: Of Figure 3; none without references.
        plans: By weighting, how all alignments were fused.
        told: Its names as rows.
        references: Those of the tables, or None.
        about_references: Where they come from, in a sentence.
        remarks: What a reader must know.
    """

    rows: tuple[MetricRow, ...]
    points: tuple[Point, ...]
    plans: Mapping[str, FusionPlan]
    told: Told
    references: ReferenceRows | None
    about_references: str
    remarks: tuple[str, ...]


def examine(subject: Subject, setting: Setting, about: About, clock: Clock) -> Findings:
    """Everything closed-set about one data set.

    Args:
        subject: Its labels meet the metrics only.
        setting: As for the suite.
        about: Stands beside every number.
        clock: Has counted reading and encoding already.
    """
    pictures = subject.pictures
    told = tell(subject.names, setting.encoders, setting.templates)
    with clock.stage("references"):
        references = told.references(pictures, subject.brought, per_class=setting.harvest)
    with clock.stage("compare"):
        heads = told.heads(pictures, references)
    with clock.stage("calibrate"):
        plan = heads.plan(heads.every, weighting=setting.weighting)
    with clock.stage("fuse"):
        heads.fused(plan)
    measured = closed_set(heads, pictures.labels, about)
    rows = [
        *table_2_rows(measured.rows, weighting=setting.weighting),
        *measured.rows,
        *table_5_rows(measured.rows),
    ]
    if setting.released_code:
        rows += released_code_rows(pictures, told.raw_classes, references, about)
    points: list[Point] = []
    if references is not None:
        points, of_table_7 = _by_number(told, subject, references, setting, about)
        rows += of_table_7
    rows += clock.rows(
        about, n=len(pictures), heads="+".join(heads.every), weighting=setting.weighting
    )
    remarks = []
    if references is None:
        why = (
            "none were brought or harvested. Bring some with --references, or let them be "
            "harvested with --harvest"
            if setting.harvest == 0
            else "none were brought, and the rule of harvesting finds no picture that may stand "
            "for a class. Bring some with --references"
        )
        remarks.append(f"{subject.name}: no references, so only M1 can be shown: {why}.")
    if pictures.failed:
        remarks.append(f"{subject.name}: {pictures.failed:,} pictures could not be opened.")
    return Findings(
        rows=tuple(rows),
        points=tuple(points),
        plans=measured.plans,
        told=told,
        references=references,
        about_references=_about(references, len(told.names)),
        remarks=tuple(remarks),
    )


def _by_number(
    told: Told, subject: Subject, references: ReferenceRows, setting: Setting, about: About
) -> tuple[list[Point], list[MetricRow]]:
    """Figure 3's points, and the accuracies of Table 7."""
    pictures = subject.pictures
    rows = []
    most = references
    for count, some in one_and_several(told, pictures, references, per_class=setting.harvest):
        most = some
        heads = told.heads(pictures, some)
        scores = heads.fused(heads.plan(heads.every, weighting=setting.weighting)).probabilities
        hits = top_k_hits(scores, pictures.labels, k=1)
        low, high = mean_interval(hits)
        rows.append(
            about.row(
                f"top1_{count}",
                float(hits.mean()),
                low=low,
                high=high,
                n=len(hits),
                table="7",
                protocol="closed_set",
                heads="+".join(heads.every),
                weighting=setting.weighting,
            )
        )
    return accuracy_by_references(told, pictures, most, weighting=setting.weighting), rows


def _about(references: ReferenceRows | None, n_classes: int) -> str:
    if references is None:
        return "none."
    counts = np.bincount(references.labels, minlength=n_classes)
    origin = (
        "brought"
        if references.by_construction.all()
        else "harvested from the unlabelled test pictures themselves (transductive)"
    )
    return (
        f"{len(references):,} {origin}, {counts.min()} to {counts.max()} per class, "
        f"{(counts == 0).sum()} of {n_classes} classes without."
    )


def plan_table(findings: Mapping[str, Findings]) -> ResultTable:
    """How the scales came about and what the gate said, for the fusion of all alignments."""
    cells: list[tuple[Cell, ...]] = [
        (
            *(name, weighting, short(one.name), float(one.logit_scale), one.scale_source),
            *(float(one.coefficient), "yes" if one.used else "no"),
            " ".join((one.why, *plan.notes)),
        )
        for name, found in findings.items()
        for weighting, plan in found.plans.items()
        for one in plan.alignments
    ]
    return ResultTable(
        title="Calibration. Scales and the gate, closed set, without a label",
        columns=(
            *("data set", "weighting", "alignment", "scale", "where it comes from"),
            *("coefficient if stacked", "in use", "why"),
        ),
        rows=tuple(cells),
    )
