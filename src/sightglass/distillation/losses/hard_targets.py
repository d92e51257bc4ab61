"""The target that holds a picture's own caption to be the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightglass.checks import require_extra
from sightglass.distillation.losses.target import Target
from sightglass.distillation.whole_numbers import check_whole
from sightglass.errors import InputError

if TYPE_CHECKING:
    import torch


def hard_target(
    n: int,
    *,
    smoothing: float = 0.0,
    of: int | None = None,
    first: int = 0,
    like: torch.Tensor | None = None,
) -> Target:
    """``1 - smoothing`` at column ``first + i`` of row ``i``, ``smoothing / (of - 1)`` elsewhere.

    Args:
        n: Rows, at least 1.
        smoothing: The share of all the other columns together, at least 0 and below 1.
        of: Columns; ``n`` where None. More where the columns are those of the global batch.
        first: The column that belongs to row 0: the rows of all the processes before this one.
        like: Whose device, and whose type if it is wider than float32, the target gets.

    Raises:
        InputError: If a number is out of range, or a row's own column does not exist.
        MissingExtraError: If torch is not installed.

    Source:
        Wu et al. 2022, arXiv:2112.09445; smoothing as in Szegedy et al. 2016, arXiv:1512.00567, but
        shared by the wrong columns alone.
    """
    where = "hard_target"
    require_extra("torch", extra="train", purpose=where)
    import torch

    check_whole(n, where=where, name="n", least=1)
    columns = n if of is None else of
    check_whole(columns, where=where, name="of", least=1)
    check_whole(first, where=where, name="first", least=0)
    if first + n > columns:
        raise InputError(
            f"{where}: every row needs a column of its own, got {n} rows that begin at column "
            f"{first} of {columns}. first counts the rows before these in the global batch."
        )
    # NaN compares as False with everything.
    if not 0 <= smoothing < 1:
        raise InputError(f"{where}: smoothing must be at least 0 and below 1, got {smoothing}.")
    if smoothing > 0 and columns == 1:
        raise InputError(
            f"{where}: smoothing needs at least 2 columns to share, got 1. Give a larger batch."
        )
    place = torch.empty(0) if like is None else like
    dtype = torch.promote_types(place.dtype, torch.float32)
    elsewhere = smoothing / (columns - 1) if columns > 1 else 0.0
    rows = torch.full((n, columns), elsewhere, dtype=dtype, device=place.device)
    rows.diagonal(first).fill_(1 - smoothing)
    return Target.of(rows)
