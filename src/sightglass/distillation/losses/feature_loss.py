"""How far a student's feature of a picture is from a frozen teacher's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sightglass.distillation.losses.finite_matrices import matching_matrices
from sightglass.errors import unknown_name

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float

# A feature shorter than this counts as this long: one of zeros has no direction.
_SHORTEST = 1e-6


def feature_loss(
    features: Float[torch.Tensor, "n f"],
    teacher_features: Float[torch.Tensor, "n f"],
    *,
    kind: Literal["mean_squared_error", "cosine"] = "mean_squared_error",
) -> Float[torch.Tensor, ""]:
    """The mean squared difference of all entries, or the mean over the rows of ``1 - cosine``.

    Args:
        features: The student's, before any normalisation.
        teacher_features: Of the same pictures and of the same width. Detached.
        kind: ``"cosine"`` where the length of a feature says nothing.

    Returns:
        A scalar in the wider of the two types, at least float32; at least 0, for cosines at most 2.

    Raises:
        InputError: If an entry is NaN or infinite, or something is no tensor.
        ShapeError: If the shapes differ, are not of two axes, or have no row or no column.
        UnknownNameError: If ``kind`` is neither of the two.
        MissingExtraError: If torch is not installed.

    Source:
        Romero et al. 2015, arXiv:1412.6550, on the pooled feature.
    """
    if kind not in ("mean_squared_error", "cosine"):
        raise unknown_name("feature loss", kind, ["mean_squared_error", "cosine"])
    teacher, student = matching_matrices(
        teacher_features,
        features,
        where="feature_loss",
        names=("teacher_features", "features"),
    )
    from torch.nn import functional

    if kind == "mean_squared_error":
        return (student - teacher).square().mean()
    cosines = functional.normalize(student, eps=_SHORTEST) * functional.normalize(
        teacher, eps=_SHORTEST
    )
    return 1 - cosines.sum(dim=1).mean()
