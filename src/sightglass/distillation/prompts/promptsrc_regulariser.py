"""What keeps PromptSRC's prompted student near the student without prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightglass.distillation.losses.finite_matrices import matching_matrices
from sightglass.errors import ShapeError

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float


def promptsrc_regulariser(
    *,
    student_texts: Float[torch.Tensor, "c dim"],
    frozen_texts: Float[torch.Tensor, "c dim"],
    student_images: Float[torch.Tensor, "n dim"],
    frozen_images: Float[torch.Tensor, "n dim"],
    student_logits: Float[torch.Tensor, "n c"],
    frozen_logits: Float[torch.Tensor, "n c"],
    text_weight: float = 25.0,
    image_weight: float = 10.0,
) -> Float[torch.Tensor, ""]:
    """``25 mean|t_S - t_0| + 10 mean|f_S - f_0| + sum KL(p_0 || p_S) / (n c)``.

    A mean is over all entries of a matrix. The last sum is divided by the number of logits, not of
    pictures, unlike that of ``kdpl_loss``. What is frozen is detached.

    Args:
        student_texts: t_S, unit rows of the classes with the learned prompts.
        frozen_texts: t_0, unit rows of the classes from the frozen student: the mean over several
            templates, made unit length afterwards.
        student_images: f_S, unit rows of the pictures with the learned prompts.
        frozen_images: f_0, unit rows of the pictures from the frozen student.
        student_logits: Whose softmax is p_S.
        frozen_logits: Whose softmax is p_0: f_0 with t_0 at the same scale.
        text_weight: The factor of the first term.
        image_weight: The factor of the second.

    Returns:
        A scalar in the widest of the types, at least float32.

    Raises:
        InputError: If an entry is NaN or infinite, or something is no tensor.
        ShapeError: If shapes do not fit each other, are not of two axes, or have no row or column.
        MissingExtraError: If torch is not installed.

    Source:
        PromptSRC, Khattak et al. 2023, arXiv:2307.06948, and its released code, which divides the
        summed divergence by the number of logits.
    """
    where = "promptsrc_regulariser"
    texts_0, texts = matching_matrices(
        frozen_texts, student_texts, where=where, names=("frozen_texts", "student_texts")
    )
    images_0, images = matching_matrices(
        frozen_images, student_images, where=where, names=("frozen_images", "student_images")
    )
    logits_0, logits = matching_matrices(
        frozen_logits, student_logits, where=where, names=("frozen_logits", "student_logits")
    )
    if logits.shape != (len(images), len(texts)):
        raise ShapeError(
            f"{where}: student_logits needs one row per picture and one column per class, got "
            f"{tuple(logits.shape)} for {len(images)} pictures and {len(texts)} classes."
        )
    log_0 = logits_0.log_softmax(dim=1)
    divergence = (log_0.exp() * (log_0 - logits.log_softmax(dim=1))).sum()
    return (
        text_weight * (texts - texts_0).abs().mean()
        + image_weight * (images - images_0).abs().mean()
        + divergence / logits.numel()
    )
