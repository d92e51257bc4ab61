"""A tally of one run: outcomes, what had to be done, and how long each stage took."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from sightglass.reading import ReadPicture
from sightglass.reports.prediction import Prediction

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Work:
    """Filled in while a run goes on; the only mutable value that travels.

    Attributes:
        counts: Files per outcome.
        labels: Pictures per label.
        near_ties: Pictures that a rounding encoder could not decide, decided by its reference.
        decoded_again: Near ties whose picture had to be decoded once more for the reference.
        read: Files whose bytes were read.
        encoded: Pictures that were decoded and went through the network; the other usable ones
            came from the store.
        seconds: Per stage, as the main thread waited for it. Reading goes on during encoding.
    """

    counts: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    near_ties: int = 0
    decoded_again: int = 0
    read: int = 0
    encoded: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def found(self) -> int:
        """Files so far."""
        return sum(self.counts.values())

    @property
    def failed(self) -> int:
        """Files so far that could not be classified."""
        return self.found - self.counts["ok"] - self.counts["duplicate"]

    def add(self, batch: Sequence[ReadPicture], predictions: Sequence[Prediction]) -> None:
        """Count one batch."""
        self.looked_at(batch)
        self.counts.update(prediction.outcome.status for prediction in predictions)
        self.labels.update(p.label for p in predictions if p.label is not None)

    def looked_at(self, batch: Sequence[ReadPicture]) -> None:
        """Count what had to be done for one batch, whether or not it was classified."""
        self.read += sum(picture.stamp is not None for picture in batch)
        self.encoded += sum(
            any(view.fresh is not None for view in (picture, *picture.beside)) for picture in batch
        )

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time inside to ``stage``."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start

    def timed_each(self, stage: str, items: Iterable[T]) -> Iterator[T]:
        """``items``, with the time to get each added to ``stage``."""
        iterator = iter(items)
        while True:
            with self.timed(stage):
                item = next(iterator, None)
            if item is None:
                return
            yield item
