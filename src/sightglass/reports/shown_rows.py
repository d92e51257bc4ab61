"""Which rows of a run a report shows when one page cannot show them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Of 170 to 200 bytes each, 100,000 rows leave a sixth or more of the page for thumbnails, 140,000
# nothing. A browser opens them in a second or two; docs/scale.md has the measurement.
MOST_ROWS = 100_000
# One row in so many may be kept for files that could not be used: what a person must look at.
_ONE_IN = 5
# So many rows of each label are shown, or all it has: an even sample alone may miss a rare one.
LEAST_PER_LABEL = 30
# 2 ** 32 divided by the golden ratio.
_GOLDEN = 2_654_435_769


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRows:
    """All rows up to ``most``; of more, a sample of what was classified and of what could not be.

    Files that could not be used have a fifth of ``most``, or as many as there are, and what the
    others leave; they are drawn evenly from all of their kind. Of the others ``least`` of each
    label are drawn evenly from all of that label, then as many as there is room for evenly from
    the rest. The same counts give the same places.

    Attributes:
        labels: How many files each label has.
        failed: How many could not be used.
        most: How many rows may be shown; None for all.
    """

    labels: Mapping[str, int]
    failed: int
    most: int | None = MOST_ROWS

    @property
    def sampled(self) -> bool:
        """Whether some are left out."""
        return self.most is not None and self._usable + self.failed > self.most

    @property
    def least(self) -> int:
        """How many rows of each label are shown, or all it has: together half of them at most."""
        return min(LEAST_PER_LABEL, self._n_usable // 2 // max(1, len(self.labels)))

    def of(self, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Those of ``rows``, which are all of the run, that are shown; in their order.

        In memory are two numbers per label.
        """
        if self.most is None or not self.sampled:
            yield from rows
            return
        n_usable, least = self._n_usable, self.least
        first = {label: min(files, least) for label, files in self.labels.items()}
        n_first = sum(first.values())
        rest, room = self._usable - n_first, n_usable - n_first
        seen = Counter[str | None]()
        seen_rest = 0
        for row in rows:
            label = row["label"]
            place = seen[label]
            seen[label] += 1
            if label is None:
                shown = in_sample(place, of=self.failed, size=self.most - n_usable)
            elif in_sample(place, of=self.labels[label], size=first[label]):
                shown = True
            else:
                shown = in_sample(seen_rest, of=rest, size=room)
                seen_rest += 1
            if shown:
                yield row

    @property
    def _usable(self) -> int:
        return sum(self.labels.values())

    @property
    def _n_usable(self) -> int:
        """How many of those with a label are shown."""
        if self.most is None:
            return self._usable
        return min(self._usable, self.most - min(self.failed, self.most // _ONE_IN))


def in_sample(place: int, *, of: int, size: int) -> bool:
    """Whether ``place`` is one of the ``size`` that are drawn from ``of`` places.

    They are cut into ``size`` parts, equal to one place, and one of each part is drawn. Which one
    changes from part to part: always the first would, of pictures that come in rounds (five views
    of every object), draw the same view each time.

    Args:
        place: From 0 on, below ``of``.
        of: How many places there are.
        size: From 0 to ``of``.

    Source:
        The place in a part is that of a Weyl sequence, the fractional parts of the multiples of
        the golden ratio, which is spread evenly.
    """
    if size == 0:
        return False
    part = place * size // of
    first, following = (-(-number * of // size) for number in (part, part + 1))
    return place - first == (part * _GOLDEN % 2**32) * (following - first) >> 32
