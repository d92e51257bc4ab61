"""The tokenizer of a model in the hub's format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sightglass.encoders.folder_files import check_files
from sightglass.encoders.hub_checkpoint import Checkpoint
from sightglass.encoders.quiet import quiet_transformers
from sightglass.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Int64
    from tokenizers import Tokenizer


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of the model in ``folder``.

    ``tokenizer.json`` is taken as its authors wrote it. Only a folder without one goes through
    transformers, which builds a tokenizer from the older files.

    Raises:
        ModelError: If no tokenizer can be made of what is there.
    """
    from tokenizers import Tokenizer

    check_files(folder)
    path = folder / "tokenizer.json"
    try:
        if path.is_file():
            tokenizer = Tokenizer.from_file(str(path))
        else:
            tokenizer = _build_from_older_files(folder)
    except Exception as error:  # tokenizers raises bare Exception
        raise ModelError(
            f"{folder}: a text side needs a tokenizer, got files that make none "
            f"({type(error).__name__}). Save the model's tokenizer there: tokenizer.json."
        ) from error
    return tokenizer


def check_ids(ids: Sequence[Int64[np.ndarray, " length"]], checkpoint: Checkpoint) -> None:
    """Refuse tokens that the network has no embedding for: a graphics card would not recover.

    Raises:
        ModelError: If there is one.
    """
    shape = checkpoint.tensor("token_embedding.weight").shape
    known = shape[0] if shape else 0
    largest = max((int(row.max(initial=0)) for row in ids), default=0)
    if largest >= known:
        raise ModelError(
            f"{checkpoint.name}: a tokenizer made for this network is needed, which has "
            f"{known:,} tokens, this one gives number {largest:,}. Fetch tokenizer.json again."
        )


def _build_from_older_files(folder: Path) -> Tokenizer:
    """The tokenizer that transformers makes of ``vocab.json`` and its like."""
    from transformers import AutoTokenizer

    with quiet_transformers():
        built = AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
    tokenizer: Tokenizer = built.backend_tokenizer
    return tokenizer
