"""PairSource: what every place that rows come from can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Int64

    from sightglass.distillation.pairs.row import Row


class PairSource(Protocol):
    """Rows that can be read in any order, from several threads at once."""

    @property
    def name(self) -> str:
        """The path or pattern, as the person spelled it."""

    @property
    def digest(self) -> str:
        """Hex digest of what decides the rows; paths and times of change do not.

        Computed when first asked for. What it covers is said by each source: reading hundreds of
        gigabytes once more, to tell one run from another, is more than it is worth.
        """

    @property
    def classes(self) -> tuple[str, ...]:
        """What the labels mean; empty where that is not known, or nothing is labelled."""

    @property
    def labelled(self) -> bool:
        """Whether some rows have a label."""

    @property
    def captioned(self) -> bool:
        """Whether some rows may have a caption."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person should know before training, such as that a shard ends early."""

    def __len__(self) -> int:
        """How many rows, at least 1."""

    def epoch_order(self, seed: int, epoch: int) -> Int64[np.ndarray, " rows"]:
        """The numbers 0 to ``len - 1`` shuffled, by ``seed`` and ``epoch`` alone."""

    def where(self, index: int) -> str:
        """What ``Row.where`` of this row is or would be; nothing is read."""

    def captions(self, index: int) -> tuple[str, ...]:
        """The captions of one row; its picture is not read.

        Raises:
            PictureError: As for ``read``.
            InputError: As for ``read``.
        """

    def read(self, index: int) -> Row:
        """One row.

        Raises:
            PictureError: If this one row cannot be used; the others may well be.
            InputError: If the source as a whole is not any more what it was when it was opened.
        """
