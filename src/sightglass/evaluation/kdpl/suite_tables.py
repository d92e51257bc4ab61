"""All tables of the suite with what a reader must know beside them."""

from __future__ import annotations

from collections.abc import Sequence

from sightglass.evaluation.kdpl.drawn import Drawn, drawn_table
from sightglass.evaluation.kdpl.measured import CROSS, DOMAIN, NOVEL, PROTOCOLS
from sightglass.evaluation.kdpl.plan import SHOWN, Plan
from sightglass.evaluation.kdpl.protocol_tables import novel_seeds_table, novel_table, wide_table
from sightglass.evaluation.kdpl.published import published_sources
from sightglass.evaluation.metrics_json import MetricRow
from sightglass.evaluation.tables import ResultTable


def tables_of(
    rows: Sequence[MetricRow], drawn: Sequence[Drawn], plan: Plan
) -> dict[str, ResultTable]:
    """By the name of their files.

    Args:
        rows: With averages and means.
        drawn: Lists of pictures.
        plan: What was run.
    """
    notes = {one: f"{_note(plan)} They stand in: {published_sources(one)}." for one in PROTOCOLS}
    return {
        DOMAIN: wide_table(
            rows,
            DOMAIN,
            SHOWN[DOMAIN],
            title="Domain generalisation. Learned on ImageNet, tested where pictures are different",
            average="mean of 4",
            note=f"{notes[DOMAIN]} The mean of 4 is that of the targets; the source, ImageNet, "
            f"is not in it. ImageNet-A and ImageNet-R are scored over their own classes only.",
        ),
        CROSS: wide_table(
            rows,
            CROSS,
            SHOWN[CROSS],
            title="Cross-dataset. Learned on ImageNet, tested on ten other data sets",
            average="mean of 10",
            note=f"{notes[CROSS]} Every data set is told by its own class names in the learned "
            f"context. The backbone of the published rows is not printed; their zero-shot row fits "
            f"RN50.",
        ),
        NOVEL: novel_table(rows, SHOWN[NOVEL], note=notes[NOVEL]),
        f"{NOVEL}_seeds": novel_seeds_table(rows, SHOWN[NOVEL], note=notes[NOVEL]),
        "pictures": drawn_table(drawn),
    }


def _note(plan: Plan) -> str:
    shown = (
        "all test pictures"
        if plan.limit is None
        else f"at most {plan.limit:,} test pictures of each list, evenly spread"
    )
    return (
        f"Top-1. Student {plan.about.student}, teacher {plan.about.teacher}, {plan.about.shots} "
        f"pictures per class to learn from, seeds {', '.join(map(str, plan.seeds))}, {shown}. "
        f"std: sample standard deviation over seeds, in points. Zero-shot: the student with a "
        f"plain template, the teacher with each data set's. Published numbers are means over three "
        f"seeds of CLIP students with a ViT-H/14 teacher; none of ours is made with them."
    )
