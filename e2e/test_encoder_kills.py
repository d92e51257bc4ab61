"""Twenty kills of `sightglass distill encoder`; `make e2e`. A short form is in tests/cli."""

from __future__ import annotations

from pathlib import Path

import pytest

from killed_encoder import kill_and_finish, write_inputs
from torch_threads import one_torch_thread


def test_twenty_kills_change_no_bit_of_the_student(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Networks this small are not trained faster by more threads; sums must be of the same order.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with one_torch_thread():
        write_inputs(tmp_path, phases=300)
        assert kill_and_finish(tmp_path, kills=20, seed=1) >= 19
