"""The learning rate of an epoch."""

from __future__ import annotations

import math

from sightglass.checks import check_positive
from sightglass.distillation.whole_numbers import check_whole
from sightglass.errors import InputError


def warmup_cosine_lr(
    epoch: int, *, lr: float, epochs: int, warmup_epochs: int = 1, warmup_lr: float = 1e-5
) -> float:
    """A constant warm-up, then a cosine whose clock starts when the warm-up ends.

    ``warmup_lr`` for the first ``warmup_epochs``, then
    ``lr (1 + cos(pi (epoch - warmup_epochs) / epochs)) / 2``. The first epoch after the warm-up has
    ``lr`` in full, and the last does not come down to 0: the period is ``epochs``, of which the
    warm-up has used some. The rate is the same for every step of an epoch.

    Args:
        epoch: Counted from 0, below ``epochs``.
        lr: The highest rate, above 0.
        epochs: How many are trained, at least 1.
        warmup_epochs: How many of them are warm-up; 0 for none.
        warmup_lr: The rate of those, above 0.

    Raises:
        InputError: If a number is outside its range.

    Source:
        The training code released with KDPL (Mistretta et al. 2024, arXiv:2407.03056), whose
        schedule is that of Dassl with a constant warm-up.

    Example:
        >>> [round(warmup_cosine_lr(e, lr=0.002, epochs=50), 8) for e in (0, 1, 2, 49)]
        [1e-05, 0.002, 0.00199803, 7.89e-06]
    """
    where = "warmup_cosine_lr"
    check_whole(epochs, where=where, name="epochs", least=1)
    check_whole(epoch, where=where, name="epoch", least=0)
    check_whole(warmup_epochs, where=where, name="warmup_epochs", least=0)
    check_positive(lr, where=where, name="lr")
    check_positive(warmup_lr, where=where, name="warmup_lr")
    if epoch >= epochs:
        raise InputError(
            f"{where}: epoch counts from 0 and must be below epochs, got {epoch} of {epochs}."
        )
    if epoch < warmup_epochs:
        return warmup_lr
    return lr * (1 + math.cos(math.pi * (epoch - warmup_epochs) / epochs)) / 2
