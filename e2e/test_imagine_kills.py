"""A hundred kills of `sightglass imagine`; `make e2e`. A short form is in tests/cli."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from forked_commands import start_forked
from killed_imagining import kill_and_finish
from killed_runs import say


def test_a_hundred_kills_make_no_picture_twice_and_lose_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start_forked("--version", home=tmp_path).wait(120)  # what every command needs is loaded now
    met = Counter[str]()
    for seed in (1, 2, 3, 4):
        home = tmp_path / str(seed)
        home.mkdir()
        met += kill_and_finish(home, kills=26, per_class=20, seed=seed, start=start_forked)
    say(capsys, "imagine", met)
    assert met.total() >= 100
    assert met["asked"] >= 20  # the picture was on its way
    assert met.total() - met["asked"] >= 10  # it was being written, or judged
