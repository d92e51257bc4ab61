"""Forty kills of `sightglass imagine`; `make e2e`. A short form is in tests/cli/test_imagine.py."""

from __future__ import annotations

from pathlib import Path

from killed_imagining import kill_and_finish


def test_forty_kills_make_no_picture_twice_and_lose_none(tmp_path: Path) -> None:
    landed = 0
    for seed in (1, 2):
        home = tmp_path / str(seed)
        home.mkdir()
        landed += kill_and_finish(home, kills=22, per_class=24, seed=seed)
    assert landed >= 40
