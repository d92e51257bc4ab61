"""The pictures of one step, as frozen teachers are shown them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sightglass.errors import ShapeError

if TYPE_CHECKING:
    from jaxtyping import Bool, Int64, UInt8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BatchPictures:
    """What the student sees, and where it comes from.

    Attributes:
        crops: RGB, at the student's size.
        sources: Which source of the mix each picture belongs to.
        indices: Which row of that source it is.
        labels: Index into that source's class names; -1 where there is none.
    """

    crops: UInt8[np.ndarray, "n height width 3"]
    sources: Int64[np.ndarray, " n"]
    indices: Int64[np.ndarray, " n"]
    labels: Int64[np.ndarray, " n"]

    def __post_init__(self) -> None:
        """Check the axes once, where the value is made.

        Raises:
            ShapeError: If the crops are no RGB pictures, or the numbers of pictures differ.
        """
        if self.crops.ndim != 4 or self.crops.shape[3] != 3 or self.crops.dtype != np.uint8:
            raise ShapeError(
                f"BatchPictures: crops need shape (n, height, width, 3) in uint8, got "
                f"{self.crops.shape} in {self.crops.dtype}."
            )
        counts = [len(self.crops), len(self.sources), len(self.indices), len(self.labels)]
        if len(set(counts)) > 1:
            raise ShapeError(
                f"BatchPictures: as many sources, indices and labels as crops are needed, got "
                f"{counts[1:]} for {counts[0]}."
            )

    def __len__(self) -> int:
        """How many pictures."""
        return len(self.crops)

    def where(self, chosen: Bool[np.ndarray, " n"]) -> BatchPictures:
        """The chosen ones, in their order."""
        return BatchPictures(
            crops=self.crops[chosen],
            sources=self.sources[chosen],
            indices=self.indices[chosen],
            labels=self.labels[chosen],
        )
