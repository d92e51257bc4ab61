"""How much an alignment counts for an image, judged by its own distribution alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float64

# The paper's: keeps the inverse finite where the entropy is 0.
EPSILON = 1e-6


def entropies(
    distributions: Float64[np.ndarray, "n_images n_classes"],
) -> Float64[np.ndarray, " n_images"]:
    """``-sum_c p_c ln p_c`` per row in nats, with ``0 ln 0 = 0``; never below 0."""
    logarithms = np.log(np.where(distributions > 0, distributions, 1.0))
    entropy: Float64[np.ndarray, " n_images"] = np.maximum(
        -(distributions * logarithms).sum(axis=1), 0.0
    )
    return entropy


def released_entropies(
    distributions: Float64[np.ndarray, "n_images n_classes"],
) -> Float64[np.ndarray, " n_images"]:
    """``-sum_c p_c ln(p_c + 1e-6)``: about -1e-6 instead of 0 where a row is certain."""
    entropy: Float64[np.ndarray, " n_images"] = -(
        distributions * np.log(distributions + EPSILON)
    ).sum(axis=1)
    return entropy


# From a distribution and its entropy to a weight.
_FORMULAS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "max": lambda distributions, _: distributions.max(axis=1),
    "inverse_entropy": lambda _, entropy: 1.0 / (entropy + EPSILON),
    "exp_neg_entropy": lambda _, entropy: np.exp(-entropy),
}
CONFIDENCE_WEIGHTINGS = tuple(_FORMULAS)


def confidence_weights(
    distributions: Float64[np.ndarray, "n_images n_classes"], *, weighting: str, mode: str
) -> Float64[np.ndarray, " n_images"]:
    """One alignment's weight for every image.

    With m classes that it judges, ``max`` lies in [1/m, 1], ``exp_neg_entropy`` between 1/m and the
    maximum, ``inverse_entropy`` in [1/(ln m + 1e-6), 1e6].

    Args:
        distributions: Rows that sum to 1.
        weighting: One of ``CONFIDENCE_WEIGHTINGS``.
        mode: ``"paper_formula"``, or ``"released_code"``, whose entropy has 1e-6 inside the
            logarithm as well: ``inverse_entropy`` then reaches 2e12 and takes over where one
            alignment is certain.

    Source:
        Yin & Jiang 2024, arXiv:2405.02155, the confidence weights, taken of the softmax as the code
        released with it does; ``"released_code"``: that code's ``entropy``.
    """
    entropy = entropies if mode == "paper_formula" else released_entropies
    return _FORMULAS[weighting](distributions, entropy(distributions))
