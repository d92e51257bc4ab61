"""Which pictures an encoder that rounds cannot decide: they are decided again without rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_same_width
from sightglass.decisions.unknown import LEAST_ODDS

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

# A rival that lies further down than this is never within rounding of the best.
RIVALS = 5


def near_ties(
    logits: Float[np.ndarray, "n_images n_classes"],
    background_logits: Float[np.ndarray, " n_images"],
    class_embeddings: Float[np.ndarray, "n_classes dim"],
    background: Float[np.ndarray, "1 dim"],
    *,
    logit_scale: float,
    rounding: float,
) -> Bool[np.ndarray, " n_images"]:
    """True where rounding of the picture's row could change its label.

    Rounding moves a row by a small vector in no particular direction, whose part along a given
    unit direction is about ``1 / sqrt(dim)`` of its length. The lead of the best class b over a
    rival r is the row times ``t_b - t_r``, so it is trusted where it exceeds
    ``logit_scale * rounding * |t_b - t_r| / sqrt(dim)``. The same holds for the lead over the
    everyday words at which a picture becomes unknown.

    Args:
        logits: Scaled similarities from rows that were rounded, in nats.
        background_logits: The same for the mean of the everyday words.
        class_embeddings: Unit rows that were not rounded.
        background: Mean row of the everyday words.
        logit_scale: That of the logits.
        rounding: The encoder's; see ``RoundingEncoder``.

    Raises:
        ShapeError: If the widths of classes and background differ.

    Source:
        Ours: elementary error propagation.
    """
    check_same_width(
        class_embeddings, background, where="near_ties", names=("class_embeddings", "background")
    )
    unit = logit_scale * rounding / np.sqrt(class_embeddings.shape[1])
    order = np.argsort(-logits, axis=1, kind="stable")[:, : RIVALS + 1]
    best, rivals = order[:, :1], order[:, 1:]
    lead = np.take_along_axis(logits, best, axis=1) - np.take_along_axis(logits, rivals, axis=1)
    apart = np.linalg.norm(class_embeddings[best] - class_embeddings[rivals], axis=2)
    rise = np.take_along_axis(logits, best, axis=1)[:, 0] - background_logits
    above = np.linalg.norm(class_embeddings[best[:, 0]] - background, axis=1)
    tied = (lead < unit * apart).any(axis=1)
    near_unknown = np.abs(rise - np.log(LEAST_ODDS)) < unit * above
    result: Bool[np.ndarray, " n_images"] = tied | near_unknown
    return result
