"""The transport plan that gives every picture and every caption an equal share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightglass.checks import check_positive
from sightglass.distillation.losses.square_matrices import square_matrix, without_diagonal
from sightglass.distillation.whole_numbers import check_whole
from sightglass.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from jaxtyping import Float


def sinkhorn_targets(
    similarities: Float[torch.Tensor, "n n"] | Float[np.ndarray, "n n"],
    *,
    regularisation: float = 0.15,
    iterations: int = 5,
    remove_diagonal: bool = True,
) -> Float[torch.Tensor, "n n"]:
    """Rows of the plan of ``exp(similarities / regularisation)``, each divided by its sum.

    Each iteration brings the rows to equal sums, then the columns; at the end the rows once more,
    so that every row is a distribution and columns are even only nearly. Rows and columns may be
    numbered otherwise; a constant added to a row changes nothing. No gradient.

    Args:
        similarities: Of a whole batch: what one process holds of it has another plan.
        regularisation: Divides them, above 0; the smaller, the nearer to a one-to-one match.
        iterations: At least 1.
        remove_diagonal: Exactly 0 on the diagonal, so that the plan says how much the *other*
            captions apply. Of two pairs it leaves the swap, whatever they are.

    Returns:
        Rows that sum to 1, at least float32.

    Raises:
        InputError: If an entry is NaN or infinite, a number is out of range, or one pair's diagonal
            would be removed.
        ShapeError: If ``similarities`` is not square.
        MissingExtraError: If torch is not installed.

    Source:
        OTTER, Wu et al. 2022, arXiv:2112.09445; Cuturi 2013, arXiv:1306.0895. In logarithms, where
        theirs takes exponentials and overflows for a small regularisation.

    Example:
        >>> import torch
        >>> sinkhorn_targets(torch.rand(2, 2)).tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    where = "sinkhorn_targets"
    rows = square_matrix(similarities, where=where, name="similarities").detach()
    check_positive(regularisation, where=where, name="regularisation")
    check_whole(iterations, where=where, name="iterations", least=1)
    if remove_diagonal:
        rows = without_diagonal(rows, where=where)
    return row_plan(rows, regularisation=regularisation, iterations=iterations, where=where)


def row_plan(
    similarities: Float[torch.Tensor, "n n"],
    *,
    regularisation: float,
    iterations: int,
    where: str,
) -> Float[torch.Tensor, "n n"]:
    """``sinkhorn_targets`` of what is checked, and may be minus infinity on the diagonal.

    Raises:
        InputError: If the regularisation is so small that even logarithms overflow.
    """
    log_plan = similarities / regularisation
    # log_softmax divides a row or column by its sum. The published sums are 1/n instead of 1, and
    # the plan's is 1 beforehand; either factor is cancelled by the next division.
    for _ in range(iterations):
        log_plan = log_plan.log_softmax(dim=1).log_softmax(dim=0)
    plan = log_plan.softmax(dim=1)
    if plan.isnan().any():
        raise InputError(
            f"{where}: regularisation must be large enough for similarities / regularisation to be "
            f"a {str(plan.dtype).removeprefix('torch.')}, got {regularisation}. Try 0.01."
        )
    return plan
