"""Thirty kills of `sightglass distill prompts`; `make e2e`. A short form is in tests/cli."""

from __future__ import annotations

from pathlib import Path

import pytest

from killed_training import kill_and_finish, write_inputs


def test_thirty_kills_change_no_bit_of_the_prompts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two runs at a time and networks this small: more threads would only wait for each other.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    write_inputs(tmp_path)
    landed = 0
    for seed, host in enumerate(("coop", "maple", "promptsrc")):
        landed += kill_and_finish(tmp_path, host=host, epochs=100, kills=11, seed=seed)
    assert landed >= 30
