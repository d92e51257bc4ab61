"""What the losses and the selection are given, checked once and widened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightglass.checks import require_extra
from sightglass.errors import InputError, ShapeError

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float


def finite_matrix(
    matrix: Float[torch.Tensor, "rows columns"], *, where: str, name: str
) -> Float[torch.Tensor, "rows columns"]:
    """``matrix`` in float32, or in float64 where it is that already.

    Raises:
        InputError: If it is no tensor, or an entry is NaN or infinite.
        ShapeError: If it does not have two axes, or has no row or no column.
        MissingExtraError: If torch is not installed.
    """
    require_extra("torch", extra="train", purpose=where)
    import torch

    if not isinstance(matrix, torch.Tensor):
        raise InputError(
            f"{where}: {name} needs to be a torch tensor, got {type(matrix).__name__}. "
            f"torch.from_numpy makes one of an array."
        )
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ShapeError(
            f"{where}: {name} needs two axes, both at least 1 long, got shape "
            f"{tuple(matrix.shape)}."
        )
    finite = matrix.isfinite()
    if not finite.all():
        row, column = (~finite).nonzero()[0].tolist()
        value = matrix[row, column].item()
        advice = (
            "Make logits of probabilities with floored_logits."
            if value == float("-inf")
            else "Training may have diverged: try a smaller learning rate."
        )
        raise InputError(
            f"{where}: {name} must be finite throughout, got {value} in row {row}, "
            f"column {column}. {advice}"
        )
    return matrix.to(torch.promote_types(matrix.dtype, torch.float32))


def matching_matrices(
    fixed: Float[torch.Tensor, "rows columns"],
    learned: Float[torch.Tensor, "rows columns"],
    *,
    where: str,
    names: tuple[str, str],
) -> tuple[Float[torch.Tensor, "rows columns"], Float[torch.Tensor, "rows columns"]]:
    """Both as ``finite_matrix`` gives them, in the wider type of the two; ``fixed`` is detached.

    No gradient reaches what made ``fixed``, whatever the caller forgot.

    Raises:
        InputError: As ``finite_matrix``.
        ShapeError: As ``finite_matrix``, and if the shapes differ.
        MissingExtraError: If torch is not installed.
    """
    first = finite_matrix(fixed, where=where, name=names[0]).detach()
    second = finite_matrix(learned, where=where, name=names[1])
    if first.shape != second.shape:
        raise ShapeError(
            f"{where}: {names[0]} and {names[1]} need one shape, got {tuple(first.shape)} and "
            f"{tuple(second.shape)}."
        )
    import torch

    common = torch.promote_types(first.dtype, second.dtype)
    return first.to(common), second.to(common)
