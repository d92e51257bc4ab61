"""How far a run has come: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, TypeVar

from sightglass.reports.work import Work

SECONDS_BETWEEN_LINES = 10.0

T = TypeVar("T")


class Shown(Protocol):
    """Passes what it is given through, one by one, and shows how far it is."""

    def __call__(self, results: Iterable[T], /) -> Iterator[T]:
        """``results``, unchanged."""


@contextmanager
def progress_of(total: int, work: Work) -> Iterator[Shown]:
    """A function that passes results through and shows on standard error how far they are.

    Args:
        total: How many will come.
        work: Says how many failed so far.
    """
    if not sys.stderr.isatty():

        def plainly(results: Iterable[T], /) -> Iterator[T]:
            return _plain(results, total, work)

        yield plainly
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.completed:,}/{task.total:,} files"),
        BarColumn(),
        TextColumn("{task.fields[rate]:,.0f} files/s"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failed]:,} failed"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("classify", total=total, rate=0.0, failed=0)
        start = time.monotonic()

        def shown(results: Iterable[T], /) -> Iterator[T]:
            for number, result in enumerate(results, start=1):
                rate = number / max(time.monotonic() - start, 1e-9)
                bar.update(task, completed=number, rate=rate, failed=work.failed)
                yield result

        yield shown


def _plain(results: Iterable[T], total: int, work: Work) -> Iterator[T]:
    start = last = time.monotonic()
    for number, result in enumerate(results, start=1):
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            last = now
            rate = number / (now - start)
            left = (total - number) / rate
            with suppress(OSError):  # a full disk under a log is no reason to end a run
                print(  # noqa: T201 - this is what the module is for
                    f"{number:,} of {total:,} files, {rate:,.0f} files/s, {left:,.0f} s left, "
                    f"{work.failed:,} failed",
                    file=sys.stderr,
                    flush=True,
                )
        yield result
