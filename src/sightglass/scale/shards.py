"""Shards: a run's sources in pieces that one worker answers at once."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from sightglass.errors import InputError

# Seven seconds of one processor with the bundled model: little is lost with a worker, and the
# bookkeeping of a shard, some 20 ms, does not count.
SHARD_SIZE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Sources that follow each other in the run's order.

    Attributes:
        number: From 0, in the order of the run.
        first: Place of the first source in the run.
        sources: At least one.
    """

    number: int
    first: int
    sources: Sequence[str]


class Sharding:
    """A run's sources, cut into shards; makes each one when asked, so that no copy is kept.

    Args:
        sources: In the order of the answers.
        size: Sources in a shard; the last one takes what is left.

    Raises:
        InputError: If ``size`` is below 1.
    """

    def __init__(self, sources: Sequence[str], size: int = SHARD_SIZE) -> None:
        if size < 1:
            raise InputError(f"--shard-size must be 1 or more, got {size}.")
        self._sources = sources
        self._size = size

    @property
    def total(self) -> int:
        """How many sources."""
        return len(self._sources)

    def __len__(self) -> int:
        return (len(self._sources) + self._size - 1) // self._size

    def __getitem__(self, number: int) -> Shard:
        first = number * self._size
        return Shard(number=number, first=first, sources=self._sources[first : first + self._size])


def packed_sources(sources: Sequence[str]) -> bytes:
    """``sources`` as bytes to send: sorted paths have much in common and take a tenth so.

    Names that are not valid text come back as they were.
    """
    return zlib.compress(json.dumps(list(sources)).encode(), level=1)


def unpacked_sources(packed: bytes) -> list[str]:
    """What ``packed_sources`` packed."""
    sources: list[str] = json.loads(zlib.decompress(packed))
    return sources
