"""A hundred kills of `classify`, and as many with references; `make e2e`.

The short form of this is in tests/cli/test_interrupted.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from killed_runs import Job, is_new, kill_often, remembered, say
from killing import NAMES, arguments, write_pictures

TABLES = ("predictions.csv", "predictions.jsonl")
PARTS = ("predictions.csv.part", "report.html.part")


def stage(out: Path, store: Path, begun: int) -> str:
    """What a killed run was doing, by the files that it had begun or ended."""
    if is_new(out / "report.html", begun):
        return "ending"
    if is_new(out / "report.html.part", begun):
        return "report"
    if is_new(out / "predictions.csv.part", begun):
        return "classifying"
    return "before the first picture" if store.exists() else "starting"


def test_a_hundred_kills_change_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pictures(tmp_path / "photos", 240)
    met = kill_often(
        tmp_path,
        Job(arguments=arguments, results=TABLES, stage=stage, aims=PARTS),
        kills=100,
        seed=1,
    )
    say(capsys, "classify", met)
    assert met["classifying"] >= 40
    assert met["report"] >= 3


def test_a_hundred_kills_with_references_change_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pictures(tmp_path / "photos", 120)
    for name, numbers in (("cat", (0, 4, 8)), ("rocket", (2, 6, 10))):
        (tmp_path / "references" / name).mkdir(parents=True)
        for number in numbers:
            picture = (tmp_path / "photos" / f"{number:04d}.jpg").read_bytes()
            (tmp_path / "references" / name / f"{number}.jpg").write_bytes(picture)

    def compared(out: Path, store: Path) -> list[str]:
        return [
            *("classify", "photos", "--classes", NAMES, "--batch-size", "8"),
            *("--model", "synthetic:colours", "--references", "references"),
            *("--out", str(out), "--store", str(store)),
        ]

    def stage_beside(out: Path, store: Path, begun: int) -> str:
        found = stage(out, store, begun)
        # Scales are settled from references and pictures before the first is classified: it is
        # then that pictures come into the store, all that are whole.
        all_known = len(range(120)) - len(range(3, 120, 17))
        if found == "classifying" and remembered(store) < all_known:
            return "settling with references"
        return found

    met = kill_often(
        tmp_path,
        Job(arguments=compared, results=TABLES, stage=stage_beside, aims=PARTS),
        kills=100,
        seed=2,
    )
    say(capsys, "classify --references", met)
    assert met["settling with references"] >= 20
    assert met["classifying"] >= 5
    assert met["report"] >= 3
