"""Several pair teachers as one: the weighted mean of their cosines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

from sightglass.distillation.teachers.pair_teachers import PairRows
from sightglass.errors import InputError, ShapeError

if TYPE_CHECKING:
    from jaxtyping import Float32
    from torch import Tensor


class Similarities(NamedTuple):
    """Weighted mean cosines within a batch, from -1 to 1.

    Attributes:
        image_text: Pictures in rows, captions in columns.
        image_image: Pictures with pictures; 1 on the diagonal.
        text_text: Captions with captions; 1 on the diagonal.
    """

    image_text: Float32[Tensor, "n m"]
    image_image: Float32[Tensor, "n n"]
    text_text: Float32[Tensor, "m m"]


def joined_rows(rows: Sequence[PairRows], weights: Sequence[float]) -> PairRows:
    """Rows of all teachers side by side, whose products are the weighted means of their cosines.

    ``[sqrt(w_1) r_1, sqrt(w_2) r_2, …]`` with weights that sum to 1: again a unit row. These are
    what processes exchange, where each has a part of a batch.

    The teachers' own logit scales are not used: cosines of different teachers are averaged as they
    are. A teacher whose cosines lie closer together has less of a say than its weight.

    Args:
        rows: Of each teacher; of the same pictures and captions in the same order.
        weights: Of each teacher, at least 0, one above 0.

    Raises:
        InputError: If a weight is out of range, or there is none for each teacher.
        ShapeError: If the teachers' numbers of pictures or captions differ.
    """
    shares = _shares(weights, count=len(rows))
    counts = {(len(one.images), len(one.texts)) for one in rows}
    if len(counts) > 1:
        raise ShapeError(
            f"joined_rows: all teachers need the same pictures and captions, got (pictures, "
            f"captions) {sorted(counts)}."
        )
    return PairRows(
        images=torch.cat(
            [math.sqrt(share) * one.images for share, one in zip(shares, rows, strict=True)], dim=1
        ),
        texts=torch.cat(
            [math.sqrt(share) * one.texts for share, one in zip(shares, rows, strict=True)], dim=1
        ),
    )


def _shares(weights: Sequence[float], *, count: int) -> list[float]:
    """The weights divided by their sum."""
    total = math.fsum(weights)
    if (
        len(weights) != count
        or not all(math.isfinite(one) and one >= 0 for one in weights)
        or total <= 0
    ):
        raise InputError(
            f"joined_rows: {count} finite weights of at least 0 are needed, one of them above 0, "
            f"got {list(weights)}."
        )
    return [one / total for one in weights]
