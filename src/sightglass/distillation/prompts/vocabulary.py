"""The names that class-agnostic distillation learns from: the bundled nouns, or a person's list."""

from __future__ import annotations

import csv
import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sightglass.errors import InputError
from sightglass.inputs.labels import clean_name, name_key
from sightglass.inputs.line_files import looks_like_a_file, read_line_file

BUNDLED = "nouns"
_WHERE = "Vocabulary"
_NOUNS = Path(__file__).with_name("nouns.txt")
# Heads of the column with names, in lists as people publish them.
_COLUMNS = ("classname", "name", "label", "displayname")
# How the identifiers of Open Images begin, whose own list has no head.
_MACHINE_IDS = ("/m/", "/g/")


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Many names, of which each step of the distillation keeps the likeliest.

    Attributes:
        names: At least two, in the list's order, each once; spelled as prompts say them.
        source: ``"nouns"``, or the path as the person gave it.
        licence: Whose terms the names come under, as far as we know.
        repeated: How many entries were left out because their name had come before.
    """

    names: tuple[str, ...] = field(repr=False)
    source: str
    licence: str
    repeated: int = 0

    def __len__(self) -> int:
        """How many names there are."""
        return len(self.names)

    @cached_property
    def sha256(self) -> str:
        """Hex digest of the names in their order, one a line in UTF-8, whatever the file's form."""
        return hashlib.sha256("".join(f"{name}\n" for name in self.names).encode()).hexdigest()

    def holds(self, name: str) -> bool:
        """Whether ``name`` is in the list, case, underscores and spacing aside.

        Not knowing which names apply is not the same as not having them: say how many of your
        classes a vocabulary holds where you report what was learned from it.
        """
        return name_key(name) in self._keys

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(name_key(name) for name in self.names)


def read_vocabulary(source: str = BUNDLED) -> Vocabulary:
    """The vocabulary that a person names.

    Args:
        source: ``"nouns"`` for the bundled list; otherwise the path of a UTF-8 file. A ``.txt``
            file has one name per line. A ``.csv`` file has a column ``ClassName``, ``name``,
            ``label`` or ``DisplayName``, or is the list of Open Images: identifier, then name.
            Blank lines, empty cells and lines that begin with ``#`` are skipped.

    Raises:
        InputError: If ``source`` is neither, the file cannot be read or is not of that form, or
            fewer than two names are left.
    """
    text = source.strip()
    if text == BUNDLED:
        entries: Sequence[str] = read_line_file(_NOUNS, where=_WHERE)
        return _vocabulary(entries, source=text, licence="WordNet 3.0 (Princeton University)")
    path = Path(text)
    suffix = path.suffix.casefold()
    if not looks_like_a_file(text) or suffix not in {".txt", ".csv"}:
        raise InputError(
            f"{_WHERE}: '{BUNDLED}' (the bundled list), or the path of a .txt or .csv file is "
            f"needed, got '{source}'. Save names of your own in a .txt file, one per line."
        )
    lines = read_line_file(path, where=_WHERE)
    entries = _column(lines, path) if suffix == ".csv" else lines
    if suffix == ".txt":
        _check_lines(lines, path)
    return _vocabulary(entries, source=text, licence="not known: a list of your own")


def _vocabulary(entries: Sequence[str], *, source: str, licence: str) -> Vocabulary:
    """The names of ``entries``, each once."""
    names: dict[str, str] = {}
    visible = [clean_name(entry) for entry in entries if _visible(entry)]
    for name in visible:
        names.setdefault(name_key(name), name)
    if len(names) < 2:
        raise InputError(
            f"{_WHERE}: at least two different names are needed, got {len(names)} in '{source}'. "
            "Give a list with thousands: what is in the pictures has to be among them."
        )
    return Vocabulary(
        names=tuple(names.values()),
        source=source,
        licence=licence,
        repeated=len(visible) - len(names),
    )


def _visible(name: str) -> bool:
    """Whether anything of the name can be seen; zero-width characters cannot."""
    return any(unicodedata.category(c) != "Cf" for c in clean_name(name))


def _check_lines(lines: Sequence[str], path: Path) -> None:
    """Refuse what was meant otherwise: a list in one line, or a class list with synonyms."""
    if len(lines) == 1 and "," in lines[0]:
        raise InputError(
            f"{_WHERE}: '{path}' needs one name per line, got a single line with commas. Put "
            "each name on its own line."
        )
    if line := next((line for line in lines if "|" in line), None):
        raise InputError(
            f"{_WHERE}: '{path}' needs one name per line, got '{line}'. A vocabulary knows no "
            "synonyms: put each on its own line, or leave it out."
        )


def _column(lines: Sequence[str], path: Path) -> list[str]:
    """The names of a CSV file."""
    try:
        head, *rows = csv.reader(lines, strict=True, skipinitialspace=True)
    except csv.Error as error:
        raise InputError(
            f"{_WHERE}: '{path}' must be a CSV file, got one that cannot be taken apart ({error}). "
            "Put names that hold commas or quotation marks between quotation marks."
        ) from error
    if len(head) == 2 and head[0].startswith(_MACHINE_IDS):
        position, rows = 1, [head, *rows]
    else:
        position = _named(head, path)
    for number, row in enumerate(rows, start=1):
        if len(row) != len(head):
            raise InputError(
                f"{_WHERE}: '{path}' needs {_cells(len(head))} in every line, got {len(row)} in "
                f"entry {number} ('{', '.join(row)}'). Put a name that holds a comma between "
                "quotation marks."
            )
    return [row[position] for row in rows]


def _named(head: Sequence[str], path: Path) -> int:
    """Which column of ``head`` holds the names."""
    titles = [title.strip().casefold() for title in head]
    for wanted in _COLUMNS:
        if wanted in titles:
            return titles.index(wanted)
    raise InputError(
        f"{_WHERE}: '{path}' needs a column with the head ClassName, name, label or DisplayName, "
        f"got {', '.join(repr(title) for title in head)}. Name the column, or save the names as a "
        ".txt file, one per line."
    )


def _cells(count: int) -> str:
    """``count`` cells, in words."""
    return "one cell" if count == 1 else f"{count} cells"
