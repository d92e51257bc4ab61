"""The tokenizer of a model in the hub's format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sightglass.encoders.quiet import quiet_transformers
from sightglass.errors import ModelError

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of the model in ``folder``.

    ``tokenizer.json`` is taken as its authors wrote it. Only a folder without one goes through
    transformers, which builds a tokenizer from the older files.

    Raises:
        ModelError: If no tokenizer can be made of what is there.
    """
    from tokenizers import Tokenizer

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


def _build_from_older_files(folder: Path) -> Tokenizer:
    """The tokenizer that transformers makes of ``vocab.json`` and its like."""
    from transformers import AutoTokenizer

    with quiet_transformers():
        built = AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
    tokenizer: Tokenizer = built.backend_tokenizer
    return tokenizer
