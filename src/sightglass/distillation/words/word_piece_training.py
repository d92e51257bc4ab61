"""A vocabulary of word pieces, learned from texts."""

from __future__ import annotations

import string
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sightglass.distillation.whole_numbers import check_whole
from sightglass.encoders.word_pieces import load_tokenizer
from sightglass.errors import InputError

_WHERE = "Word pieces"
_SPECIAL = ("[PAD]", "[UNK]")
_IN_WORDS = tuple(string.ascii_lowercase + string.digits)
_CONTINUED = tuple("##" + letter for letter in _IN_WORDS)
# Every visible ASCII character is a piece, so that no name in ASCII has an unknown one.
_ALPHABET = (*_IN_WORDS, *string.punctuation.replace("_", ""))
_LEAST = 256


def train_word_pieces(texts: Sequence[str], *, size: int = 12_000) -> bytes:
    """The content of a ``vocab.txt`` whose pieces spell ``texts`` in few.

    Texts are taken as ``load_tokenizer`` takes them when the vocabulary is used: in lower case,
    without accents, underscores as spaces, words as runs of ``[a-z0-9]`` and every other visible
    character by itself. The same texts in any order give the same bytes.

    Args:
        texts: At least one.
        size: Pieces at most, two special ones included; at least 256. Fewer come out where the
            texts hold no more. Half of them at most are single characters: of a larger alphabet
            the rarest are left out, and are unknown in use.

    Returns:
        UTF-8, one piece per line, the last without a newline: ``[PAD]``, ``[UNK]``, then the rest.

    Raises:
        InputError: If ``size`` is too small, or there is no text.

    Source:
        Wu et al. 2016, arXiv:1609.08144, as the tokenizers library trains it: pairs are merged in
        the order of their counts.
    """
    from tokenizers import Tokenizer, models, trainers

    check_whole(size, where=_WHERE, name="size", least=_LEAST)
    if isinstance(texts, str) or not texts:
        raise InputError(
            f"{_WHERE}: a list of texts is needed, got {texts!r}. Give those that the tower learns."
        )
    tokenizer = Tokenizer(models.WordPiece(unk_token=_SPECIAL[1]))
    with tempfile.TemporaryDirectory() as folder:
        # The reader's own rules, so that training and use can never differ.
        path = Path(folder) / "vocab.txt"
        path.write_text("\n".join(_SPECIAL), encoding="utf-8")
        reader = load_tokenizer(path)
    tokenizer.normalizer = reader.normalizer
    tokenizer.pre_tokenizer = reader.pre_tokenizer
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        # The library numbers continued letters in the order of a hash table that differs from run
        # to run, and breaks ties between pairs by number. Named first, their order is fixed.
        special_tokens=[*_SPECIAL, *_IN_WORDS, *_CONTINUED],
        initial_alphabet=list(_ALPHABET),
        limit_alphabet=size // 2,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    pieces = tokenizer.get_vocab()
    return "\n".join(sorted(pieces, key=pieces.__getitem__)).encode()
