"""How much each epoch's prompts count in the average of all epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_positive
from sightglass.distillation.whole_numbers import check_whole
from sightglass.errors import InputError

if TYPE_CHECKING:
    from jaxtyping import Float64


def gaussian_epoch_weights(
    epochs: int, *, mean: float, std: float
) -> Float64[np.ndarray, " epochs"]:
    """Weights in proportion to a Gaussian at 1, 2, ... ``epochs``, with sum 1.

    Entry 0 belongs to the first epoch, which the Gaussian counts as 1.

    Args:
        epochs: How many, at least 1.
        mean: The epoch that counts most; may lie outside the range.
        std: Standard deviation in epochs, above 0.

    Raises:
        InputError: If ``epochs`` is below 1, ``mean`` is not finite, or ``std`` is not above 0.

    Source:
        PromptSRC, Khattak et al. 2023, arXiv:2307.06948, Gaussian weighted prompt aggregation; mean
        15 and deviation 1 of 20 epochs for base-to-novel, 6 and 10 for cross-dataset.

    Example:
        >>> gaussian_epoch_weights(3, mean=2.0, std=1.0).round(4).tolist()
        [0.2741, 0.4519, 0.2741]
    """
    where = "gaussian_epoch_weights"
    check_whole(epochs, where=where, name="epochs", least=1)
    check_positive(std, where=where, name="std")
    if not np.isfinite(mean):
        raise InputError(f"{where}: mean must be a finite number, got {mean}.")
    exponents = -(((np.arange(1, epochs + 1) - mean) / std) ** 2) / 2
    # From the largest on: far from the mean every power would be 0, and 0 / 0 is no weight.
    powers = np.exp(exponents - exponents.max())
    weights: Float64[np.ndarray, " epochs"] = powers / powers.sum()
    return weights
