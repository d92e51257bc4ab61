"""Class names as the token ids that a learned context goes into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from sightglass.errors import InputError
from sightglass.inputs.labels import clean_name

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor

    from sightglass.encoders.tokens import Tokenise

# Where learned tokens start from, and what stays where they are fewer.
# Source: Zhou et al. 2022, arXiv:2109.01134, for CoOp; the other four hosts took it over.
PREFIX = "a photo of a"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassTokens:
    """Start token, the prefix's tokens, the name, a full stop, the end token.

    Attributes:
        ids: ``(c, l)``; l is the longest of these texts, for the text tower is causal and its row
            is read at the end token: what stands behind it changes nothing but the time.
        ends: ``(c,)``, where each text's end token stands.
    """

    ids: Int[Tensor, "c l"]
    ends: Int[Tensor, " c"]

    def __len__(self) -> int:
        """How many classes."""
        return len(self.ids)

    def select(self, indices: Int[Tensor, " k"]) -> ClassTokens:
        """Some of the classes, in the order of ``indices``; as short as these allow."""
        ends = self.ends[indices]
        return ClassTokens(ids=self.ids[indices, : int(ends.max()) + 1], ends=ends)

    def to(self, device: torch.device) -> ClassTokens:
        """The same on another device."""
        return ClassTokens(ids=self.ids.to(device), ends=self.ends.to(device))


def class_tokens(
    tokenise: Tokenise, names: Sequence[str], *, end_id: int, prefix: str = PREFIX
) -> ClassTokens:
    """The tokens of ``"{prefix} {name}."`` for every name; underscores count as spaces.

    Args:
        tokenise: From texts to padded ids; too long texts keep their last token.
        names: At least one.
        end_id: The id of the end token; its first place ends a text.
        prefix: Whose tokens a host replaces, or keeps.

    Raises:
        InputError: If there is no name.
    """
    if not names:
        raise InputError("class_tokens: at least one class name is needed, got none.")
    return text_tokens(tokenise, [f"{prefix} {clean_name(name)}." for name in names], end_id=end_id)


def text_tokens(tokenise: Tokenise, texts: Sequence[str], *, end_id: int) -> ClassTokens:
    """The tokens of whole texts, padded to the longest of them."""
    rows = tokenise(texts)
    ends = [int(np.argmax(row == end_id)) for row in rows]
    longest = max(ends) + 1
    ids = np.full((len(rows), longest), end_id, dtype=np.int64)
    for place, row in zip(ids, rows, strict=True):
        place[: len(row[:longest])] = row[:longest]
    return ClassTokens(ids=torch.from_numpy(ids), ends=torch.tensor(ends))


def context_ids(tokenise: Tokenise, *, end_id: int, prefix: str = PREFIX) -> Int[Tensor, " k"]:
    """The tokens of ``prefix`` alone, without start and end token."""
    (row,) = tokenise([prefix])
    return torch.from_numpy(row[1 : int(np.argmax(row == end_id))].copy())
