"""`make demo`: at least as many right answers as the model's notes promise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from commands import rows_of

DEMO = Path(__file__).parents[2] / "tools" / "demo.py"
# What each photograph shows, in the demonstration's own words; the other two show none of them.
SHOWN = {
    "astronaut.png": "astronaut",
    "brick.png": "brick wall",
    "chelsea.png": "cat",
    "china.jpg": "temple",
    "coffee.png": "cup of coffee",
    "coins.png": "coins",
    "flower.jpg": "flower",
    "grass.png": "grass",
    "moon.png": "moon",
    "motorcycle_left.png": "motorcycle",
    "page.png": "page of text",
    "rocket.jpg": "rocket",
}


def test_the_demo_is_right_on_eight_of_twelve_photographs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(DEMO), "demo"],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=True,
    )
    answers = {Path(row["path"]).name: row["label"] for row in rows_of(tmp_path / "demo")}
    assert len(answers) == 14
    right = [name for name, label in SHOWN.items() if answers[name] == label]
    assert len(right) >= 8, right
    assert "Report: demo/report.html" in done.stdout
    assert (tmp_path / "demo" / "report.html").stat().st_size > 50_000
