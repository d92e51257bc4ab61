"""Whether a source is worth going on with: most of its first rows must be pictures."""

from __future__ import annotations

from collections.abc import Sequence

from sightglass.distillation.pairs.ledger import BadPicture
from sightglass.errors import InputError

FIRST = 1000


class FirstRows:
    """Counts the bad ones among the first rows of one source that this process reads.

    Args:
        name: The source's.
        rows: How many it has.
    """

    def __init__(self, name: str, rows: int) -> None:
        self._name = name
        self._limit = min(FIRST, rows)
        self._read: set[int] = set()
        self._bad = 0

    def see(self, good: int | None, bad: Sequence[tuple[int, BadPicture]]) -> None:
        """Count a row that could be used, if any, and those before it that could not.

        Raises:
            InputError: If more than half of the first 1,000, or of all where there are fewer, are
                bad; or if no good one came at all, after as many bad ones.
        """
        for index, picture in bad:
            if self._is_new(index):
                self._bad += 1
                if 2 * self._bad > self._limit:
                    raise self._refusal(
                        f"{self._bad:,} of its first {len(self._read):,} rows are none", picture
                    )
        if good is not None:
            self._is_new(good)
        elif bad:
            raise self._refusal(f"{len(bad):,} rows one after the other are none", bad[-1][1])

    def _is_new(self, index: int) -> bool:
        if len(self._read) >= self._limit or index in self._read:
            return False
        self._read.add(index)
        return True

    def _refusal(self, fault: str, example: BadPicture) -> InputError:
        return InputError(
            f"{self._name}: most rows must be pictures that can be read, {fault}; for example "
            f"{example.where}: {example.detail}. Correct the source or leave it out."
        )
