"""A hundred kills of `sightglass evaluate`; `make e2e`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from killed_runs import Job, is_new, kill_often, remembered, say

COLOURS = ("red", "lime", "blue", "yellow", "aqua")
EACH = 60
RESULTS = ("metrics.json", "table.csv", "per_class.csv", "confusion.csv")


def write_data(folder: Path) -> None:
    """One folder per colour, of grainy pictures whose every fifth is of the next colour."""
    rng = np.random.default_rng(0)
    for number, name in enumerate(COLOURS):
        (folder / name).mkdir(parents=True)
        for index in range(EACH):
            shown = COLOURS[(number + (index % 5 == 0)) % len(COLOURS)]
            pixels = np.asarray(Image.new("RGB", (160, 120), shown), np.int16)
            grainy = (pixels + rng.integers(-60, 60, pixels.shape)).clip(0, 255)
            Image.fromarray(grainy.astype(np.uint8)).save(folder / name / f"{index}.png")


def command(out: Path, store: Path) -> list[str]:
    return [
        *("evaluate", "data", "--model", "mini", "--batch-size", "8"),
        *("--out", str(out), "--store", str(store)),
    ]


def stage(out: Path, store: Path, begun: int) -> str:
    if any(is_new(out / name, begun) for name in (*RESULTS, "metrics.json.part")):
        return "writing"
    if not store.exists():
        return "starting"
    known = remembered(store)
    if known == 0:
        return "before the first picture"
    return "classifying" if known < EACH * len(COLOURS) else "all known"


def test_a_hundred_kills_change_no_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_data(tmp_path / "data")
    met = kill_often(
        tmp_path,
        Job(arguments=command, results=RESULTS, stage=stage, aims=("metrics.json",)),
        kills=100,
        seed=3,
    )
    say(capsys, "evaluate", met)
    assert met["classifying"] >= 40
    assert met["writing"] >= 2
