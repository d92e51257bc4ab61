from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sightglass.distillation.encoder.curve import draw_curve, smoothed


def test_the_mean_is_over_a_tenth_around_each_place() -> None:
    # Twenty values, so one on either side; a straight line stays what it is, and its ends too.
    np.testing.assert_allclose(smoothed(np.arange(20.0)), np.arange(20.0))
    peak = np.zeros(20)
    peak[7] = 3
    np.testing.assert_allclose(smoothed(peak), [*([0] * 6), 1, 1, 1, *([0] * 11)], atol=1e-12)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=80))
def test_smoothing_keeps_the_number_of_values_and_their_bounds(values: list[float]) -> None:
    found = smoothed(np.array(values))
    assert len(found) == len(values)
    assert found.min() >= min(values) - 1e-9
    assert found.max() <= max(values) + 1e-9
    if len(values) < 20:
        np.testing.assert_allclose(found, values, atol=1e-9)


def write_log(path: Path, rows: list[tuple[object, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("step", "phase", "lr", "loss", "kd", "maps"), *rows])
    return path


@pytest.mark.parametrize("least", [0.5, -0.5])
def test_a_curve_is_drawn_of_several_phases_and_of_losses_below_0(
    tmp_path: Path, least: float
) -> None:
    rows: list[tuple[object, ...]] = [(n, "first", 0.1, 5 - n / 10, 5 - n / 10, "") for n in (1, 2)]
    rows += [(n, "second", 0.05, least, "", least) for n in range(3, 30)]
    log = write_log(tmp_path / "log.csv", rows)
    draw_curve(log, tmp_path / "curve.png", title="two phases")
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.size == (990, 605)
        assert len(picture.convert("RGB").getcolors(100_000) or []) > 20
    assert not (tmp_path / "curve.png.part").exists()


def test_a_run_of_one_step_has_a_curve(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.csv", [(1, "only", 0.1, 2.0, 2.0, "")])
    draw_curve(log, tmp_path / "curve.png", title="one step")
    assert (tmp_path / "curve.png").stat().st_size > 1000
