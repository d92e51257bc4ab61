from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rounds import Row, Timing
from speed_group import Group, best_decoding, limits
from speed_ours import answer_of
from speed_page import differences, start_section, target_section
from speed_plot import limits_of


def timing(rate: int, **labels: str) -> Timing:
    answers = {path: (label, 0.5) for path, label in labels.items()}
    return Timing(pictures=rate, wall=1.0, processor=1.0, answers=answers)


def group(**settings: object) -> Group:
    return Group(title="tiny: 9 pictures", rows={}, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(("ours", "word"), [(90, "reached"), (89, "missed")])
def test_the_target_is_nine_tenths_of_the_slower_stage(ours: int, word: str) -> None:
    timings = {"ours": timing(ours), "decode": timing(300), "a": timing(50), "b": timing(100)}
    section = target_section([group(ratios=limits("decode", "a", "b"))], [[timings]])
    # 300 and 100 a second, one after the other: 75 a second
    assert f"| 0.{ours} | {word} | {ours / 75:.2f} |" in section
    assert ("Missed by: “tiny: 9 pictures”" in section) == (word == "missed")


def test_groups_without_limits_have_no_target() -> None:
    assert target_section([group()], [[{"ours": timing(1)}]]) == ""


def test_a_row_that_must_agree_and_does_not_is_told() -> None:
    timings = {
        "pipeline": timing(2, x="cat", y="dog"),
        "ours": timing(2, x="cat", y="cow"),
        "rough": timing(2, x="cow", y="cow"),
    }
    told = differences(group(same=("pipeline", ("ours", "rough")), must=("ours",)), [timings])
    assert told == [
        "tiny: 9 pictures: “ours” differs from “pipeline” for 1 pictures, the first of them y"
    ]


def test_whole_processes_are_compared_run_by_run() -> None:
    section = start_section(
        [("ours", 2.0), ("peer", 4.0), ("ours", 1.0), ("peer", 3.0)], {"peer": ["ours"]}
    )
    assert "| ours | 1.50 (1.00 – 2.00) |" in section
    assert "| ours | peer | 2.50 (2.00 – 3.00) |" in section


def test_without_simplejpeg_pillow_is_the_best_decoder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("speed_ours.find_spec", lambda _: None)
    name, row = best_decoding([str(tmp_path / "absent.jpg")])
    assert name.startswith("Pillow decodes")
    assert isinstance(row, Row)
    monkeypatch.undo()
    assert best_decoding([])[0].startswith("libjpeg-turbo decodes")


def test_the_axes_hold_the_shortest_and_the_longest_bar() -> None:
    start, end = limits_of({"a": [{"x": timing(2)}], "b": [{"y": timing(5_000_000)}]})
    assert start <= 1
    assert end > 5_000_000


def test_an_answer_is_the_best_class_and_its_lead() -> None:
    logits = np.full(15, -np.inf)
    logits[3], logits[7] = np.log(3.0), 0.0  # shares 3/4 and 1/4
    label, margin = answer_of(logits)
    assert label == "astronaut"
    assert margin == pytest.approx(0.5)
