"""The texts that a text tower learns from: names in their thousands, and sentences."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sightglass.distillation.prompts.vocabulary import read_vocabulary
from sightglass.errors import InputError
from sightglass.inputs.labels import clean_name, name_key
from sightglass.inputs.line_files import read_line_file

_WHERE = "Corpus"
# What is longer is taken for a sentence, which no template can go around.
_WORDS_OF_A_NAME = 3
_MEANING = re.compile(r"\d{8} \d\d n ([0-9a-f]{2}) ")


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Texts, each once, case, underscores and spacing aside.

    Attributes:
        names: Sorted. A template may go around them.
        sentences: Sorted. They are learned as they stand.
    """

    names: tuple[str, ...] = field(repr=False)
    sentences: tuple[str, ...] = field(default=(), repr=False)

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self.names) + len(self.sentences)

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts, names first: the order of every axis that counts them."""
        return self.names + self.sentences

    @cached_property
    def digest(self) -> str:
        """Hex digest of the texts, and of which are names; the same on every machine."""
        lines = [f"{len(self.names)} names", *self.texts]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def gather_corpus(
    *,
    names: Iterable[str] = (),
    captions: Iterable[str] = (),
    vocabulary: str | None = None,
    wordnet: Path | None = None,
    files: Sequence[Path] = (),
) -> Corpus:
    """All the texts given, merged; where two differ in case alone, the first spelling stays.

    Precedence is that of the arguments. What is a name anywhere is no sentence.

    Args:
        names: Class names, such as those of the sources of pictures; of any length.
        captions: Sentences.
        vocabulary: As for ``read_vocabulary``: ``"nouns"``, or the path of a list of names.
        wordnet: WordNet's ``data.noun``, taken as ``read_wordnet_nouns`` takes it.
        files: Text files with one text per line; at most three words make a name.

    Raises:
        InputError: If a file cannot be read or is not of its form, or no text is left.
    """
    found = [clean_name(name) for name in names]
    if vocabulary is not None:
        found += read_vocabulary(vocabulary).names
    if wordnet is not None:
        found += read_wordnet_nouns(wordnet)
    sentences = [clean_name(caption) for caption in captions]
    for path in files:
        for line in map(clean_name, read_line_file(path, where=_WHERE)):
            (found if len(line.split()) <= _WORDS_OF_A_NAME else sentences).append(line)
    by_key: dict[str, str] = {}
    for text in found:
        by_key.setdefault(name_key(text), text)
    by_key.pop("", None)
    spoken: dict[str, str] = {}
    for text in sentences:
        if (key := name_key(text)) and key not in by_key:
            spoken.setdefault(key, text)
    if not by_key and not spoken:
        raise InputError(
            f"{_WHERE}: at least one text is needed, got none. Give names, captions or a list; "
            f"'nouns' is the bundled one."
        )
    return Corpus(names=tuple(sorted(by_key.values())), sentences=tuple(sorted(spoken.values())))


def read_wordnet_nouns(path: Path) -> tuple[str, ...]:
    """WordNet's nouns of at most three words that it spells without capitals; each once, sorted.

    Capitals are for persons, places and Latin names of species: 38,000 that few pictures show.

    Args:
        path: The file ``data.noun``.

    Raises:
        InputError: If the file cannot be read or is another one.

    Source:
        The manual page wndb(5WN): after offset, file and kind, a line has the number of its words
        in hexadecimal, then each word with an identifier; lines of the notice begin with a space.
    """
    lines = read_line_file(path, where=_WHERE)
    nouns: set[str] = set()
    for line in lines:
        if (found := _MEANING.match(line)) is not None:
            fields = line[found.end() :].split()
            nouns.update(clean_name(word) for word in fields[: 2 * int(found[1], 16) : 2])
    if not nouns:
        raise InputError(
            f"{_WHERE}: '{path}' must be WordNet's data.noun, got a file without a line of its "
            f"form. Give the file of WordNet 3.0's dict folder."
        )
    return tuple(sorted(n for n in nouns if n == n.lower() and len(n.split()) <= _WORDS_OF_A_NAME))
