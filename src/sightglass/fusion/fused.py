"""Fused: what the alignments say together, and what each said by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fused:
    """One distribution per image with the evidence behind it.

    All of it is float64: weights reach 1e6, and float32 would not hold their sums to 1e-6.

    Attributes:
        probabilities: Rows that sum to 1. A row that no alignment with a weight judges is 0
            throughout, as is the column of a class that no alignment judges.
        scores: The paper's S, the weighted sum of the distributions; a row sums to the sum of that
            image's weights. Under ``"stacked"`` the same as ``probabilities``.
        weights: The paper's W, not negative: how much each alignment counts for each image. 0 where
            it judges no class of that image.
        distributions: Each alignment's own softmax over the classes that it judges; 0 elsewhere.
        weighting: The weighting by which ``weights`` came about.
        mode: ``"paper_formula"`` or ``"released_code"``; results of the latter must be marked.
    """

    probabilities: Float64[np.ndarray, "n_images n_classes"]
    scores: Float64[np.ndarray, "n_images n_classes"]
    weights: Float64[np.ndarray, "n_alignments n_images"]
    distributions: Float64[np.ndarray, "n_alignments n_images n_classes"]
    weighting: str
    mode: str
