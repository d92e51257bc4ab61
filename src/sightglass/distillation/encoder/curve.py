"""The curve of a run: its loss and what it consists of, and the learning rate, as one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import require_extra
from sightglass.distillation.encoder.step_log import read_log
from sightglass.whole_files import replacing

if TYPE_CHECKING:
    from jaxtyping import Float64

CURVE = "curve.png"
_NOT_LOSSES = ("step", "phase", "lr")
_SMOOTH = 50  # points around one that its mean is over, at most
_GREY = "0.6"


def draw_curve(log: Path, path: Path, *, title: str) -> None:
    """Draw ``log`` into ``path``: every loss smoothed over what it was, phases by their names.

    Args:
        log: What ``StepLog`` wrote.
        path: A PNG file; replaced.
        title: Above the picture.

    Raises:
        MissingExtraError: If matplotlib is not installed.
        ResultsError: If the picture cannot be written.
    """
    require_extra("matplotlib", extra="train", purpose="Drawing the curve of a run")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    rows = read_log(log)
    phases = [list(found) for _, found in groupby(rows, key=lambda row: row["phase"])]
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    # The whole is drawn first, thick and light, so that a part that is all of it stays visible.
    for number, name in enumerate(_drawn(rows)):
        whole = name == "loss"
        for phase in phases:
            steps, values = _points(phase, name)
            if not len(steps):
                continue
            style = {"color": "0.35" if whole else f"C{number - 1}"}
            top.plot(steps, values, **style, alpha=0.18, linewidth=0.6)
            label = name if name not in top.get_legend_handles_labels()[1] else None
            top.plot(steps, smoothed(values), **style, label=label, linewidth=2.6 if whole else 1.3)
    if all(float(row["loss"]) > 0 for row in rows):
        top.set_yscale("log")
        top.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
        top.yaxis.set_major_formatter("{x:g}")
        top.yaxis.set_minor_formatter("")
    bottom.plot([int(row["step"]) for row in rows], [float(row["lr"]) for row in rows], color="C0")
    bottom.set_ylim(bottom=0)
    for number, phase in enumerate(phases):
        first = int(phase[0]["step"])
        top.annotate(
            phase[0]["phase"],
            (first, 1),
            xycoords=top.get_xaxis_transform(),
            xytext=(4, -11),
            textcoords="offset points",
            fontsize=8,
            color="0.3",
        )
        for axes in (top, bottom) if number else ():
            axes.axvline(first, color=_GREY, linestyle=":")
    top.set_title(title)
    top.set_ylabel("loss, each with its weight")
    top.grid(alpha=0.25, axis="y")
    figure.legend(loc="outside right upper", fontsize=8)
    bottom.set_ylabel("rate")
    bottom.set_xlabel("step")
    with replacing(path) as stream:
        figure.savefig(stream.buffer, format="png", dpi=110)


def smoothed(values: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """At each place the mean of a tenth of all values around it, as many on either side.

    Towards both ends there are fewer on one side and so on the other: a mean over what lies behind
    alone would come late where the loss falls steeply.

    Args:
        values: In order; at most 51 are taken together.
    """
    places = np.arange(len(values))
    reach = np.minimum(min(_SMOOTH, len(values) // 10) // 2, np.minimum(places, places[::-1]))
    sums = np.concatenate([[0.0], np.cumsum(values)])
    totals = sums[places + reach + 1] - sums[places - reach]
    means: Float64[np.ndarray, " n"] = totals / (2 * reach + 1)
    return means


def _drawn(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """The whole loss, then its parts; a part that has no number anywhere is none."""
    names = [name for name in rows[0] if name not in _NOT_LOSSES]
    return [name for name in names if any(row[name] for row in rows)]


def _points(
    rows: Sequence[Mapping[str, str]], name: str
) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    found = [(float(row["step"]), float(row[name])) for row in rows if row[name]]
    points = np.array(found, dtype=float).reshape(-1, 2)
    return points[:, 0], points[:, 1]
