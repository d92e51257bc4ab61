"""How a hub model wants its texts, from the tokenizer's JSON files."""

from __future__ import annotations

from typing import Any

from sightglass.encoders.card import TextInput
from sightglass.encoders.hub_checkpoint import Checkpoint, read_json
from sightglass.errors import ModelError

TOKENIZER_FILES = (
    "added_tokens.json",
    "merges.txt",
    "special_tokens_map.json",
    "spiece.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
)


def read_text_input(checkpoint: Checkpoint) -> TextInput:
    """The text part of the card.

    SigLIP models were trained on canonical texts, padded on the right to the full length: the row
    is read at the last position. CLIP reads it at the end-of-text token, so that padding behind it
    changes nothing; its tokenizer lowers the case by itself.

    Raises:
        ModelError: If there are no tokenizer files, or they are malformed.
    """
    positions = checkpoint.tensor(
        "positional_embedding"
        if checkpoint.is_open_clip
        else "text_model.embeddings.position_embedding.weight"
    )
    sigmoid = checkpoint.model_type in ("siglip", "siglip2")
    return TextInput(
        length=positions.shape[0],
        lower_case=sigmoid,
        strip_punctuation=sigmoid,
        padding="max_length" if sigmoid else "longest",
        pad_id=_pad_id(checkpoint),
    )


def _pad_id(checkpoint: Checkpoint) -> int:
    """The padding token's id. The tokenizer knows it; ``config.json`` is often wrong."""
    folder = checkpoint.folder
    settings = read_json(folder / "tokenizer_config.json") or {}
    special = read_json(folder / "special_tokens_map.json") or {}
    token = _content(settings.get("pad_token", special.get("pad_token")))
    if token is None:
        raise ModelError(
            f"{folder}: a text side needs tokenizer_config.json with a pad_token, found none. "
            f"Save the model's tokenizer beside it."
        )
    for number, added in settings.get("added_tokens_decoder", {}).items():
        if _content(added) == token:
            return int(number)
    # Last, because these files can have a quarter of a million lines.
    tokenizer = read_json(folder / "tokenizer.json") or {}
    for added in tokenizer.get("added_tokens", []):
        if added.get("content") == token:
            return int(added["id"])
    vocabulary = read_json(folder / "vocab.json") or tokenizer.get("model", {}).get("vocab", {})
    if token in vocabulary:
        return int(vocabulary[token])
    raise ModelError(
        f"{folder}: the padding token '{token}' must be in the vocabulary, it is not. "
        f"Save the model's tokenizer again."
    )


def _content(token: Any) -> str | None:
    """A token's text; some files store it bare, others in an object."""
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) else None
