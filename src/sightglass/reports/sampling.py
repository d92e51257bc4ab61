"""What to keep of many things when there is not room for all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A thumbnail that could be shown.

    Attributes:
        group: Its class, as a number.
        confidence: In [0, 1], or None where there is none.
        size: Bytes that it takes in the page.
    """

    group: int
    confidence: float | None
    size: int


def spread_order(n: int) -> list[int]:
    """0 … n-1 in an order whose every beginning is spread evenly over the whole.

    The numbers are sorted by their binary digits read backwards. Among the first m of them,
    neighbours are less than ``4 * n / m`` apart.

    Source:
        The van der Corput sequence in base 2.

    Example:
        >>> spread_order(8)
        [0, 4, 2, 6, 1, 5, 3, 7]
    """
    digits = max(n - 1, 1).bit_length()
    return sorted(range(n), key=lambda number: int(f"{number:0{digits}b}"[::-1], 2))


def fitting(order: Iterable[int], sizes: Sequence[int], *, budget: int) -> list[int]:
    """Ascending indices out of ``order`` whose sizes together are at most ``budget`` bytes.

    Each is taken in its turn if it fits; one that does not is passed over.
    """
    kept: list[int] = []
    for index in order:
        if sizes[index] <= budget:
            budget -= sizes[index]
            kept.append(index)
    return sorted(kept)


def sample_evenly(candidates: Sequence[Candidate], *, budget: int) -> list[int]:
    """Ascending indices of ``candidates`` whose sizes together are at most ``budget`` bytes.

    Classes take turns, so each keeps some and a rare class keeps all. Within its turns a class
    goes evenly from its surest to its least sure picture. A thumbnail that no longer fits is
    passed over; a smaller one may still find room. The same input gives the same sample.
    """
    if sum(candidate.size for candidate in candidates) <= budget:
        return list(range(len(candidates)))
    groups: dict[int, list[int]] = defaultdict(list)
    for index, candidate in enumerate(candidates):
        groups[candidate.group].append(index)
    turns: list[tuple[int, int, int]] = []
    for group, members in groups.items():
        members.sort(key=lambda index: -(candidates[index].confidence or 0.0))
        turns += [(turn, group, members[at]) for turn, at in enumerate(spread_order(len(members)))]
    sizes = [candidate.size for candidate in candidates]
    return fitting([index for _, _, index in sorted(turns)], sizes, budget=budget)
