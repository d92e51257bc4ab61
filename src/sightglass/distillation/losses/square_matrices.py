"""Similarities within a batch: as many columns as rows, from tensors or arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_positive, require_extra
from sightglass.distillation.losses.finite_matrices import finite_matrix
from sightglass.errors import InputError, ShapeError

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float


def as_tensor(
    matrix: Float[torch.Tensor, "rows columns"] | Float[np.ndarray, "rows columns"], *, where: str
) -> Float[torch.Tensor, "rows columns"]:
    """A copy of an array as a tensor; what is no array, as it is.

    Raises:
        InputError: If it is an array of something other than numbers.
        MissingExtraError: If torch is not installed.
    """
    require_extra("torch", extra="train", purpose=where)
    import torch

    if not isinstance(matrix, np.ndarray):
        return matrix
    if matrix.dtype.kind not in "fiub":
        raise InputError(
            f"{where}: a matrix of numbers is needed, got an array of {matrix.dtype.name}. Give "
            f"float32."
        )
    return torch.tensor(np.ascontiguousarray(matrix))


def given_matrix(
    matrix: Float[torch.Tensor, "rows columns"] | Float[np.ndarray, "rows columns"],
    *,
    where: str,
    name: str,
) -> Float[torch.Tensor, "rows columns"]:
    """``finite_matrix`` that takes arrays too.

    Raises:
        InputError: If an entry is NaN or infinite, or it is neither a tensor nor an array
            of numbers.
        ShapeError: If it does not have two axes, or has no row or no column.
        MissingExtraError: If torch is not installed.
    """
    return finite_matrix(as_tensor(matrix, where=where), where=where, name=name)


def square_matrix(
    matrix: Float[torch.Tensor, "n n"] | Float[np.ndarray, "n n"], *, where: str, name: str
) -> Float[torch.Tensor, "n n"]:
    """``given_matrix`` of equally many rows and columns.

    Raises:
        InputError: As ``given_matrix``.
        ShapeError: As ``given_matrix``, and if the numbers of rows and columns differ.
        MissingExtraError: If torch is not installed.
    """
    found = given_matrix(matrix, where=where, name=name)
    if found.shape[0] != found.shape[1]:
        raise ShapeError(
            f"{where}: {name} needs as many columns as rows, one for each pair of the batch, got "
            f"shape {tuple(found.shape)}."
        )
    return found


def without_diagonal(
    similarities: Float[torch.Tensor, "n n"], *, where: str
) -> Float[torch.Tensor, "n n"]:
    """The same with minus infinity on the diagonal: a softmax gives exactly 0 there.

    Raises:
        InputError: If there is one row only, of which nothing would be left.

    Source:
        Wu et al. 2022, arXiv:2112.09445. Their code subtracts 100 from the diagonals of two of the
        terms, as ``batch_similarities`` does; of one matrix alone, this leaves exactly 0 at every
        setting.
    """
    import torch

    require_other_pairs(len(similarities), where=where)
    diagonal = torch.eye(len(similarities), dtype=torch.bool, device=similarities.device)
    return similarities.masked_fill(diagonal, float("-inf"))


def require_other_pairs(count: int, *, where: str) -> None:
    """Raise InputError for one pair, of which nothing is left without its diagonal."""
    if count < 2:
        raise InputError(
            f"{where}: remove_diagonal needs at least 2 pairs, got {count}: nothing would be left "
            f"of its only row. Give a larger batch, or keep the diagonal."
        )


def check_scale(scale: float | torch.Tensor, *, where: str, name: str) -> None:
    """Raise a sentence unless ``scale`` is one finite number above 0, learned or not."""
    import torch

    if isinstance(scale, torch.Tensor):
        if scale.numel() != 1:
            raise ShapeError(f"{where}: {name} must be one number, got {tuple(scale.shape)}.")
        scale = float(scale.detach())
    check_positive(scale, where=where, name=name)
