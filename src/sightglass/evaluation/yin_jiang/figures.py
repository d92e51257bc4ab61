"""Figures as SVG and PNG; the points are drawn where they are."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sightglass.alignments import IMAGE_IMAGE, TEXT_IMAGE, VISION_ONLY
from sightglass.checks import require_extra
from sightglass.evaluation.yin_jiang.scatter import Panel
from sightglass.evaluation.yin_jiang.several import FUSED, Point

_LOOKS = {
    TEXT_IMAGE: ("M1, class names", "#555555", "--"),
    IMAGE_IMAGE: ("M2, references", "#d55e00", "-"),
    VISION_ONLY: ("M3, references, vision only", "#009e73", "-"),
    FUSED: ("fused", "#0072b2", "-"),
}
_COLOURS = ("#0072b2", "#d55e00")
_MARKS = {"test pictures": (".", 14), "references": ("^", 46), "class names": ("*", 170)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A drawing in both forms.

    Attributes:
        name: Of its files, without suffix.
        title: In a few words.
        note: What a reader must know.
        svg: Text of the file.
        png: Bytes of the file.
    """

    name: str
    title: str
    note: str
    svg: str
    png: bytes


def figure_3(points: Mapping[str, Sequence[Point]]) -> Figure:
    """Accuracy against references per class, a panel for each data set, bad ones at the right.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    plotted, axes = _panels(len(points), width=4.2, height=3.6)
    for axis, (dataset, of_dataset) in zip(axes, points.items(), strict=True):
        good = [point for point in of_dataset if point.kind == "good"]
        bad = [point for point in of_dataset if point.kind != "good"]
        ticks = [str(point.count) for point in good]
        ticks += [point.kind for point in bad]
        for name, (label, colour, line) in _LOOKS.items():
            heights = [100 * point.top1[name] for point in of_dataset if name in point.top1]
            if not heights:
                continue
            axis.plot(range(len(good)), heights[: len(good)], line, color=colour, label=label)
            axis.plot(range(len(heights)), heights, "o", color=colour, markersize=4)
        axis.axvline(len(good) - 0.5, color="#bbbbbb", linewidth=0.8)
        axis.set_xticks(range(len(ticks)), ticks, fontsize=8)
        for words in axis.get_xticklabels()[len(good) :]:
            words.set(rotation=35, ha="right", rotation_mode="anchor")
        axis.set_xlabel("references per class, at most")
        axis.set_ylabel("top-1, %")
        axis.set_title(dataset)
        axis.set_ylim(bottom=0)
    axes[0].legend(fontsize=8)
    return _drawn(
        plotted,
        name="figure_3",
        title="Figure 3. Accuracy against the number of references, and with bad ones",
        note="One bad: the class whose name is nearest to another's has that one's references in "
        "place of its own. All shuffled: each reference is said to be of a class by chance. All "
        "exchanged: each class has another's; the references agree with each other, so leave-one-"
        "out finds nothing; only the names contradict.",
    )


def figure_5(panels: Sequence[Panel]) -> Figure:
    """t-SNE of test pictures with class names or references, one panel each.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    plotted, axes = _panels(len(panels), width=4.2, height=4.2)
    for axis, panel in zip(axes, panels, strict=True):
        for kind, (mark, size) in _MARKS.items():
            for label, name in enumerate(panel.classes):
                here = [
                    row
                    for row, (is_kind, of) in enumerate(zip(panel.kinds, panel.labels, strict=True))
                    if is_kind == kind and of == label
                ]
                if here:
                    axis.scatter(
                        *panel.places[here].T,
                        s=size,
                        marker=mark,
                        color=_COLOURS[label],
                        edgecolors="none" if kind == "test pictures" else "black",
                        label=f"{name}, {kind}",
                    )
        axis.set_title(panel.title, fontsize=9)
        axis.set_xticks([])
        axis.set_yticks([])
        axis.legend(fontsize=7)
    return _drawn(
        plotted,
        name="figure_5",
        title="Figure 5. Look-alike classes of CIFAR-10, t-SNE",
        note="Coordinates as t-SNE gives them, none moved by hand; perplexity min(n-1, max(5, "
        "n//5)), seed 42. Distances between groups mean little in a t-SNE.",
    )


def _panels(n: int, *, width: float, height: float) -> tuple[Any, list[Any]]:
    """A figure that belongs to no window system, and its ``n`` axes."""
    figure_module = require_extra(
        "matplotlib.figure", extra="eval", purpose="Drawing the suite's figures"
    )
    columns = min(n, 3)
    lines = -(-n // columns)
    plotted = figure_module.Figure(
        figsize=(width * columns, height * lines), layout="constrained", dpi=110
    )
    axes = plotted.subplots(lines, columns, squeeze=False).ravel().tolist()
    for spare in axes[n:]:
        spare.set_axis_off()
    return plotted, axes[:n]


def _drawn(plotted: Any, *, name: str, title: str, note: str) -> Figure:
    matplotlib = require_extra("matplotlib", extra="eval", purpose="Drawing the suite's figures")
    svg, png = io.StringIO(), io.BytesIO()
    # Without a date and random ids the same numbers give the same file.
    with matplotlib.rc_context({"svg.hashsalt": "sightglass"}):
        plotted.savefig(svg, format="svg", metadata={"Date": None})
        plotted.savefig(png, format="png")
    return Figure(name=name, title=title, note=note, svg=svg.getvalue(), png=png.getvalue())
