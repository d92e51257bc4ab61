"""What to keep of many things when there is not room for all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sightglass.inputs.private_tables import PrivateTables


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A thumbnail that could be shown.

    Attributes:
        group: Its class, as a number.
        confidence: In [0, 1], or None where there is none.
        size: Bytes that it takes in the page; 0 where there is nothing to show.
    """

    group: int
    confidence: float | None
    size: int


def spread_order(n: int) -> Iterator[int]:
    """0 … n-1 in an order whose every beginning is spread evenly over the whole.

    The numbers come sorted by their binary digits read backwards. Among the first m of them,
    neighbours are less than ``4 * n / m`` apart.

    Source:
        The van der Corput sequence in base 2.

    Example:
        >>> list(spread_order(8))
        [0, 4, 2, 6, 1, 5, 3, 7]
    """
    digits = max(n - 1, 1).bit_length()
    backwards = (int(f"{number:0{digits}b}"[::-1], 2) for number in range(2**digits))
    return (number for number in backwards if number < n)


def fitting(things: Iterable[tuple[int, int]], *, budget: int) -> list[int]:
    """Ascending numbers of ``things``, whose sizes together are at most ``budget`` bytes.

    Each is taken in its turn if it fits; one that does not is passed over.

    Args:
        things: Number and size of each, in the order of their turns.
        budget: Bytes.
    """
    kept: list[int] = []
    for number, size in things:
        if size <= budget:
            budget -= size
            kept.append(number)
    return sorted(kept)


def sample_evenly(candidates: Iterable[Candidate], *, budget: int) -> list[int]:
    """Ascending indices of ``candidates`` whose sizes together are at most ``budget`` bytes.

    Classes take turns, so each keeps some and a rare class keeps all. Within its turns a class
    goes evenly from its surest to its least sure picture. A thumbnail that no longer fits is
    passed over; a smaller one may still find room. The same input gives the same sample. In
    memory is what is kept.
    """
    tables = PrivateTables(
        "CREATE TABLE candidates (place INTEGER PRIMARY KEY, class INTEGER NOT NULL,"
        " confidence REAL, size INTEGER NOT NULL);"
        "CREATE TABLE ranked (class INTEGER NOT NULL, place_in_class INTEGER NOT NULL,"
        " place INTEGER NOT NULL, size INTEGER NOT NULL,"
        " PRIMARY KEY (class, place_in_class)) WITHOUT ROWID"
    )
    tables.execute_for_each(
        "INSERT INTO candidates VALUES (?, ?, ?, ?)",
        ((place, c.group, c.confidence, c.size) for place, c in enumerate(candidates) if c.size),
    )
    (together,) = tables.one("SELECT coalesce(sum(size), 0) FROM candidates")
    if together <= budget:
        return [place for (place,) in tables.each("SELECT place FROM candidates ORDER BY place")]
    tables.execute(
        "INSERT INTO ranked SELECT class, row_number() OVER"
        " (PARTITION BY class ORDER BY coalesce(confidence, 0) DESC, place) - 1, place, size"
        " FROM candidates"
    )
    return fitting(_in_turns(tables), budget=budget)


def _in_turns(ranked: PrivateTables) -> Iterator[tuple[int, int]]:
    """Place and size of all that are ``ranked``: in each turn one of every class that has more."""
    classes = ranked.each("SELECT class, count(*) FROM ranked GROUP BY class ORDER BY class")
    left = {number: spread_order(count) for number, count in classes}
    while left:
        for number, order in list(left.items()):
            rank = next(order, None)
            if rank is None:
                del left[number]
                continue
            yield ranked.one(
                "SELECT place, size FROM ranked WHERE class = ? AND place_in_class = ?",
                (number, rank),
            )
