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

# By path: the best class of the picture, and by how much its probability exceeds the second's.
Answers = Mapping[str, tuple[str, float]]
SHOWN_FLIPS = 12


class CountError(Exception):
    """A row went through another number of pictures than it claims."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing to measure.

    Attributes:
        run: What the clock sees. It gives its answers, or how many pictures it went through.
        pictures: How many that must be.
        before: What has to be done each time, outside the clock.
    """

    run: Callable[[], Answers | int]
    pictures: int
    before: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One row in one round.

    Attributes:
        pictures: How many were gone through.
        wall: Seconds that passed.
        processor: Seconds of processor time, all threads together.
        answers: What ``Row.run`` gave; empty where it only counts.
    """

    pictures: int
    wall: float
    processor: float
    answers: Answers

    @property
    def rate(self) -> float:
        """Pictures per second."""
        return self.pictures / self.wall


Round = Mapping[str, Timing]
# From a round to a number, such as a ratio of two rows' rates.
Figure = Callable[[Round], float]


def measure(rows: Mapping[str, Row], *, rounds: int, title: str) -> list[Round]:
    """Per round, the timing of each row. Every round begins with another row.

    Raises:
        CountError: If a row went through another number of pictures than it claims.
    """
    names = list(rows)
    measured = []
    for number in range(rounds):
        turn = number % len(names)
        timings = {name: _timed(name, rows[name]) for name in names[turn:] + names[:turn]}
        measured.append(timings)
        shown = "; ".join(f"{name} {timings[name].rate:,.1f}" for name in names)
        print(f"{title}, round {number + 1} of {rounds}, pictures/s: {shown}", file=sys.stderr)
    return measured


def _timed(name: str, row: Row) -> Timing:
    row.before()
    start, processor = time.perf_counter(), time.process_time()
    found = row.run()
    wall, processor = time.perf_counter() - start, time.process_time() - processor
    answers: Answers = {} if isinstance(found, int) else found
    count = found if isinstance(found, int) else len(found)
    if count != row.pictures:
        raise CountError(
            f"{name}: {row.pictures:,} pictures were to be gone through, {count:,} were. "
            f"Run: make clean"
        )
    return Timing(pictures=count, wall=wall, processor=processor, answers=answers)


def rate(name: str) -> Figure:
    """Pictures per second of a row."""
    return lambda timings: timings[name].rate


def least(*figures: Figure) -> Figure:
    """The smallest of some rates: what stages side by side allow, each with all the machine."""
    return lambda timings: min(figure(timings) for figure in figures)


def fastest(*figures: Figure) -> Figure:
    """The largest of some rates: of several ways to do one stage, the best that was seen."""
    return lambda timings: max(figure(timings) for figure in figures)


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


def differing(rounds: Sequence[Round], name: str, other: str) -> dict[str, float]:
    """By path, ``name``'s lead where ``other`` chose another class in any round.

    Only the pictures count that every row with answers was asked about.
    """
    found: dict[str, float] = {}
    for timings in rounds:
        theirs, answers = timings[name].answers, timings[other].answers
        for path in common_pictures(rounds):
            label, margin = theirs[path]
            if answers[path][0] != label:
                found[path] = min(margin, found.get(path, margin))
    return found


def common_pictures(rounds: Sequence[Round]) -> list[str]:
    """Paths that every row which has answers answered in every round, in order."""
    asked = [
        timing.answers.keys() for timings in rounds for timing in timings.values() if timing.answers
    ]
    return sorted(set.intersection(*map(set, asked))) if asked else []


def agreement(rounds: Sequence[Round], name: str, others: Iterable[str]) -> str:
    """How often the best class of each of ``others`` is that of row ``name``, over all rounds."""
    paths = common_pictures(rounds)
    theirs = rounds[0][name].answers
    margins = [theirs[path][1] for path in paths]
    told = (
        f"{len(paths)} pictures, of whose classes “{name}” gives "
        f"{len({theirs[path][0] for path in paths})} as best at least once. Between its best and "
        f"its second class lie {statistics.median(margins):.3f} of probability in the median, "
        f"{min(margins):.6f} at least. A picture counts as the same only if it was in every "
        f"round.\n"
    )
    rows = []
    for other in others:
        flips = sorted(differing(rounds, name, other).values())
        shown = ", ".join(f"{margin:.5f}" for margin in flips[:SHOWN_FLIPS]) or "–"
        more = f" and {len(flips) - SHOWN_FLIPS} more" if len(flips) > SHOWN_FLIPS else ""
        rows.append((other, f"{len(paths) - len(flips)} of {len(paths)}", shown + more))
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
