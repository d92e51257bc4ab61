"""None of these, without a label: is the best class better than just any word?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_matrix
from sightglass.errors import InputError, ShapeError

if TYPE_CHECKING:
    from jaxtyping import Float

# How many times as likely as the average everyday word the best class must be. A round number,
# fixed beforehand; no label was used to fit it.
LEAST_ODDS = 10.0


def background_scores(
    logits: Float[np.ndarray, "n_images n_classes"],
    background_logits: Float[np.ndarray, " n_images"],
) -> Float[np.ndarray, " n_images"]:
    """How little the best class stands out from everyday words: the unknown score.

    ``1 / (1 + exp(max_c logit_c - background) / 10)``: one half where the best class is exactly
    ten times as likely as the average everyday word, towards 0 where it is far more likely, towards
    1 where any word would do as well. It does not depend on the other classes, and means the same
    for 2 classes and for 2,000.

    Args:
        logits: Scaled similarities with every class, in nats.
        background_logits: Mean of the scaled similarities with the everyday words, in nats.

    Returns:
        float32 in [0, 1]; higher means more likely none of the classes.

    Raises:
        ShapeError: If the two do not have one row per image, or there is no class.

    Source:
        Ours. It follows maximum concept matching (Ming et al. 2022, arXiv:2211.13445) in taking the
        best class, and negative labels (Jiang et al. 2024, arXiv:2403.20078) in comparing with
        words from outside. Differs from both: no softmax over the classes, whose maximum is high
        whenever one wrong class is less wrong than the others; a mean over fixed words.

    Example:
        >>> import numpy as np
        >>> background_scores(np.log([[10.0, 1.0], [1.0, 1.0]]), np.zeros(2)).round(3).tolist()
        [0.5, 0.9089999794960022]
    """
    check_matrix(logits, where="background_scores", name="logits")
    if background_logits.shape != logits.shape[:1] or logits.shape[1] == 0:
        raise ShapeError(
            f"background_scores: one background value per row of logits is needed, got "
            f"{background_logits.shape} for {logits.shape}."
        )
    rise = logits.astype(np.float64).max(axis=1) - background_logits.astype(np.float64)
    # tanh instead of exp: the same function, and no overflow at either end.
    scores: Float[np.ndarray, " n_images"] = (
        0.5 * (1 - np.tanh(0.5 * (rise - np.log(LEAST_ODDS))))
    ).astype(np.float32)
    return scores


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownRule:
    """When a picture is called unknown.

    Attributes:
        threshold: A picture whose unknown score is above this is none of the classes; above 0,
            below 1.
        enabled: False gives every picture its best class; the score is reported all the same.
        with_references: Whether references have a say in the score beside the class names.
    """

    threshold: float = 0.5
    enabled: bool = True
    with_references: bool = False

    def __post_init__(self) -> None:
        """Refuse a threshold that no score, or every score, is above."""
        if not 0 < self.threshold < 1:
            raise InputError(
                f"UnknownRule: threshold must lie between 0 and 1, got {self.threshold}. "
                f"To give every picture a class, use enabled=False."
            )

    @property
    def meaning(self) -> str:
        """The rule in words, for the report."""
        if not self.enabled:
            return "Off: every picture gets its best class."
        odds = LEAST_ODDS * (1 / self.threshold - 1)
        compared = "the average of a fixed list of everyday words"
        if self.with_references:
            compared += (
                " (by its name) and as the average of your pictures (by its references), averaged "
                "over these opinions by their reliability"
            )
        return (
            f"A picture is unknown when its unknown score is above {self.threshold:g}: its best "
            f"class is then less than {odds:.3g} times as likely as {compared}. "
            f"No label was used. A near miss, a picture of something that looks "
            f"like one of the classes, is the hard case and often passes as that class."
        )
