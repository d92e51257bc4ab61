"""Some rows of a source, from one place to another."""

from __future__ import annotations

import dataclasses
import hashlib
from functools import cached_property
from typing import TYPE_CHECKING

from sightglass.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Int64

    from sightglass.distillation.pairs.row import Row
    from sightglass.distillation.pairs.source import PairSource


class PartSource:
    """The rows ``first`` to ``last - 1`` of a source, numbered from 0.

    Args:
        source: Where rows are read.
        first: From 0.
        last: None for the source's end.

    Raises:
        InputError: If there is no such row, or the source ends before ``last``.
    """

    def __init__(self, source: PairSource, first: int, last: int | None) -> None:
        end = len(source) if last is None else last
        if not 0 <= first < end <= len(source):
            asked = f"{first}:{'' if last is None else last}"
            raise InputError(
                f"{source.name}: use must name some of the {len(source):,} rows, got '{asked}'. "
                f"Rows count from 0, and the last is not one of them: '0:{len(source)}' is all."
            )
        self._source = source
        self._first, self._last = first, end
        self.name = source.name
        self.classes = source.classes
        self.labelled, self.captioned = source.labelled, source.captioned
        self.remarks = source.remarks

    @cached_property
    def digest(self) -> str:
        """Covers what the source's own covers, and which rows."""
        told = f"{self._source.digest} {self._first}:{self._last}"
        return hashlib.sha256(told.encode()).hexdigest()

    def __len__(self) -> int:
        """How many rows."""
        return self._last - self._first

    def epoch_order(self, seed: int, epoch: int) -> Int64[np.ndarray, " rows"]:
        """The source's own, without the other rows: what lies together is read together."""
        order = self._source.epoch_order(seed, epoch)
        return order[(order >= self._first) & (order < self._last)] - self._first

    def where(self, index: int) -> str:
        """The source's own: rows are counted as in the file."""
        return self._source.where(self._first + index)

    def captions(self, index: int) -> tuple[str, ...]:
        """The captions of one row."""
        return self._source.captions(self._first + index)

    def read(self, index: int) -> Row:
        """One row.

        Raises:
            PictureError: As the source's own.
            InputError: As the source's own.
        """
        return dataclasses.replace(self._source.read(self._first + index), index=index)
