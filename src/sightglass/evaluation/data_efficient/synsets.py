"""Which synsets are candidates and what they are called: lists by WordNet id."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sightglass.errors import InputError
from sightglass.evaluation.data_efficient.lemmas import any_of
from sightglass.evaluation.data_efficient.official_lines import bad_line, numbered_lines
from sightglass.evaluation.dataset_folders import inner_file
from sightglass.inputs.class_folders import is_wordnet_id

_IDS, _LEMMAS, _WORDS = (
    "imagenet21k_wordnet_ids.txt",
    "imagenet21k_wordnet_lemmas.txt",
    "words.txt",
)
_ILSVRC_LEMMAS = ("ilsvrc2012_wordnet_lemmas.txt", "imagenet1k_wordnet_lemmas.txt")
_ILSVRC_WORDS = ("LOC_synset_mapping.txt", "synset_words.txt")

Named = dict[str, str]


def synsets_of_21k(place: Path, found: Sequence[str]) -> Named:
    """WordNet id to name, in the order of the candidates.

    The ids are those of ``imagenet21k_wordnet_ids.txt``, in its order; where there is none, those
    ``found``. Names are the same lines of ``imagenet21k_wordnet_lemmas.txt``, else what
    ``words.txt`` says of the id.

    Args:
        place: Holds the lists.
        found: Ids that have pictures, ascending.

    Raises:
        InputError: If there are no names, one is absent, or a list says what cannot be.
    """
    ids_file, lemmas_file = inner_file(place, _IDS), inner_file(place, _LEMMAS)
    ids = tuple(found) if ids_file is None else _ids(ids_file)
    if ids_file is not None and lemmas_file is not None:
        return dict(zip(ids, _lemmas(lemmas_file, len(ids)), strict=True))
    words = inner_file(place, _WORDS)
    if words is None:
        raise InputError(
            f"'{place}' needs {_IDS} with {_LEMMAS}, or {_WORDS}: they say what the WordNet ids "
            f"mean. Add them."
        )
    named = _by_id(words)
    nameless = next((one for one in ids if one not in named), None)
    if nameless is not None:
        raise InputError(
            f"{words}: a name for every WordNet id is needed, {nameless} has none. Get it anew."
        )
    return {one: named[one] for one in ids}


def synsets_of_1k(
    places: Sequence[Path], found: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Ids and names of ILSVRC's classes in ascending order of the ids; None where no list is.

    A list that has names only is in that order; its ids are those ``found``, or unknown (none)
    where nothing was found.

    Args:
        places: Folders that may hold a list.
        found: Ids that have a folder of pictures, ascending.

    Raises:
        InputError: If a list says what cannot be, or has not as many names as there are ids.
    """
    for name in (*_ILSVRC_WORDS, *_ILSVRC_LEMMAS):
        path = next(filter(None, (inner_file(place, name) for place in places)), None)
        if path is None:
            continue
        if name in _ILSVRC_WORDS:
            named = sorted(_by_id(path).items())
            return tuple(one for one, _ in named), tuple(words for _, words in named)
        return tuple(found), tuple(_lemmas(path, len(found) or None))
    return None


def _ids(path: Path) -> tuple[str, ...]:
    ids: dict[str, None] = {}
    for number, line in _kept(path):
        if not is_wordnet_id(line) or line in ids:
            raise bad_line(path, number, "a WordNet id such as n01440764, each once,", line)
        ids[line] = None
    return tuple(ids)


def _lemmas(path: Path, count: int | None) -> list[str]:
    """One name per line; as many as ``count`` says."""
    names = []
    for number, line in _kept(path):
        names.append(any_of(line))
        if not names[-1]:
            raise bad_line(path, number, "a name", line)
    if count is not None and len(names) != count:
        raise InputError(
            f"{path}: one line for each of the {count:,} WordNet ids that are there is needed, got "
            f"{len(names):,}. Complete the ids or their folders."
        )
    return names


def _by_id(path: Path) -> Named:
    """``n01440764`` and its lemmas on each line, a tab or a space between."""
    named: Named = {}
    for number, line in _kept(path):
        wordnet_id, *rest = line.split(maxsplit=1)
        name = any_of(rest[0]) if rest else ""
        if not is_wordnet_id(wordnet_id) or not name or wordnet_id in named:
            raise bad_line(path, number, "a WordNet id, each once, and its names", line)
        named[wordnet_id] = name
    return named


def _kept(path: Path) -> list[tuple[int, str]]:
    """All lines; the empty ones at the end are none."""
    lines = list(numbered_lines(path))
    while lines and not lines[-1][1]:
        lines.pop()
    return lines
