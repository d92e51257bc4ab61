"""What of a batch goes through the towers together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sightglass.distillation.teachers.batch_pictures import BatchPictures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Bool, Int64, UInt8
    from torch import Tensor

    from sightglass.distillation.pairs.pair_batches import PairBatch


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Pictures that go through the towers together; put side by side once, however often run."""

    at: slice
    batch: PairBatch
    ids: Int64[Tensor, "j length"] | None
    paired: Bool[Tensor, " k"]

    @cached_property
    def seen(self) -> UInt8[np.ndarray, "k height width 3"]:
        """What the student sees."""
        return np.stack([views[0] for views in self.batch.views[self.at]])

    @cached_property
    def shown(self) -> BatchPictures:
        """What frozen teachers are shown."""
        batch, views = self.batch, self.batch.views[self.at]
        same = all(mine is theirs for mine, theirs in views)
        return BatchPictures(
            crops=self.seen if same else np.stack([theirs for _, theirs in views]),
            sources=batch.sources[self.at],
            indices=batch.indices[self.at],
            labels=batch.labels[self.at],
        )

    @property
    def captions(self) -> Sequence[str]:
        """One of each picture; empty where there is none."""
        return self.batch.captions[self.at]
