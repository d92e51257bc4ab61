"""Near ties of an encoder that rounds, settled by its reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.decisions import near_ties
from sightglass.embedding import embed_by_reference
from sightglass.encoders.contract import RoundingEncoder
from sightglass.reading import ReadPicture, read_picture
from sightglass.store import Store

if TYPE_CHECKING:
    from jaxtyping import Float

    Rows = Float[np.ndarray, "n width"]


def settle_near_ties(
    batch: Sequence[ReadPicture],
    rows: Rows,
    logits: Rows,
    background_logits: Float[np.ndarray, " n"],
    *,
    class_embeddings: Rows,
    background: Rows,
    encoder: RoundingEncoder,
    store: Store,
    max_pixels: int,
) -> tuple[Rows, int, int]:
    """The rows, with the reference's own where rounding could have changed a picture's label.

    Args:
        batch: What was read; failed pictures have no row.
        rows: Of the usable pictures, in order; not changed.
        logits: What ``rows`` give with the classes, in nats.
        background_logits: What they give with the everyday words' mean.
        class_embeddings: Unit rows, one per class.
        background: Mean row of the everyday words, ``(1, dim)``.
        encoder: Made ``rows``.
        store: Keeps the reference's rows too.
        max_pixels: As for reading.

    Returns:
        The rows, how many were near ties, and how many of these had to be decoded again.
    """
    tied = near_ties(
        logits,
        background_logits,
        class_embeddings,
        background,
        logit_scale=encoder.card.logit_scale or 1.0,
        rounding=encoder.rounding,
    )
    decoded = 0

    def read_again(picture: ReadPicture) -> ReadPicture:
        nonlocal decoded
        again = read_picture(
            picture.source, store=store, encoder=encoder.reference, max_pixels=max_pixels
        )
        decoded += again.fresh is not None
        return again

    usable = [picture for picture in batch if picture.usable]
    exact = embed_by_reference(
        [picture for picture, is_tied in zip(usable, tied, strict=True) if is_tied],
        reference=encoder.reference,
        store=store,
        read_again=read_again,
    )
    settled = rows.copy()
    for index, row in zip(np.flatnonzero(tied), exact, strict=True):
        if row is not None:
            settled[index] = row
    return settled, int(tied.sum()), decoded
