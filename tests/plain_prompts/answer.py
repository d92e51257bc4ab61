"""What every plain host returns."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class PlainAnswer(NamedTuple):
    logits: Tensor  # (n, c)
    images: Tensor  # (n, dim), unit rows
    texts: Tensor  # (c, dim), or (n, c, dim) where each picture has its own
