"""Run a function over a stream in several threads, in order, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def ahead(
    function: Callable[[T], R], items: Iterable[T], *, threads: int, window: int
) -> Generator[R, None, None]:
    """``map(function, items)`` in the same order, up to ``window`` results ahead of the reader.

    Args:
        function: Called in the threads; what it raises is raised where its result is taken.
        items: Taken one by one as the window moves on.
        threads: At least 1.
        window: At least 1; bounds how many results wait, and so the memory.

    Yields:
        Results in the order of ``items``. Closing the generator drops what has not begun.
    """
    pending: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="sightglass-read")
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= window:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of ``size`` items in order, the last one as long as what is left."""
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
