"""The speed benchmark as one picture: a bar for each row, per group."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from rounds import Round

ROOM = 8.0  # how far the axes reach beyond the longest bar: its number stands there
OURS_COLOUR, OTHER_COLOUR = "#1f5fa8", "#b9bec6"


def plot(groups: Mapping[str, Sequence[Round]], path: Path) -> None:
    """Median pictures per second on logarithmic axes; whiskers from least to most."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "sightglass"
    matplotlib.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot

    shortest, longest = limits_of(groups)
    counts = [len(rounds[0]) for rounds in groups.values()]
    figure, panels = pyplot.subplots(
        len(groups),
        1,
        figsize=(8, 0.9 * len(groups) + 0.28 * sum(counts)),
        height_ratios=[count + 1 for count in counts],
        squeeze=False,
    )
    for panel, (group, rounds) in zip(panels[:, 0], groups.items(), strict=True):
        names = list(rounds[0])
        rates = [[timings[name].rate for timings in rounds] for name in names]
        middles = [statistics.median(values) for values in rates]
        panel.barh(
            names,
            middles,
            xerr=[
                [middle - min(values) for middle, values in zip(middles, rates, strict=True)],
                [max(values) - middle for middle, values in zip(middles, rates, strict=True)],
            ],
            color=[OURS_COLOUR if name.startswith("ours") else OTHER_COLOUR for name in names],
            error_kw={"elinewidth": 1},
        )
        for place, (middle, values) in enumerate(zip(middles, rates, strict=True)):
            shown = f"{middle:,.0f}" if middle >= 10 else f"{middle:.1f}"
            panel.text(1.04 * max(values), place, shown, va="center", fontsize=8)
        panel.set_xscale("log")
        # All from the same beginning: a bar's length says as much in one group as in another.
        panel.set_xlim(shortest, longest)
        panel.set_title(f"{group}: pictures per second", loc="left", fontsize=10)
        panel.invert_yaxis()
        panel.tick_params(labelsize=8)
        for side in ("top", "right"):
            panel.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def limits_of(groups: Mapping[str, Sequence[Round]]) -> tuple[float, float]:
    """Where the axes of all groups begin and end, in pictures per second."""
    rates = [
        timing.rate
        for rounds in groups.values()
        for timings in rounds
        for timing in timings.values()
    ]
    return min(1.0, min(rates) / ROOM), max(rates) * ROOM
