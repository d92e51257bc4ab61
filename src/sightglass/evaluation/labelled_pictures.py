"""LabelledPictures: a data set that streams, so that its size does not matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Int

    from sightglass.errors import PictureError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledPictures:
    """Pictures with one class each. Iterating reads them from disk, anew each time.

    Attributes:
        class_names: In the order of the label indices, spelled as the data set spells them.
        labels: int64 class index of each picture, in the order of iteration.
        read: Opens the pictures' encoded bytes, in that order, anew each time; or says why one
            cannot be read.
    """

    class_names: tuple[str, ...]
    labels: Int[np.ndarray, " n_images"]
    read: Callable[[], Iterator[bytes | PictureError]]

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.labels)

    def __iter__(self) -> Iterator[tuple[bytes | PictureError, int]]:
        """Each picture's file contents and class index; only a few pictures are in memory."""
        for data, label in zip(self.read(), self.labels, strict=True):
            yield data, int(label)
