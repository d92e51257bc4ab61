"""What a teacher holds to be alike within a batch, seen from the pictures and from the captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.distillation.losses.square_matrices import require_other_pairs, square_matrix
from sightglass.errors import InputError, ShapeError

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float

    Square = Float[torch.Tensor, "n n"] | Float[np.ndarray, "n n"]

# What a picture's or a caption's likeness to itself is lowered by, as published.
_REMOVED = 100.0


def batch_similarities(
    image_text: Square,
    image_image: Square | None,
    text_text: Square | None,
    *,
    image_weight: float = 1.0,
    text_weight: float = 1.0,
    remove_diagonal: bool,
    where: str,
) -> tuple[Float[torch.Tensor, "n n"], Float[torch.Tensor, "n n"]]:
    """``image_weight vv + text_weight tt + vt`` and the same with ``tv``, without gradients.

    ``vv`` are the cosines of pictures with pictures, ``tt`` of captions with captions, ``vt`` of
    pictures (rows) with captions, ``tv`` its transpose.

    Args:
        image_text: vt.
        image_image: vv, or None to leave it out.
        text_text: tt, or None to leave it out.
        image_weight: Of vv, at least 0.
        text_weight: Of tt, at least 0.
        remove_diagonal: Take 100 off the diagonals of vv and of tt, before their weights. vt keeps
            its own: where vv and tt are left out or weigh nothing, nothing is taken off.
        where: Who asks, for messages.

    Returns:
        The sum for picture to caption, and that for caption to picture.

    Raises:
        InputError: If an entry is NaN or infinite, a weight is out of range, or something would be
            taken off a single pair.
        ShapeError: If a matrix is not square, or they differ in size.
        MissingExtraError: If torch is not installed.

    Source:
        Wu et al. 2022, arXiv:2112.09445, and the code released with it.
    """
    images = square_matrix(image_text, where=where, name="image_text").detach()
    texts = images.T
    for matrix, weight, name, weight_name in (
        (image_image, image_weight, "image_image", "image_weight"),
        (text_text, text_weight, "text_text", "text_weight"),
    ):
        if not (np.isfinite(weight) and weight >= 0):
            raise InputError(
                f"{where}: {weight_name} must be a finite number of at least 0, got {weight}."
            )
        if matrix is None:
            continue
        own = square_matrix(matrix, where=where, name=name).detach()
        if own.shape != images.shape:
            raise ShapeError(
                f"{where}: image_text and {name} need one shape, got {tuple(images.shape)} and "
                f"{tuple(own.shape)}."
            )
        if remove_diagonal and weight > 0:
            own = _lowered(own, where=where)
        images, texts = images + weight * own, texts + weight * own
    return images, texts


def _lowered(own: Float[torch.Tensor, "n n"], *, where: str) -> Float[torch.Tensor, "n n"]:
    """``own`` with 100 less on the diagonal."""
    import torch

    require_other_pairs(len(own), where=where)
    return own - _REMOVED * torch.eye(len(own), dtype=own.dtype, device=own.device)
