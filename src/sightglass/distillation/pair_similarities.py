"""Several pair teachers as one: the weighted mean of their cosines, or of their distributions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

from sightglass.checks import check_positive
from sightglass.distillation.pair_teachers import PairRows
from sightglass.distillation.target import Target
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

    Args:
        rows: Of each teacher; of the same pictures and captions in the same order.
        weights: Of each teacher, at least 0, one above 0.

    Raises:
        InputError: If a weight is out of range, or there is none for each teacher.
        ShapeError: If the teachers' numbers of pictures or captions differ.
    """
    shares = mixture_weights(weights, count=len(rows), where="joined_rows")
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


def weighted_similarities(rows: Sequence[PairRows], weights: Sequence[float]) -> Similarities:
    """The weighted means of the teachers' cosines, which one scale then makes targets of.

    The teachers' own logit scales are not used: cosines of different teachers are averaged as they
    are. A teacher whose cosines lie closer together has less of a say than its weight; where that
    matters, average distributions with ``mixed_targets`` instead.

    Args:
        rows: As for ``joined_rows``.
        weights: As for ``joined_rows``.

    Raises:
        InputError: As ``joined_rows``.
        ShapeError: As ``joined_rows``.
    """
    images, texts = joined_rows(rows, weights)
    return Similarities(
        image_text=images @ texts.T, image_image=images @ images.T, text_text=texts @ texts.T
    )


def mixed_targets(
    rows: Sequence[PairRows], weights: Sequence[float], scales: Sequence[float | None]
) -> tuple[Target, Target]:
    """The weighted means of the distributions that each teacher has at its own logit scale.

    ``sum_t w_t softmax(scale_t cos_t)`` over captions for each picture, and over pictures for each
    caption. Each teacher was trained with a scale at which its cosines are log-odds; a bias, as
    SigLIP has one, cancels.

    Args:
        rows: As for ``joined_rows``.
        weights: As for ``joined_rows``.
        scales: Each teacher's ``logit_scale``, above 0.

    Returns:
        For picture to caption (n, m), and for caption to picture (m, n).

    Raises:
        InputError: As ``joined_rows``; if a scale is None or not above 0, or there is none for
            each teacher.
        ShapeError: If the teachers' numbers of pictures or captions differ.
    """
    where = "mixed_targets"
    shares = mixture_weights(weights, count=len(rows), where=where)
    if len(scales) != len(rows):
        raise InputError(
            f"{where}: one logit scale per teacher is needed, got {len(scales)} for {len(rows)}."
        )
    to_texts, to_images = [], []
    for one, share, scale in zip(rows, shares, scales, strict=True):
        if scale is None:
            raise InputError(
                f"{where}: distributions need a teacher's logit scale, its card states none. Give "
                f"one, or average cosines with weighted_similarities."
            )
        check_positive(scale, where=where, name="a logit scale")
        logits = scale * one.images @ one.texts.T
        to_texts.append(share * logits.softmax(dim=1))
        to_images.append(share * logits.T.softmax(dim=1))
    if len({tuple(one.shape) for one in to_texts}) > 1:
        raise ShapeError(
            f"{where}: all teachers need the same pictures and captions, got shapes "
            f"{[tuple(one.shape) for one in to_texts]}."
        )
    return Target.of(torch.stack(to_texts).sum(dim=0)), Target.of(torch.stack(to_images).sum(dim=0))


def mixture_weights(weights: Sequence[float], *, count: int, where: str) -> list[float]:
    """The weights divided by their sum.

    Raises:
        InputError: If their number is not ``count``, one is below 0 or not finite, or all are 0.
    """
    total = math.fsum(weights)
    if (
        len(weights) != count
        or not all(math.isfinite(one) and one >= 0 for one in weights)
        or total <= 0
    ):
        raise InputError(
            f"{where}: {count} finite weights of at least 0 are needed, one of them above 0, got "
            f"{list(weights)}."
        )
    return [one / total for one in weights]
