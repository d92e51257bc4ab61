"""The suite's numbers as tables for the eye."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sightglass.alignments import IMAGE_IMAGE, TEXT_IMAGE, VISION_ONLY
from sightglass.decisions import PROTOCOLS
from sightglass.evaluation.metrics_json import MetricRow
from sightglass.evaluation.tables import Cell, ResultTable
from sightglass.evaluation.yin_jiang.open_set import MAIN_SCORES
from sightglass.evaluation.yin_jiang.released import NOT_AVAILABLE, released
from sightglass.evaluation.yin_jiang.several import CURVES, ONE_OR_SEVERAL, Point

SHORT = {TEXT_IMAGE: "M1", IMAGE_IMAGE: "M2", VISION_ONLY: "M3"}
_PERCENT = 100.0
_RELEASED_OPEN_SET = ("oracle_names", "oracle_minmax")


def short(heads: str | None) -> str:
    """``M1+M3`` for ``text_image+vision_only``."""
    return "+".join(SHORT.get(name, name) for name in (heads or "").split("+") if name)


def _grouped(rows: Sequence[MetricRow], *by: str) -> dict[tuple[object, ...], dict[str, MetricRow]]:
    groups: dict[tuple[object, ...], dict[str, MetricRow]] = {}
    for row in rows:
        groups.setdefault(tuple(getattr(row, name) for name in by), {})[row.metric] = row
    return groups


def _percent(row: MetricRow | None) -> float | None:
    return None if row is None or row.value is None else _PERCENT * row.value


def _interval(row: MetricRow | None) -> str:
    if row is None or row.low is None or row.high is None:
        return ""
    return f"{_PERCENT * row.low:.2f} to {_PERCENT * row.high:.2f}"


def table_1(rows: Sequence[MetricRow], *, note: str) -> ResultTable:
    """Open set: mean and standard deviation over the splits, a line per score."""
    means = [row for row in rows if row.table == "1" and row.split == "mean"]
    cells: list[tuple[Cell, ...]] = []
    groups = _grouped(means, "dataset", "protocol", "heads", "weighting")
    for (dataset, protocol, heads, weighting), of_group in groups.items():
        for metric in [name for name in of_group if name.startswith("auroc")]:
            if metric.endswith("_std"):
                continue
            score = metric.removeprefix("auroc_")
            line: list[Cell] = [
                *(str(dataset), str(protocol), short(str(heads)), str(weighting or ""), score)
            ]
            for name in ("auroc", "fpr95", "oscr"):
                line += [
                    _percent(of_group.get(f"{name}_{score}")),
                    _percent(of_group.get(f"{name}_{score}_std")),
                ]
            theirs = (
                released(str(dataset), str(heads), "auroc")
                if (protocol, score) == _RELEASED_OPEN_SET
                else None
            )
            line += [_interval(of_group.get(metric)), _PERCENT * theirs.value if theirs else None]
            cells.append(tuple(line))
    told = " ".join(f"{one.name}: {one.told}. {one.meaning}" for one in PROTOCOLS.values())
    return ResultTable(
        title="Table 1. Open set, mean over the five splits",
        columns=(
            *("data set", "protocol", "alignments", "weighting", "score"),
            *("AUROC %", "std", "FPR95 %", "std", "OSCR %", "std", "AUROC least to most"),
            "theirs, AUROC %",
        ),
        rows=tuple(cells),
        note=f"{note} {told} std is the sample standard deviation over splits; of CIFAR-10 two "
        f"splits are the same set of classes. Alignments for which some split yields no reference "
        f"have no mean; metrics.json has their splits. Theirs: other encoders, one split of CIFAR-"
        f"10, from the text of the preprint; everywhere else {NOT_AVAILABLE}.",
    )


def table_2(rows: Sequence[MetricRow], *, note: str) -> ResultTable:
    """Closed set: single alignments against the fusion, with the released numbers beside."""
    cells: list[tuple[Cell, ...]] = []
    groups = _grouped([row for row in rows if row.table == "2"], "dataset", "heads", "weighting")
    for (dataset, heads, weighting), of_group in groups.items():
        theirs = released(str(dataset), str(heads), "top1")
        cells.append(
            (
                *(str(dataset), short(str(heads)), str(weighting or "")),
                *(_percent(of_group.get(name)) for name in ("top1", "top3", "top5", "ece")),
                _interval(of_group.get("top1")),
                of_group["top1"].n,
                _PERCENT * theirs.value if theirs else None,
                theirs.source if theirs else NOT_AVAILABLE,
            )
        )
    return ResultTable(
        title="Table 2. Closed set: single alignments and their fusion",
        columns=(
            *("data set", "alignments", "weighting", "top-1 %", "top-3 %", "top-5 %", "ECE %"),
            *("top-1, 95 % interval", "pictures", "theirs, top-1 %", "where theirs stands"),
        ),
        rows=tuple(cells),
        note=f"{note} All class names are candidates. Theirs: CLIP ViT-B/32 and DINOv2 ViT-B/14, "
        f"scales chosen on test accuracy; not the same encoders, so not a reproduction.",
    )


def table_3(rows: Sequence[MetricRow], *, note: str) -> ResultTable:
    """Every subset of the alignments under every weighting."""
    cells: list[tuple[Cell, ...]] = []
    groups = _grouped([row for row in rows if row.table == "3"], "dataset", "heads", "weighting")
    for (dataset, heads, weighting), of_group in groups.items():
        cells.append(
            (
                *(str(dataset), short(str(heads)), str(weighting or "any")),
                *(_percent(of_group.get(name)) for name in ("top1", "top3", "top5", "ece")),
                _interval(of_group.get("top1")),
            )
        )
    return ResultTable(
        title="Table 3. Every subset of the alignments, accuracy",
        columns=(
            *("data set", "alignments", "weighting", "top-1 %", "top-3 %", "top-5 %", "ECE %"),
            "top-1, 95 % interval",
        ),
        rows=tuple(cells),
        note=f"{note} What the gate drops from a subset with M1 does not take part. Their Table "
        f"3: {NOT_AVAILABLE}.",
    )


def _auroc_table(rows: Sequence[MetricRow], table: str, *, title: str, note: str) -> ResultTable:
    wanted = [row for row in rows if row.table == table]
    cells: list[tuple[Cell, ...]] = []
    groups = _grouped(wanted, "dataset", "protocol", "heads", "weighting")
    for (dataset, protocol, heads, weighting), of_group in groups.items():
        name = f"auroc_{MAIN_SCORES[str(protocol)]}"
        cells.append(
            (
                *(str(dataset), str(protocol), MAIN_SCORES[str(protocol)]),
                *(short(str(heads)), str(weighting or "")),
                _percent(of_group.get(name)),
                _percent(of_group.get(f"{name}_std")),
                _interval(of_group.get(name)),
            )
        )
    return ResultTable(
        title=title,
        columns=(
            *("data set", "protocol", "score", "alignments", "weighting"),
            *("AUROC %", "std", "least to most"),
        ),
        rows=tuple(cells),
        note=note,
    )


def table_4(rows: Sequence[MetricRow], *, note: str) -> ResultTable:
    """AUROC of every subset, mean over the splits."""
    return _auroc_table(
        rows,
        "4",
        title="Table 4. Every subset of the alignments, AUROC (mean over the five splits)",
        note=f"{note} Their Table 4: {NOT_AVAILABLE}.",
    )


def table_5(rows: Sequence[MetricRow], *, note: str) -> ResultTable:
    """Weightings on CIFAR-10: accuracy."""
    cells: list[tuple[Cell, ...]] = []
    groups = _grouped([row for row in rows if row.table == "5"], "heads", "weighting")
    for (heads, weighting), of_group in groups.items():
        cells.append(
            (
                *(str(weighting), short(str(heads))),
                *(_percent(of_group.get(name)) for name in ("top1", "top3", "top5", "ece")),
                _interval(of_group.get("top1")),
            )
        )
    return ResultTable(
        title="Table 5. Weightings on CIFAR-10, accuracy",
        columns=(
            *("weighting", "alignments", "top-1 %", "top-3 %", "top-5 %", "ECE %"),
            "top-1, 95 % interval",
        ),
        rows=tuple(cells),
        note=f"{note} Their Table 5: {NOT_AVAILABLE}; they found inverse entropy best.",
    )


def released_code_table(rows: Sequence[MetricRow], *, note: str) -> ResultTable:
    """The released scripts' formula; empty unless it was asked for."""
    cells: list[tuple[Cell, ...]] = []
    of_table = [row for row in rows if row.table == "released_code"]
    for (dataset, weighting), of_group in _grouped(of_table, "dataset", "weighting").items():
        theirs = released(str(dataset), of_table[0].heads or "", "top1")
        cells.append(
            (
                *(str(dataset), str(weighting), "released_code"),
                *(_percent(of_group.get(name)) for name in ("top1", "top3", "top5", "ece")),
                _PERCENT * theirs.value if theirs else None,
            )
        )
    return ResultTable(
        title="Released code. Their scripts' formula, for regression only",
        columns=(
            *("data set", "weighting", "mode", "top-1 %", "top-3 %", "top-5 %", "ECE %"),
            "theirs, top-1 %",
        ),
        rows=tuple(cells),
        note=f"{note} Every number here is made in released_code mode: raw rows, half the sum over "
        f"references, their constants (chosen on test accuracy with other encoders), 1e-6 inside "
        f"the entropy's logarithm.",
    )


