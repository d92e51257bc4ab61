"""A hundred kills of `sightglass distill encoder`; `make e2e`. A short form is in tests/cli."""

from __future__ import annotations

from pathlib import Path

import pytest

from forked_commands import start_forked
from killed_encoder import kill_and_finish, write_inputs
from killed_runs import say
from torch_threads import one_torch_thread


def test_a_hundred_kills_change_no_bit_of_the_student(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Networks this small are not trained faster by more threads; sums must be of the same order.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    start_forked("--version", home=tmp_path).wait(120)  # what every command needs is loaded now
    with one_torch_thread():
        write_inputs(tmp_path, phases=320)
        met = kill_and_finish(tmp_path, kills=104, seed=1, start=start_forked)
    say(capsys, "distill encoder", met)
    assert met.total() >= 100
    assert met["training"] >= 30
    assert met["before its first checkpoint"] >= 5
