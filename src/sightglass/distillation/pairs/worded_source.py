"""A source whose captions are its class names in sentences, or none; or without its labels."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from sightglass.inputs.labels import clean_name

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Int64

    from sightglass.distillation.pairs.row import Row
    from sightglass.distillation.pairs.source import PairSource


def spoken_name(name: str, *, first_name: bool) -> str:
    """A class's name as a sentence says it: without underscores, without further synonyms.

    Args:
        name: Perhaps synonyms, divided by ``", "``: ``goldfish, Carassius auratus``.
        first_name: Take the first synonym only.
    """
    return clean_name(name.partition(", ")[0] if first_name else name)


class WordedSource:
    """Another source's rows, with other captions.

    Args:
        source: Where rows are read.
        captions: Of each class, for its rows; empty for rows without captions; None to leave them
            as they are.
        classes: What the labels are called.
        labels: False to hide them, after the captions have been found.
    """

    def __init__(
        self,
        source: PairSource,
        *,
        captions: Sequence[tuple[str, ...]] | None,
        classes: Sequence[str],
        labels: bool,
    ) -> None:
        self._source = source
        self._captions = None if captions is None else tuple(captions)
        self._labels = labels
        self.name = source.name
        self.remarks = source.remarks
        self.classes = tuple(classes) if labels else ()
        self.labelled = labels and source.labelled
        self.captioned = source.captioned if captions is None else bool(captions)

    @cached_property
    def digest(self) -> str:
        """Covers what the source's own covers, and the captions and names."""
        told = repr((self._source.digest, self._captions, self.classes, self._labels))
        return hashlib.sha256(told.encode()).hexdigest()

    def __len__(self) -> int:
        """How many rows."""
        return len(self._source)

    def epoch_order(self, seed: int, epoch: int) -> Int64[np.ndarray, " rows"]:
        """The source's own."""
        return self._source.epoch_order(seed, epoch)

    def where(self, index: int) -> str:
        """The source's own."""
        return self._source.where(index)

    def captions(self, index: int) -> tuple[str, ...]:
        """The captions of one row."""
        if self._captions is None:
            return self._source.captions(index)
        return self._worded(self._source.read(index).label) if self._captions else ()

    def read(self, index: int) -> Row:
        """One row, with its captions.

        Raises:
            PictureError: As the source's own.
            InputError: As the source's own.
        """
        row = self._source.read(index)
        said = row.captions if self._captions is None else self._worded(row.label)
        return dataclasses.replace(row, captions=said, label=row.label if self._labels else -1)

    def _worded(self, label: int) -> tuple[str, ...]:
        return self._captions[label] if self._captions and label >= 0 else ()