def table_6(rows: Sequence[MetricRow], *, note: str) -> ResultTable:
    """Weightings on CIFAR-10: AUROC."""
    return _auroc_table(
        rows,
        "6",
        title="Table 6. Weightings on CIFAR-10, AUROC (mean over the five splits)",
        note=f"{note} Their Table 6: {NOT_AVAILABLE}; they found inverse entropy best.",
    )


def table_7(rows: Sequence[MetricRow], *, note: str) -> ResultTable:
    """One reference per class against several, fused."""
    of_dataset: dict[str, dict[str, MetricRow]] = {}
    for row in rows:
        if row.table == "7" and row.split in {None, "mean"}:
            of_dataset.setdefault(row.dataset, {})[f"{row.protocol}/{row.metric}"] = row
    cells: list[tuple[Cell, ...]] = [
        (
            dataset,
            count,
            _percent(found.get(f"closed_set/top1_{count}")),
            *(
                _percent(found.get(f"{protocol}/auroc_{score}_{count}{std}"))
                for protocol, score in MAIN_SCORES.items()
                for std in ("", "_std")
            ),
        )
        for dataset, found in of_dataset.items()
        for count in ONE_OR_SEVERAL
    ]
    return ResultTable(
        title="Table 7. One reference per class or several, all alignments fused",
        columns=(
            *("data set", "references per class", "top-1 %"),
            *(
                heading
                for protocol, score in MAIN_SCORES.items()
                for heading in (f"AUROC %, {protocol} {score}", "std")
            ),
        ),
        rows=tuple(cells),
        note=f"{note} Several: those of the other tables; where these were brought, harvested ones "
        f"beside them. Their Table 7: {NOT_AVAILABLE}.",
    )


def figure_3_table(points: Mapping[str, Sequence[Point]], *, note: str) -> ResultTable:
    """The numbers behind Figure 3."""
    cells: list[tuple[Cell, ...]] = [
        (
            *(dataset, point.kind, point.count, point.references),
            *(_PERCENT * point.top1[name] if name in point.top1 else None for name in CURVES),
            short(point.used),
            " ".join(point.dropped),
        )
        for dataset, of_dataset in points.items()
        for point in of_dataset
    ]
    return ResultTable(
        title="Figure 3, numbers. Accuracy against the number of references, and with bad ones",
        columns=(
            *("data set", "references", "per class, at most", "in all"),
            *("M1 top-1 %", "M2 top-1 %", "M3 top-1 %", "fused top-1 %", "in use", "dropped"),
        ),
        rows=tuple(cells),
        note=note,
    )
