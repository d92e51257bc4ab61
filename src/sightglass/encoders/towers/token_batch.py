"""Texts as one matrix of token ids, no wider than its longest text needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sightglass.errors import InputError

if TYPE_CHECKING:
    from jaxtyping import Int64

    from sightglass.encoders.card import TextInput
    from sightglass.encoders.tokens import Tokenise


def token_batch(
    tokens: Tokenise, texts: Sequence[str], spec: TextInput
) -> Int64[Tensor, "n length"]:
    """The ids of ``texts``, padded on the right to the longest of them; at least one column.

    The network's masks make the padding silent, so the width changes the speed and nothing else.

    Args:
        tokens: As ``make_tokens`` gives it for ``spec``.
        texts: May be empty texts, but must be a list.
        spec: The text part of the card; cut texts have ``spec.length`` tokens.

    Raises:
        InputError: If one text is given instead of a list.
    """
    if isinstance(texts, str):
        raise InputError(
            f"Text tower: a list of texts is needed, got the text {texts!r}. Put it into a list."
        )
    rows = tokens(texts)
    width = max((_used(row, spec.pad_id) for row in rows), default=0)
    ids = np.full((len(rows), max(width, 1)), spec.pad_id, dtype=np.int64)
    for filled, row in zip(ids, rows, strict=True):
        filled[: len(row)] = row[: len(filled)]
    return torch.from_numpy(ids)


def _used(row: Int64[np.ndarray, " length"], pad_id: int) -> int:
    """Where the padding at the end of ``row`` begins."""
    places = np.flatnonzero(row != pad_id)
    return int(places[-1]) + 1 if len(places) else 0
