from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.checkpoints import write_uneven_clip
from adapters.paired_students import Pair, paired
from torch_threads import one_torch_thread


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """torch in one thread: products this small wait longer for other threads than they compute."""
    with one_torch_thread():
        yield


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A student with uneven towers, and the same checkpoint read plainly."""
    return paired(write_uneven_clip(tmp_path_factory.mktemp("clip"), seed=5))
