"""The contrastive loss: of all captions its own, of all pictures its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightglass.distillation.losses.hard_targets import hard_target
from sightglass.distillation.losses.soft_target_loss import soft_target_loss
from sightglass.distillation.losses.square_matrices import check_scale, square_matrix

if TYPE_CHECKING:
    import numpy as np
    import torch
    from jaxtyping import Float


def info_nce_loss(
    similarities: Float[torch.Tensor, "n n"] | Float[np.ndarray, "n n"],
    *,
    logit_scale: float | Float[torch.Tensor, ""],
    smoothing: float = 0.0,
) -> Float[torch.Tensor, ""]:
    """Cross-entropy of the rows plus that of the columns, each in nats and a mean over the pairs.

    The sum of both directions, not their mean: a learning rate for the one is half of one for the
    other. ``2 ln n`` where all similarities are equal; 0 for a single pair, which teaches nothing.

    Args:
        similarities: Cosines of pictures (rows) and captions (columns); pair ``i`` is at ``i, i``.
        logit_scale: Multiplies them; above 0, a number or a learned scalar.
        smoothing: The share of the other columns in the target, at least 0 and below 1.

    Returns:
        A scalar, at least float32, with gradients by the similarities and by a learned scale.

    Raises:
        InputError: If an entry is NaN or infinite, or a number is out of range.
        ShapeError: If ``similarities`` is not square, or the scale is not one number.
        MissingExtraError: If torch is not installed.

    Source:
        InfoNCE, van den Oord et al. 2018, arXiv:1807.03748, in both directions as by Wu et al.
        2022, arXiv:2112.09445, whose released code adds them.

    Example:
        >>> import torch
        >>> round(float(info_nce_loss(torch.zeros(3, 3), logit_scale=100.0)), 4)
        2.1972
    """
    where = "info_nce_loss"
    rows = square_matrix(similarities, where=where, name="similarities")
    check_scale(logit_scale, where=where, name="logit_scale")
    target = hard_target(len(rows), smoothing=smoothing, like=rows)
    logits = logit_scale * rows
    return soft_target_loss(target, logits, cross_entropy=True) + soft_target_loss(
        target, logits.T, cross_entropy=True
    )
