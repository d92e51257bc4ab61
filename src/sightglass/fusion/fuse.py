"""Several alignments' logits to one distribution per image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.errors import unknown_name
from sightglass.fusion.confidence_weights import CONFIDENCE_WEIGHTINGS, confidence_weights
from sightglass.fusion.fuse_arguments import checked_judged, checked_logits, checked_weights
from sightglass.fusion.fused import Fused
from sightglass.fusion.judged_softmax import judged_softmax
from sightglass.fusion.stacked_pool import stacked_pool

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

WEIGHTINGS = (*CONFIDENCE_WEIGHTINGS, "fixed", "stacked")
MODES = ("paper_formula", "released_code")


def fuse(
    logits: Sequence[Float[np.ndarray, "n_images n_classes"]],
    *,
    weighting: str = "inverse_entropy",
    judged: Sequence[Bool[np.ndarray, " n_classes"] | None] | None = None,
    fixed_weights: Sequence[float] | None = None,
    mode: str = "paper_formula",
) -> Fused:
    """Weigh every alignment's distribution for every image, and add them up.

    ``S_c = sum_h W_h p_h(c)`` and ``probabilities = S / sum_h W_h``, with ``p_h`` the softmax of an
    alignment's logits over the classes that it judges, and ``W_h`` its weight for that image:

    - ``"max"``: ``max_c p_h(c)``.
    - ``"inverse_entropy"``: ``1 / (H(p_h) + 1e-6)``, the entropy H in nats.
    - ``"exp_neg_entropy"``: ``exp(-H(p_h))``.
    - ``"fixed"``: ``fixed_weights``, the same for all images.
    - ``"stacked"``: not a sum of distributions but a log-linear pool; see ``stacked_pool``.

    A class that an alignment does not judge gets nothing from it, and an alignment that judges a
    single class is certain of it: use one only where it judges most classes.

    Args:
        logits: One matrix per alignment, in nats; images and classes in the same order.
        weighting: One of the five above.
        judged: Per alignment which classes it judges, or None for all. What its logits hold at
            the others is not looked at.
        fixed_weights: One number per alignment, not negative, not all 0. For ``"fixed"``, where it
            is 1 throughout by default, and ``"stacked"``, which needs it; the others find their
            own.
        mode: ``"paper_formula"``, or ``"released_code"``, which takes the entropy of the released
            scripts, for comparison with them only.

    Returns:
        Probabilities and the evidence behind them, float64. An image that an alignment says
        nothing about (it judges no class, or all its logits are -inf) has a weight of 0 there.

    Raises:
        ShapeError: If the matrices differ in shape, have no class, or there are none; or if
            ``judged`` or ``fixed_weights`` do not fit them.
        InputError: If a judged class has a logit that is NaN or +inf, or ``fixed_weights`` are
            missing or cannot be used.
        UnknownNameError: If ``weighting`` or ``mode`` is unknown.

    Source:
        Yin & Jiang 2024, arXiv:2405.02155, confidence-based weighting. The division by the sum of
        the weights is ours: it changes no order of classes, and makes images comparable.

    Example:
        >>> import numpy as np
        >>> sure, unsure = np.log([[0.9, 0.1]]), np.log([[0.5, 0.5]])
        >>> fuse([sure, unsure], weighting="max").probabilities.round(4).tolist()
        [[0.7571, 0.2429]]
    """
    if weighting not in WEIGHTINGS:
        raise unknown_name("weighting", weighting, WEIGHTINGS)
    if mode not in MODES:
        raise unknown_name("fusion mode", mode, MODES)
    matrices = checked_logits(logits)
    masks = checked_judged(judged, matrices)
    constants = checked_weights(fixed_weights, len(matrices), needed=weighting == "stacked")
    distributions = np.stack([judged_softmax(*pair) for pair in zip(matrices, masks, strict=True)])
    if weighting in CONFIDENCE_WEIGHTINGS:
        weights = np.stack(
            [confidence_weights(each, weighting=weighting, mode=mode) for each in distributions]
        )
    else:
        weights = np.repeat(constants[:, None], matrices[0].shape[0], axis=1)
    weights *= distributions.any(axis=2)
    if weighting == "stacked":
        scores = probabilities = stacked_pool(matrices, masks, constants)
    else:
        scores = np.zeros_like(matrices[0])
        for weight, distribution in zip(weights, distributions, strict=True):
            scores += weight[:, None] * distribution
        total = weights.sum(axis=0)[:, None]
        probabilities = np.divide(scores, total, out=np.zeros_like(scores), where=total > 0)
    return Fused(
        probabilities=probabilities,
        scores=scores,
        weights=weights,
        distributions=distributions,
        weighting=weighting,
        mode=mode,
    )
