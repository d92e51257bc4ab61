"""Texts to token ids, the way the model was trained."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.encoders.card import TextInput
from sightglass.errors import ModelError, first_line

if TYPE_CHECKING:
    from jaxtyping import Int64
    from tokenizers import Tokenizer

Tokenise = Callable[[Sequence[str]], "list[Int64[np.ndarray, ' length']]"]

# "longest" is rounded up to a multiple of this many tokens, so that a text's length in the
# network follows from the text alone and never from its neighbours.
_LENGTH_STEP = 16

_PUNCTUATION = str.maketrans("_", " ", string.punctuation.replace("_", ""))


def canonical_text(text: str, spec: TextInput) -> str:
    """The text as the card wants it: lower case, no punctuation, single spaces; or unchanged.

    An underscore is a space, every other ASCII punctuation mark is dropped.

    Source:
        Zhai et al. 2023, arXiv:2303.15343; the canonical form of the authors' own evaluation.
    """
    if spec.strip_punctuation:
        text = " ".join(text.translate(_PUNCTUATION).split())
    return text.lower() if spec.lower_case else text


def make_tokens(tokenizer: Tokenizer, spec: TextInput) -> Tokenise:
    """A function from texts to their token ids, right-padded; too long texts keep their last token.

    Args:
        tokenizer: Its own settings for padding and truncation are replaced.
        spec: The text part of the card.

    Raises:
        ModelError: When called, if the tokenizer lacks what a text needs.
    """
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=spec.length)

    def tokens(texts: Sequence[str]) -> list[Int64[np.ndarray, " length"]]:
        try:
            encodings = tokenizer.encode_batch([canonical_text(text, spec) for text in texts])
        except Exception as error:  # the Rust side raises bare Exception
            raise ModelError(
                f"tokens: a tokenizer that takes any text is needed, this one fails "
                f"({first_line(error)}). Export the model again."
            ) from error
        return [_padded(encoding.ids, spec) for encoding in encodings]

    return tokens


def _padded(ids: list[int], spec: TextInput) -> Int64[np.ndarray, " length"]:
    length = spec.length
    if spec.padding == "longest":
        length = min(length, -(-len(ids) // _LENGTH_STEP) * _LENGTH_STEP)
    row = np.full(length, spec.pad_id, dtype=np.int64)
    row[: len(ids)] = ids
    return row
