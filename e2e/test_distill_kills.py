"""A hundred kills of `sightglass distill prompts`; `make e2e`. A short form is in tests/cli."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from forked_commands import start_forked
from killed_runs import say
from killed_training import kill_and_finish, write_inputs


def test_a_hundred_kills_change_no_bit_of_the_prompts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Two runs at a time and networks this small: more threads would only wait for each other.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    write_inputs(tmp_path)
    start_forked("--version", home=tmp_path).wait(120)  # what every command needs is loaded now
    met = Counter[str]()
    for seed, host in enumerate(("coop", "maple", "promptsrc")):
        met += kill_and_finish(
            tmp_path, host=host, epochs=150, kills=36, seed=seed, start=start_forked
        )
    say(capsys, "distill prompts", met)
    assert met.total() >= 100
    assert met["training"] >= 40
    assert met["before its first checkpoint"] >= 5
