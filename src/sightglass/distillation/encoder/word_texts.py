"""The texts that a run's text tower learns from, gathered once and then known by their digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from sightglass.distillation.encoder.teacher_settings import CAPTIONS, PIECES
from sightglass.distillation.encoder.word_teachers import digest_of_file
from sightglass.distillation.words.corpus import Corpus, gather_corpus
from sightglass.distillation.words.word_piece_training import train_word_pieces
from sightglass.errors import PictureError
from sightglass.inputs.spreading import evenly_spread
from sightglass.whole_files import put_bytes

if TYPE_CHECKING:
    from sightglass.distillation.encoder.recipe import Recipe
    from sightglass.distillation.encoder.teaching import Teaching
    from sightglass.distillation.pairs.source import PairSource

KEPT = "words.json"


@dataclass(frozen=True, kw_only=True, eq=False)
class WordTexts:
    """Texts, of which a run that goes on needs no more than what follows from them.

    Attributes:
        digest: The corpus's.
        vocabulary: Content of ``vocab.txt``; None where the tower brings its own.
        gather: Reads all files once more.
    """

    digest: str
    vocabulary: bytes | None
    gather: Callable[[], Corpus] = field(repr=False)

    @cached_property
    def corpus(self) -> Corpus:
        """The texts, gathered when they are first asked for.

        Raises:
            InputError: If a file cannot be read.
        """
        return self.gather()


class _Kept(BaseModel):
    """What a run's folder holds of its texts.

    Attributes:
        made_from: Digest of all that the texts are gathered from.
        corpus: Their digest.
        vocabulary: As in ``WordTexts``.
        sha256: Of the three.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    made_from: str
    corpus: str
    vocabulary: str | None
    sha256: str

    @classmethod
    def of(cls, made_from: str, texts: WordTexts) -> _Kept:
        vocabulary = None if texts.vocabulary is None else texts.vocabulary.decode()
        seal = _seal(made_from, texts.digest, vocabulary)
        return cls(made_from=made_from, corpus=texts.digest, vocabulary=vocabulary, sha256=seal)

    @property
    def is_whole(self) -> bool:
        return self.sha256 == _seal(self.made_from, self.corpus, self.vocabulary)


def gather_words(
    recipe: Recipe,
    sources: Sequence[PairSource],
    teaching: Teaching,
    *,
    folder: Path | None = None,
    writes: bool = True,
) -> WordTexts:
    """Every text that the tower learns from or is asked about, and the word pieces for them.

    Of captions as many as the recipe says are taken at most, evenly spread over the rows of all
    sources.

    Args:
        recipe: Says which texts; and whether the tower has word pieces of its own.
        sources: Those of the mix.
        teaching: Knows the names that teachers speak of.
        folder: The run's: what was gathered for it is not gathered again; None for none.
        writes: Whether this process writes there.

    Raises:
        InputError: If a file cannot be read, or there is no text at all.
        ResultsError: If the folder cannot be written to.
    """
    gather = partial(_corpus, recipe, sources, teaching)
    own = (recipe.student.text or {}).get("kind") == "word_table"
    made_from = _made_from(recipe, sources, teaching, own_pieces=own)
    kept = None if folder is None else _read(folder / KEPT)
    if kept is not None and kept.made_from == made_from:
        pieces = None if kept.vocabulary is None else kept.vocabulary.encode()
        return WordTexts(digest=kept.corpus, vocabulary=pieces, gather=gather)
    corpus = gather()
    vocabulary = train_word_pieces(corpus.texts, size=_pieces(recipe)) if own else None
    texts = WordTexts(digest=corpus.digest, vocabulary=vocabulary, gather=lambda: corpus)
    # What another run in this folder has kept stays: this one will be refused.
    if folder is not None and writes and (kept is None or not any(folder.glob("*.safetensors"))):
        put_bytes(folder / KEPT, _Kept.of(made_from, texts).model_dump_json().encode())
    return texts


def _corpus(recipe: Recipe, sources: Sequence[PairSource], teaching: Teaching) -> Corpus:
    names = [*teaching.names, *teaching.names_of_logits]
    for source in sources:
        names += source.classes
    words = recipe.words
    captions = _captions(
        [one for one, spoken in zip(sources, _spoken(recipe, sources), strict=True) if spoken],
        CAPTIONS if words is None else words.captions,
    )
    if words is None:
        return gather_corpus(names=names, captions=captions)
    return gather_corpus(
        names=names,
        captions=captions,
        vocabulary=words.vocabulary,
        wordnet=None if words.wordnet is None else Path(words.wordnet),
        files=[Path(file) for file in words.files],
    )


def _spoken(recipe: Recipe, sources: Sequence[PairSource]) -> list[bool]:
    """Of each source, whether its captions say more than its names."""
    return [
        source.captioned and settings.captions != "class"
        for settings, source in zip(recipe.data, sources, strict=True)
    ]


def _captions(sources: Sequence[PairSource], most: int) -> list[str]:
    """At most so many captions, of rows that are evenly spread; of none that cannot be read."""
    ends = [0]
    for source in sources:
        ends.append(ends[-1] + len(source))
    chosen = evenly_spread(ends[-1], most)
    found: list[str] = []
    for source, begin, end in zip(sources, ends, ends[1:], strict=False):
        rows = chosen[(chosen >= begin) & (chosen < end)] - begin
        found += (text for row in rows.tolist() for text in _captions_of(source, row))
    # Of rows with several captions there may be more than rows.
    return [found[at] for at in evenly_spread(len(found), most).tolist()]


def _captions_of(source: PairSource, row: int) -> Iterator[str]:
    """A row's captions; none of one that cannot be read, which batches leave out and tell."""
    try:
        yield from source.captions(row)
    except PictureError:
        return


def _pieces(recipe: Recipe) -> int:
    return recipe.words.pieces if recipe.words else PIECES


def _made_from(
    recipe: Recipe, sources: Sequence[PairSource], teaching: Teaching, *, own_pieces: bool
) -> str:
    """Hex digest of all that decides the texts and their pieces; much less is read for it."""
    words = recipe.words
    files = [] if words is None else [words.vocabulary, words.wordnet, *words.files]
    told = [
        [source.digest for source in sources],
        _spoken(recipe, sources),
        [list(teaching.names), list(teaching.names_of_logits)],
        # What is no file is refused when it is read, and the bundled list is no file.
        [[one, digest_of_file(Path(one)) if one and Path(one).is_file() else ""] for one in files],
        CAPTIONS if words is None else words.captions,
        _pieces(recipe) if own_pieces else None,
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _read(path: Path) -> _Kept | None:
    """What was kept; None where nothing was, or it is damaged and is to be made anew."""
    try:
        kept = _Kept.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return kept if kept.is_whole else None


def _seal(made_from: str, corpus: str, vocabulary: str | None) -> str:
    return hashlib.sha256(json.dumps([made_from, corpus, vocabulary]).encode()).hexdigest()
