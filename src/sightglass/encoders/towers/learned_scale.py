"""The number that multiplies similarities before a softmax, learned with the towers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn

from sightglass.errors import InputError

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

LEAST, MOST = 1.0, 100.0


class LearnedScale(nn.Module):
    """``clip(exp(log_scale), 1, 100)``: multiplies similarities, never divides them.

    A student has one for its contrastive loss and another for its distillation: the two settle at
    different values, so they are two objects.

    The clip is part of the formula, and the parameter itself is never written to: one that is
    clamped behind the optimiser's back is driven out of range again by the momentum. Outside the
    range its gradient is 0: a scale that has left it stays at that end. An optimiser must give it
    no weight decay, which would draw the scale towards 1: it is the kind of parameter without axes.

    Args:
        initial_log: Natural logarithm of the scale to begin with; 3.9 is a scale of 49.4.

    Raises:
        InputError: If ``initial_log`` is NaN or infinite.

    Source:
        Wu et al. 2022, arXiv:2112.09445, and the code released with it.
    """

    def __init__(self, initial_log: float = 3.9) -> None:
        super().__init__()
        if not math.isfinite(initial_log):
            raise InputError(
                f"LearnedScale: initial_log must be a finite number, got {initial_log}."
            )
        self.log_scale = nn.Parameter(torch.tensor(float(initial_log)))

    def forward(self) -> Float[Tensor, ""]:
        """The scale, from 1 to 100, with a gradient by ``log_scale``."""
        return self.log_scale.exp().clamp(LEAST, MOST)
