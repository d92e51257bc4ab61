from __future__ import annotations

from collections.abc import Iterator

import pytest

from learning.adapting import Pair
from torch_threads import one_torch_thread


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """Matrices this small are slower on several threads, much slower where those are busy."""
    with one_torch_thread():
        yield


@pytest.fixture(scope="session")
def pair(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A student and a teacher, trained once for all tests."""
    return Pair.train(tmp_path_factory.mktemp("digits"), seed=0)
