"""The curve of a run: its loss and what it consists of, and the learning rate, as one picture."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from sightglass.checks import require_extra
from sightglass.distillation.encoder.step_log import read_log

CURVE = "curve.png"
_NOT_LOSSES = ("step", "phase", "lr")
_SMOOTH = 50  # points of a running mean, at most


def draw_curve(log: Path, path: Path, *, title: str) -> None:
    """Draw ``log`` into ``path``: every loss smoothed over what it was, phases marked.

    Args:
        log: What ``StepLog`` wrote.
        path: A PNG file; replaced.
        title: Above the picture.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    require_extra("matplotlib", extra="train", purpose="Drawing the curve of a run")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = read_log(log)
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    for name in (key for key in rows[0] if key not in _NOT_LOSSES):
        found = [(int(row["step"]), float(row[name])) for row in rows if row[name]]
        if not found:
            continue
        steps, values = (np.array(column, dtype=float) for column in zip(*found, strict=True))
        width = max(1, min(_SMOOTH, len(values) // 10))
        smooth = np.convolve(values, np.full(width, 1 / width), mode="valid")
        (line,) = top.plot(
            steps[width - 1 :], smooth, label=name, linewidth=2.2 if name == "loss" else 1.2
        )
        if name == "loss":
            top.plot(steps, values, color=line.get_color(), alpha=0.2, linewidth=0.6)
    if all(float(row["loss"]) > 0 for row in rows):
        top.set_yscale("log")
    bottom.plot([int(row["step"]) for row in rows], [float(row["lr"]) for row in rows])
    for before, after in pairwise(rows):
        if before["phase"] != after["phase"]:
            top.axvline(int(after["step"]), color="0.6", linestyle=":")
            bottom.axvline(int(after["step"]), color="0.6", linestyle=":")
    top.set_title(title)
    top.set_ylabel("loss, each with its weight")
    top.legend(fontsize=8, ncols=2)
    bottom.set_ylabel("rate")
    bottom.set_xlabel("step")
    part = path.with_name(path.name + ".part")
    figure.savefig(part, format="png", dpi=110)
    part.replace(path)
