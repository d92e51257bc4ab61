"""The page that the speed benchmark writes."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from operator import truediv

from pictures import machine
from rounds import Round, agreement, differing, rate_table, ratio_table
from speed_group import BOTH_STAGES, SLOWER_STAGE, Group
from tables import markdown, spread

PACKAGES = (
    *("sightglass", "numpy", "pillow", "simplejpeg", "onnxruntime", "torch", "transformers"),
)
TARGET = 0.9


def group_section(group: Group, rounds: Sequence[Round]) -> str:
    """A group's tables: rates, seconds, ratios, agreement."""
    parts = [f"## {group.title}", group.note, rate_table(rounds)]
    if group.seconds:
        seconds = [
            (name, spread((timings[name].wall for timings in rounds), ".1f"))
            for name in group.seconds
        ]
        parts.append(markdown(("", "seconds for all of them"), "lr", seconds))
    if group.ratios:
        parts.append(ratio_table(rounds, group.ratios))
    if group.same is not None:
        parts.append(agreement(rounds, *group.same))
    return "\n\n".join(part.strip("\n") for part in parts if part)


def target_section(groups: Sequence[Group], measured: Sequence[Sequence[Round]]) -> str:
    """Which groups reach the target and which do not; empty where none has limits."""
    rows, missed = [], []
    for group, rounds in zip(groups, measured, strict=True):
        found = {
            other: statistics.median(one(timings) / two(timings) for timings in rounds)
            for _, other, one, two in group.ratios
            if other in (SLOWER_STAGE, BOTH_STAGES)
        }
        if not found:
            continue
        reached = found[SLOWER_STAGE] >= TARGET
        if not reached:
            missed.append(f"“{group.title}”")
        rows.append(
            (
                group.title,
                f"{found[SLOWER_STAGE]:.2f}",
                "reached" if reached else "missed",
                f"{found[BOTH_STAGES]:.2f}",
            )
        )
    if not rows:
        return ""
    titles = ("ours, of", "the slower stage alone", f"target {TARGET}", "the sum of both")
    return "\n\n".join(
        [
            "## The target",
            f"End to end at least {TARGET} of the smaller of two limits: decoding with all "
            f"processors, and the network with all processors (the faster of plain torch and our "
            f"own). That is as if each stage had the machine for itself.",
            markdown(titles, "lrlr", rows),
            _why(missed),
        ]
    )


def differences(group: Group, rounds: Sequence[Round]) -> list[str]:
    """A sentence for each row that chose another class than it must."""
    if group.same is None:
        return []
    name, _ = group.same
    found = {other: differing(rounds, name, other) for other in group.must}
    return [
        f"{group.title}: “{other}” differs from “{name}” for {len(paths)} pictures, "
        f"the first of them {min(paths)}"
        for other, paths in found.items()
        if paths
    ]


def page(sections: Sequence[str], *, rounds: int, plotted: bool) -> str:
    """All of it.

    Args:
        sections: In order.
        rounds: How many there were.
        plotted: Whether the plot lies beside the page.
    """
    lines = machine(*PACKAGES).strip("\n")
    if find_spec("simplejpeg") is None:
        lines += (
            "\n- simplejpeg (extra `turbo`) is not installed: the rows of libjpeg-turbo are left "
            "out, and Pillow's decoding is the limit"
        )
    return (
        "\n\n".join(
            [
                "# Speed",
                "Made by `make bench`; what the rows mean is in [benchmarks](../benchmarks.md). "
                f"Medians of {rounds} {'round' if rounds == 1 else 'rounds'}, in brackets the "
                "smallest and the largest.",
                lines,
                *(["![Pictures per second, ours and others](speed.svg)"] if plotted else []),
                *sections,
            ]
        )
        + "\n"
    )


def start_section(timed: Sequence[tuple[str, float]], ratios: Mapping[str, Sequence[str]]) -> str:
    """Whole processes.

    Args:
        timed: Row and seconds, in the order of measuring.
        ratios: For a row, those that it is compared with.
    """
    seconds: dict[str, list[float]] = {}
    for name, taken in timed:
        seconds.setdefault(name, []).append(taken)
    rows = [(name, spread(values, ".2f")) for name, values in seconds.items()]
    compared = [
        (one, other, spread(map(truediv, seconds[other], seconds[one]), ".2f"))
        for other, ours in ratios.items()
        for one in ours
    ]
    return "\n\n".join(
        [
            "## Starting",
            f"Each process {len(next(iter(seconds.values())))} times, in turns.",
            markdown(("whole process", "seconds"), "lr", rows),
            markdown(("", "times as fast as", ""), "llr", compared),
        ]
    )


def _why(missed: Sequence[str]) -> str:
    if not missed:
        return "All reach it."
    return (
        f"Missed by: {'; '.join(missed)}. Where stages share the processors, none has the whole "
        f"machine, and a picture costs the sum of all stages: decoding and network, by whose sum "
        f"the last column divides, and also resizing, thumbnail, hash, store and result files. "
        f"In bf16, pictures whose two best classes nearly tie are encoded again in fp32."
    )
