"""Rows that are measured in turns, so that a busy spell of the machine meets all of them alike."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tables import markdown, spread, write_csv

# The best class of each picture, and by how much its probability exceeds the second's.
Answers = Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing to measure.

    Attributes:
        run: What the clock sees.
        pictures: How many it goes through.
        before: What has to be done each time, outside the clock.
    """

    run: Callable[[], Answers | None]
    pictures: int
    before: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One row in one round.

    Attributes:
        pictures: How many were gone through.
        wall: Seconds that passed.
        processor: Seconds of processor time, all threads together.
        answers: What ``Row.run`` gave.
    """

    pictures: int
    wall: float
    processor: float
    answers: Answers | None

    @property
    def rate(self) -> float:
        """Pictures per second."""
        return self.pictures / self.wall


Round = Mapping[str, Timing]
# From a round to a number, such as a ratio of two rows' rates.
Figure = Callable[[Round], float]


def measure(rows: Mapping[str, Row], *, rounds: int, title: str) -> list[Round]:
    """Per round, the timing of each row. Every round begins with another row."""
    names = list(rows)
    measured = []
    for number in range(rounds):
        turn = number % len(names)
        timings = {name: _timed(rows[name]) for name in names[turn:] + names[:turn]}
        measured.append(timings)
        shown = "; ".join(f"{name} {timings[name].rate:,.1f}" for name in names)
        print(f"{title}, round {number + 1} of {rounds}, pictures/s: {shown}", file=sys.stderr)
    return measured


def _timed(row: Row) -> Timing:
    row.before()
    start, processor = time.perf_counter(), time.process_time()
    answers = row.run()
    wall, processor = time.perf_counter() - start, time.process_time() - processor
    return Timing(pictures=row.pictures, wall=wall, processor=processor, answers=answers)


def rate(name: str) -> Figure:
    """Pictures per second of a row."""
    return lambda timings: timings[name].rate


def least(*figures: Figure) -> Figure:
    """The smallest of some rates: what stages side by side allow, each with all the machine."""
    return lambda timings: min(figure(timings) for figure in figures)


def together(*figures: Figure) -> Figure:
    """What stages allow that share the same processors: each picture costs the sum of its times."""
    return lambda timings: 1 / sum(1 / figure(timings) for figure in figures)


def rate_table(rounds: Sequence[Round]) -> str:
    """Each row's pictures per second and the processor time that one picture takes."""
    rows = []
    for name in rounds[0]:
        timings = [timings[name] for timings in rounds]
        rates = [timing.rate for timing in timings]
        costs = [1000 * timing.processor / timing.pictures for timing in timings]
        rows.append(
            (
                name,
                f"{timings[0].pictures:,}",
                spread(rates, _form(rates)),
                spread(costs, _form(costs)),
            )
        )
    titles = ("", "pictures", "pictures/s", "processor time, ms a picture")
    return markdown(titles, "lrrr", rows) + "\n"


def ratio_table(rounds: Sequence[Round], ratios: Iterable[tuple[str, str, Figure, Figure]]) -> str:
    """How many times as fast the first is as the second, within a round.

    Args:
        rounds: Measured.
        ratios: What the two are called, and their figures.
    """
    rows = [
        (name, other, spread((one(timings) / two(timings) for timings in rounds), ".2f"))
        for name, other, one, two in ratios
    ]
    return markdown(("", "times as fast as", ""), "llr", rows) + "\n"


def agreement(timings: Round, name: str, others: Iterable[str]) -> str:
    """How often the best class of each of ``others`` is that of row ``name``."""
    theirs = timings[name].answers or ()
    margins = [margin for _, margin in theirs]
    told = (
        f"{len(theirs)} pictures, of whose classes “{name}” gives {len(dict(theirs))} as best at "
        f"least once. Between its best and its second class lie {statistics.median(margins):.3f} "
        f"of probability in the median, {min(margins):.6f} at least.\n"
    )
    rows = []
    for other in others:
        # A row may go through more pictures than the one it is compared with.
        answers = (timings[other].answers or ())[: len(theirs)]
        pairs = list(zip(theirs, answers, strict=True))
        flips = sorted(margin for (label, margin), (mine, _) in pairs if label != mine)
        shown = ", ".join(f"{margin:.5f}" for margin in flips) or "–"
        rows.append((other, f"{len(pairs) - len(flips)} of {len(pairs)}", shown))
    titles = ("", "same best class", "its lead where not")
    return f"{told}\n{markdown(titles, 'lrl', rows)}\n"


def write_rounds(path: Path, groups: Mapping[str, Sequence[Round]]) -> None:
    """One line per group, row and round: everything that the tables are made of."""
    lines: list[list[Any]] = [
        [group, number, name, one.pictures, round(one.wall, 4), round(one.processor, 4)]
        for group, rounds in groups.items()
        for number, timings in enumerate(rounds, start=1)
        for name, one in timings.items()
    ]
    titles = ["group", "round", "row", "pictures", "seconds", "processor_seconds"]
    write_csv(path, titles, lines)


def _form(values: Sequence[float]) -> str:
    middle = statistics.median(values)
    return ",.0f" if middle >= 100 else ".1f" if middle >= 1 else ".2f"
