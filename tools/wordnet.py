"""The nouns of the WordNet database, as far as picking names needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Meaning:
    """One line of ``data.noun``.

    Attributes:
        file: Number of its lexicographers' file.
        words: Its names, in the database's order, with underscores.
        above: Where the meanings right above it are.
        instance: True for one of its kind, such as a river with a name.
        usages: For words of it by position, 0 for all of them: where the meanings of usage are.
        explanation: What the database says that it is.
    """

    file: int
    words: tuple[str, ...]
    above: tuple[str, ...]
    instance: bool
    usages: tuple[tuple[int, str], ...]
    explanation: str


@dataclass(frozen=True, slots=True)
class Database:
    """The nouns of WordNet: meanings by place, places by lower-case word, and the notice."""

    meanings: Mapping[str, Meaning]
    places: Mapping[str, tuple[str, ...]]
    notice: tuple[str, ...]

    def place(self, key: str) -> str:
        """Where the meaning is that a person writes as ``crane:5``."""
        word, _, number = key.partition(":")
        places = self.places.get(word, ())
        if not 1 <= int(number) <= len(places):
            raise SystemExit(
                f"nouns: '{key}' is no meaning of this WordNet, which needs to be 3.0."
            )
        return places[int(number) - 1]


def read_database(folder: Path) -> Database:
    """The nouns in ``folder``; see the manual pages wndb(5WN) and wninput(5WN) for the format."""
    for name in ("data.noun", "index.noun"):
        if not (folder / name).is_file():
            raise SystemExit(f"nouns: '{folder}' needs the file {name} of WordNet, got none.")
    lines = (folder / "data.noun").read_text(encoding="utf-8").splitlines()
    notice = tuple(
        line.split(maxsplit=1)[1].rstrip() if len(line.split()) > 1 else ""
        for line in lines
        if line.startswith("  ")
    )
    meanings = {line[:8]: _meaning(line) for line in lines if not line.startswith("  ")}
    places = {}
    for line in (folder / "index.noun").read_text(encoding="utf-8").splitlines():
        if not line.startswith("  "):
            word, _, count, *rest = line.split()
            places[word] = tuple(rest[-int(count) :])
    return Database(meanings, places, notice)


def _meaning(line: str) -> Meaning:
    entry, _, explanation = line.partition(" | ")
    _, file, _, n_words, *rest = entry.split()
    end = 2 * int(n_words, 16)
    pointers = [rest[i : i + 4] for i in range(end + 1, end + 1 + 4 * int(rest[end]), 4)]
    return Meaning(
        file=int(file),
        words=tuple(rest[0:end:2]),
        above=tuple(place for kind, place, _, _ in pointers if kind == "@"),
        instance=any(kind == "@i" for kind, *_ in pointers),
        usages=tuple(
            (int(ends[:2], 16), place)
            for kind, place, part, ends in pointers
            if kind == ";u" and part == "n"
        ),
        explanation=explanation,
    )
