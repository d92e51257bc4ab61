"""A hundred kills; `make e2e`. The short form of this is in tests/cli/test_interrupted.py."""

from __future__ import annotations

from pathlib import Path

from killing import killed_then_finished, undisturbed, write_pictures


def test_a_hundred_kills_change_nothing(tmp_path: Path) -> None:
    write_pictures(tmp_path / "photos", 1000)
    expected, seconds = undisturbed(tmp_path)
    landed = seed = 0
    while landed < 100:
        seed += 1
        made, met = killed_then_finished(
            tmp_path, name=f"killed-{seed}", seconds=seconds, kills=2, seed=seed
        )
        assert made == expected, seed
        landed += met
        assert seed < 500, f"only {landed} kills met a run"
