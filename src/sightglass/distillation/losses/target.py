"""What a student is to answer: one distribution for each row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sightglass.distillation.losses.finite_matrices import finite_matrix
from sightglass.distillation.losses.square_matrices import as_tensor
from sightglass.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from jaxtyping import Float

# How far from 1 the sum of a row may be, for float32 and thousands of columns.
_SUM_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Target:
    """Row-stochastic, whoever made it: labels, a teacher, a transport plan.

    Attributes:
        probabilities: No entry below 0, rows sum to 1 to 1e-4; at least float32, no gradient.
        weight: What its divergence is multiplied by; at least 0.
    """

    probabilities: Float[torch.Tensor, "n m"]
    weight: float = 1.0

    def __post_init__(self) -> None:
        """Check the rows and the weight, and cut what made them off from any gradient.

        Raises:
            InputError: If a row is no distribution, or the weight is below 0 or not finite.
            ShapeError: If the matrix does not have two axes, or has no row or no column.
            MissingExtraError: If torch is not installed.
        """
        rows = finite_matrix(self.probabilities, where="Target", name="probabilities").detach()
        object.__setattr__(self, "probabilities", rows)
        sums = rows.sum(dim=1)
        fitting = (rows >= 0).all(dim=1) & ((sums - 1).abs() <= _SUM_TOLERANCE)
        if not fitting.all():
            row = int((~fitting).nonzero()[0])
            raise InputError(
                f"Target: every row must be probabilities with sum 1, got {float(rows[row].min())} "
                f"as the least entry and {float(sums[row])} as the sum in row {row}. Logits go "
                f"through a softmax first, and a plan is divided by the sums of its rows."
            )
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise InputError(
                f"Target: weight must be a finite number of at least 0, got {self.weight}."
            )

    @classmethod
    def of(
        cls,
        probabilities: Float[torch.Tensor, "n m"] | Float[np.ndarray, "n m"],
        weight: float = 1.0,
    ) -> Target:
        """The target of a tensor or of an array.

        Raises:
            InputError: If a row is no distribution, or the weight is below 0 or not finite.
            ShapeError: If the matrix does not have two axes, or has no row or no column.
            MissingExtraError: If torch is not installed.
        """
        return cls(probabilities=as_tensor(probabilities, where="Target"), weight=weight)
