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
        chance: Share of hits that guessing would have, were every class answered as often as it
            was.
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
        """Share above chance, in [0, 1]: 0 for guessing, 1 for no miss. Cohen's kappa (1960)."""
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
        similarity: Text-image cosines of unlabelled pictures. A row without a finite entry has no
            answer.

    Returns:
        Row numbers and class indices.

    Source:
        The most confident per class, not one threshold for all: Huang et al. 2022,
        arXiv:2204.03649 (unsupervised prompt learning). The half and the 16 are theirs and ours,
        fixed beforehand.
    """
    possible = np.isfinite(similarity)
    best = np.where(possible, similarity, -np.inf).argmax(axis=1)
    finite = np.where(possible, similarity, 0.0)
    means = finite.sum(axis=1) / np.maximum(possible.sum(axis=1), 1)
    rise = finite[np.arange(len(best)), best] - means
    rows = []
    for index in range(similarity.shape[1]):
        members = np.flatnonzero((best == index) & possible.any(axis=1))
        order = members[np.argsort(-rise[members], kind="stable")]
        rows.append(order[: min(MOST_PER_CLASS, -(-len(order) // 2))])
    chosen = np.concatenate(rows)
    return chosen, best[chosen]


def hits_among(
    similarity: Float[np.ndarray, "n_images n_classes"],
    labels: Int[np.ndarray, " n_images"],
    *,
    unjudged_missed: bool = False,
) -> Hits:
    """How often the best class is the label.

    Images at whose label ``similarity`` is -inf are left out, or with ``unjudged_missed`` counted
    as misses: whatever is answered to a picture of a class without references is wrong.

    Chance is what the answers would hit if they were dealt out among the pictures at random. An
    alignment that gives one answer to all is thereby no better than chance, however common that
    class is; where labels are balanced, chance is one in as many classes.
    """
    possible = np.isfinite(similarity)
    usable = possible[np.arange(len(labels)), labels] | unjudged_missed
    if not usable.any():
        return Hits(hits=0, n=0, chance=1.0)
    expected = labels[usable]
    answers = np.where(possible, similarity, -np.inf)[usable].argmax(axis=1)
    n, n_classes = len(expected), similarity.shape[1]
    both = np.bincount(answers, minlength=n_classes) @ np.bincount(expected, minlength=n_classes)
    return Hits(hits=int((answers == expected).sum()), n=n, chance=float(both) / (n * n))
