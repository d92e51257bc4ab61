from __future__ import annotations

from pathlib import Path

import pytest

from killed_encoder import kill_and_finish, write_inputs
from torch_threads import one_torch_thread


def test_killed_at_random_an_encoders_training_ends_in_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Networks this small are not trained faster by more threads; sums must be of the same order.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with one_torch_thread():
        write_inputs(tmp_path, phases=10)
        assert kill_and_finish(tmp_path, kills=2, seed=7).total() == 2
