"""The tokenizer of an encoder folder: a list of word pieces, or a tokenizer.json."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sightglass.errors import ModelError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# A word longer than this is unknown as a whole; the limit only bounds the time that a hostile
# text can take, since the greedy match is quadratic in the word's length.
LONGEST_WORD = 1000


def load_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer in ``path``: a ``tokenizer.json``, or a word-piece list (one per line).

    A word-piece list is used thus: lower case, NFD without combining marks, underscore is a space,
    words are runs of ``[a-z0-9]`` and every other visible character by itself; then the longest
    piece that fits, pieces inside a word marked ``##``; a word that cannot be matched is ``[UNK]``.

    Raises:
        ModelError: If the file is not one of the two.
    """
    import tokenizers
    from tokenizers import Regex, models, normalizers, pre_tokenizers

    try:
        if path.suffix == ".json":
            return tokenizers.Tokenizer.from_file(str(path))
        pieces = path.read_text(encoding="utf-8").split("\n")
        tokenizer = tokenizers.Tokenizer(
            models.WordPiece(
                {piece: number for number, piece in enumerate(pieces)},
                unk_token="[UNK]",
                max_input_chars_per_word=LONGEST_WORD,
            )
        )
    except Exception as error:  # the Rust side raises bare Exception
        raise ModelError(
            f"{path}: a tokenizer.json or a list of word pieces is needed, got something else "
            f"({error}). Export the model again."
        ) from error
    if "[UNK]" not in pieces:
        raise ModelError(
            f"{path}: a list of word pieces must have the line [UNK], this one has not. Export "
            f"the model again."
        )
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Lowercase(),
            normalizers.NFD(),
            normalizers.StripAccents(),
            normalizers.Replace("_", " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(
        Regex(r"[a-z0-9]+|[^a-z0-9\s]"), behavior="removed", invert=True
    )
    return tokenizer
