"""How far an alignment agrees with confident answers of the class names, on unlabelled pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sightglass.fusion.chance import better_than_chance

if TYPE_CHECKING:
    from jaxtyping import Float, Int

MOST_PER_CLASS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """How often an alignment's best class was the expected one.

    Attributes:
        hits: Pictures where it was.
        n: Pictures.
        chance: Share of hits that guessing would have.
    """

    hits: int
    n: int
    chance: float

    @property
    def share(self) -> float:
        """Of the pictures, in [0, 1]; 0 where there are none."""
        return self.hits / self.n if self.n else 0.0

    @property
    def reliability(self) -> float:
        """Share above chance, in [0, 1]: 0 for guessing, 1 for no miss."""
        return max(0.0, (self.share - self.chance) / (1 - self.chance)) if self.chance < 1 else 0.0

    @property
    def above_chance(self) -> bool:
        """Whether guessing would have so many hits in less than 1 % of cases."""
        return better_than_chance(self.hits, self.n, self.chance)


def confident_answers(
    similarity: Float[np.ndarray, "n_images n_classes"],
) -> tuple[Int[np.ndarray, " n_chosen"], Int[np.ndarray, " n_chosen"]]:
    """The pictures that the class names are most sure of, and their classes.

    Of the pictures whose best class is c, the half where c stands out most from the mean of the
    classes, at most 16.

    Args:
        similarity: Text-image cosines of unlabelled pictures.

    Returns:
        Row numbers and class indices.

    Source:
        The most confident per class, not one threshold for all: Huang et al. 2022,
        arXiv:2204.03649 (unsupervised prompt learning). The half and the 16 are theirs and ours,
        fixed beforehand.
    """
    best = similarity.argmax(axis=1)
    rise = similarity.max(axis=1) - similarity.mean(axis=1)
    rows = []
    for index in range(similarity.shape[1]):
        members = np.flatnonzero(best == index)
        order = members[np.argsort(-rise[members], kind="stable")]
        rows.append(order[: min(MOST_PER_CLASS, -(-len(order) // 2))])
    chosen = np.concatenate(rows)
    return chosen, best[chosen]


def hits_among(
    similarity: Float[np.ndarray, "n_images n_classes"], labels: Int[np.ndarray, " n_images"]
) -> Hits:
    """How often the best class is the label, where the label's class can be judged at all."""
    possible = np.isfinite(similarity)
    usable = possible[np.arange(len(labels)), labels]
    counts = possible[usable].sum(axis=1)
    best = np.where(possible, similarity, -np.inf)[usable].argmax(axis=1) if usable.any() else []
    return Hits(
        hits=int((best == labels[usable]).sum()) if usable.any() else 0,
        n=int(usable.sum()),
        chance=float((1 / counts).mean()) if usable.any() else 1.0,
    )
