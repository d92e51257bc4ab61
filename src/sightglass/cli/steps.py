"""How far training has come: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from sightglass.cli.printable import printable
from sightglass.cli.progress import SECONDS_BETWEEN_LINES

if TYPE_CHECKING:
    from sightglass.distillation.trainer import Step

_SMOOTHING = 0.05  # share of the newest step in the loss that is shown


@contextmanager
def steps_shown(
    total: int, *, part: str = "", plain: bool = False
) -> Iterator[Callable[[Step], None]]:
    """A function to call after every step: shows loss, rate and the time that is left.

    Args:
        total: Steps of the whole run.
        part: What the steps are of, where a run has several parts.
        plain: Lines on a terminal too.
    """
    shown = _Smoothed()
    begins = f"{part}: " if part else ""
    if plain or not sys.stderr.isatty():
        yield _plain(total, shown, begins)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.fields[begins]}{task.completed:,}/{task.total:,} steps", markup=False),
        BarColumn(),
        TextColumn("loss {task.fields[loss]:.4f}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("train", total=total, loss=float("nan"), begins=printable(begins))

        def watch(step: Step) -> None:
            done = step.of_run + 1
            bar.update(task, completed=done, loss=shown.after(step.loss))

        yield watch


class PartsShown:
    """The same for a run in several parts, each with a bar of its own when it begins.

    Called with the part's name, the step, and how many steps the part has. Use it in ``with``. In
    another process, where nobody would take its bar away, it shows plain lines.

    Args:
        plain: Lines on a terminal too.
    """

    def __init__(self, plain: bool = False) -> None:
        self._plain = plain
        self._open = ExitStack()
        self._watches: dict[str, Callable[[Step], None]] = {}

    def __call__(self, part: str, step: Step, total: int) -> None:
        """Show a step that is done."""
        if part not in self._watches:
            self._open.close()
            shown = steps_shown(total, part=part, plain=self._plain)
            self._watches[part] = self._open.enter_context(shown)
        self._watches[part](step)

    def __enter__(self) -> PartsShown:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def __reduce__(self) -> tuple[type[PartsShown], tuple[bool]]:
        return PartsShown, (True,)


class _Smoothed:
    """The mean loss of the last steps."""

    def __init__(self) -> None:
        self._mean: float | None = None

    def after(self, loss: float) -> float:
        before = loss if self._mean is None else self._mean
        self._mean = before + _SMOOTHING * (loss - before)
        return self._mean


def _plain(total: int, shown: _Smoothed, begins: str) -> Callable[[Step], None]:
    start = last = time.monotonic()
    first: int | None = None

    def watch(step: Step) -> None:
        nonlocal last, first
        done = step.of_run + 1
        loss = shown.after(step.loss)
        first = done - 1 if first is None else first  # a resumed run does not begin at 0
        now = time.monotonic()
        if now - last < SECONDS_BETWEEN_LINES:
            return
        last = now
        left = (total - done) * (now - start) / (done - first)
        with suppress(OSError):  # a full disk under a log is no reason to end a run
            print(  # noqa: T201 - this is what the module is for
                printable(f"{begins}{done:,}/{total:,} steps, loss {loss:.4f}, {left:,.0f} s left"),
                file=sys.stderr,
            )

    return watch
