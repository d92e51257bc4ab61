from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from adapters.checkpoints import write_uneven_clip
from adapters.paired_students import Pair, paired


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """torch in one thread: products this small wait longer for other threads than they compute."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A student with uneven towers, and the same checkpoint read plainly."""
    return paired(write_uneven_clip(tmp_path_factory.mktemp("clip"), seed=5))
