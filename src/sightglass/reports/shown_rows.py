"""Which rows of a run a report shows when one page cannot show them all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sightglass.inputs.outcome import CLASSIFIED

# Of 170 to 200 bytes each, 100,000 rows leave a sixth or more of the page for thumbnails, 140,000
# nothing. A browser opens them in a second or two; docs/scale.md has the measurement.
MOST_ROWS = 100_000
# One row in so many may be kept for files that could not be used: what a person must look at.
_ONE_IN = 5
# 2 ** 32 divided by the golden ratio.
_GOLDEN = 2_654_435_769


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRows:
    """All rows up to ``most``; of more, an even sample of the run and of what could not be used.

    Files that could not be used have a fifth of ``most``, or as many as there are, and what the
    others leave. Either kind is spread evenly over all of its kind. The same counts give the same
    places.

    Attributes:
        files: How many rows there are.
        failed: How many of them could not be used.
        most: How many may be shown; None for all.
    """

    files: int
    failed: int
    most: int | None = MOST_ROWS

    @property
    def sampled(self) -> bool:
        """Whether some are left out."""
        return self.most is not None and self.files > self.most

    def of(self, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Those of ``rows``, which are all of the run, that are shown; in their order."""
        if self.most is None or self.files <= self.most:
            yield from rows
            return
        usable = self.files - self.failed
        n_usable = min(usable, self.most - min(self.failed, self.most // _ONE_IN))
        seen_failed = 0
        for place, row in enumerate(rows):
            if row["outcome"] in CLASSIFIED:
                shown = in_sample(place - seen_failed, of=usable, size=n_usable)
            else:
                shown = in_sample(seen_failed, of=self.failed, size=self.most - n_usable)
                seen_failed += 1
            if shown:
                yield row


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
