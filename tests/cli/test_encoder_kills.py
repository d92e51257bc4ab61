from __future__ import annotations

from pathlib import Path

import pytest
import torch

from killed_encoder import kill_and_finish, write_inputs


def test_killed_at_random_an_encoders_training_ends_in_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Networks this small are not trained faster by more threads; sums must be of the same order.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        write_inputs(tmp_path, phases=10)
        assert kill_and_finish(tmp_path, kills=2, seed=7) == 2
    finally:
        torch.set_num_threads(threads)
