from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from learning.adapting import Pair


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """Matrices this small are slower on several threads, much slower where those are busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def pair(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A student and a teacher, trained once for all tests."""
    return Pair.train(tmp_path_factory.mktemp("digits"), seed=0)
