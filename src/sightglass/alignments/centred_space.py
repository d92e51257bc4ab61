"""References in one encoder's space, less what all pictures have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sightglass.encoders.embeddings import unit_rows

if TYPE_CHECKING:
    from jaxtyping import Float

    Rows = Float[np.ndarray, "n dim"]

# Fewer pictures than this have no mean worth subtracting.
LEAST_FOR_A_CENTRE = 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Space:
    """References in one encoder's space, centred.

    Attributes:
        centre: Subtracted from pictures; the mean of unlabelled ones.
        rows: The references, less their own mean, unit length.
    """

    centre: Float[np.ndarray, " dim"]
    rows: Rows

    def of(self, pictures: Rows) -> Rows:
        """Pictures' rows as they are compared with the references."""
        return unit_rows(pictures - self.centre)


def centred_space(references: Rows, pictures: Rows) -> Space:
    """A space whose large common part is taken out.

    All pictures share a direction (for a vision-only encoder a large one), and references another:
    each kind loses its own mean. Too few references borrow the pictures' mean, too few pictures the
    references'; with too few of both nothing is subtracted.

    Source:
        Ours, after "all-but-the-mean" (Mu & Viswanath 2018, arXiv:1702.01417).
    """
    nothing = np.zeros(references.shape[1])
    own = (
        references.mean(axis=0, dtype=np.float64) if len(references) >= LEAST_FOR_A_CENTRE else None
    )
    theirs = (
        pictures.mean(axis=0, dtype=np.float64) if len(pictures) >= LEAST_FOR_A_CENTRE else None
    )
    centre = theirs if theirs is not None else own if own is not None else nothing
    of_references = own if own is not None else centre
    return Space(centre=centre, rows=unit_rows(references - of_references))
