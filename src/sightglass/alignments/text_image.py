"""Images against class names, in the space that both towers of a CLIP-like encoder share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_positive, check_same_width

if TYPE_CHECKING:
    from jaxtyping import Float, Float64

_WHERE = "align_text_image"


def align_text_image(
    image_embeddings: Float[np.ndarray, "n_images dim"],
    class_embeddings: Float[np.ndarray, "n_classes dim"],
    *,
    logit_scale: float,
) -> Float[np.ndarray, "n_images n_classes"]:
    """Cosine similarity of every image with every class, times ``logit_scale``.

    Args:
        image_embeddings: Unit rows from the image tower.
        class_embeddings: Unit rows, one per class, in ``LabelSet`` order.
        logit_scale: Above 0, dimensionless; the encoder card's. OpenAI CLIP learned 100.

    Returns:
        float32 logits in nats; softmax over the last axis gives class probabilities. Summed in
        float64, so that the last bits do not depend on how many images are in the batch.

    Raises:
        ShapeError: If the widths differ.
        InputError: If ``logit_scale`` is not above 0.

    Source:
        Radford et al. 2021, arXiv:2103.00020, §3.1.4; the text-image head of Yin & Jiang 2024.

    Example:
        >>> import numpy as np
        >>> align_text_image(np.eye(2), np.eye(2), logit_scale=2.0).tolist()
        [[2.0, 0.0], [0.0, 2.0]]
    """
    check_positive(logit_scale, where=_WHERE, name="logit_scale")
    similarity = text_image_cosines(image_embeddings, class_embeddings)
    logits: Float[np.ndarray, "n_images n_classes"] = (logit_scale * similarity).astype(np.float32)
    return logits


def text_image_cosines(
    image_embeddings: Float[np.ndarray, "n_images dim"],
    class_embeddings: Float[np.ndarray, "n_classes dim"],
) -> Float64[np.ndarray, "n_images n_classes"]:
    """Cosine similarity of every image with every class, in float64.

    Raises:
        ShapeError: If the widths differ.
    """
    check_same_width(
        image_embeddings,
        class_embeddings,
        where=_WHERE,
        names=("image_embeddings", "class_embeddings"),
    )
    cosines: Float64[np.ndarray, "n_images n_classes"] = (
        image_embeddings.astype(np.float64) @ class_embeddings.astype(np.float64, copy=False).T
    )
    return cosines
