from __future__ import annotations

from pathlib import Path

import pytest

from killed_training import kill_and_finish, write_inputs


def test_killed_at_random_a_training_ends_in_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two runs at a time and networks this small: more threads would only wait for each other.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    write_inputs(tmp_path)
    met = kill_and_finish(tmp_path, host="promptsrc", epochs=60, kills=3, seed=7)
    assert met.total() == 3
