"""LabelSet: the class names, in the order of every ``n_classes`` axis."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sightglass.errors import InputError
from sightglass.inputs.line_files import looks_like_a_file, read_line_file

_WHERE = "Class names"
_BOOK_SUFFIXES = (".yaml", ".yml", ".json")
_LINE_SUFFIXES = (".txt", "")


def clean_name(name: str) -> str:
    """The name as prompts say it: NFC, single spaces, no underscores, no control characters.

    Everything else stays: quotes, angle brackets, any script and direction of writing.
    """
    return " ".join(_without_controls(unicodedata.normalize("NFC", name)).replace("_", " ").split())


def _without_controls(name: str) -> str:
    """``name`` with a space for each newline or other control character."""
    return "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in name)


def name_key(name: str) -> str:
    """Equal for names that a person would call the same."""
    return unicodedata.normalize("NFC", clean_name(name).casefold())


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSet:
    """The classes that a picture can have.

    Attributes:
        names: One display name per class, spelled as the person spelled it. At least two.
        synonyms: All names of each class, the display name first; by default just that one.
        known: False for classes of an open-set experiment that the classifier is not told; by
            default all True.

    Raises:
        InputError: If there are fewer than two classes, a name is empty or not valid Unicode, two
            classes share a name (underscores, spacing and case aside), or lengths differ.
    """

    names: tuple[str, ...]
    synonyms: tuple[tuple[str, ...], ...] = ()
    known: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        """Fill the defaults and check, once, where the value is made."""
        if not self.synonyms:
            object.__setattr__(self, "synonyms", tuple((name,) for name in self.names))
        if not self.known:
            object.__setattr__(self, "known", (True,) * len(self.names))
        if not len(self.names) == len(self.synonyms) == len(self.known):
            raise InputError(
                f"{_WHERE}: names, synonyms and known need one entry per class, got "
                f"{len(self.names)}, {len(self.synonyms)} and {len(self.known)}."
            )
        if any(names[:1] != (name,) for name, names in zip(self.names, self.synonyms, strict=True)):
            raise InputError(f"{_WHERE}: each class's synonyms must begin with its display name.")
        if not any(self.known) and self.names:
            raise InputError(f"{_WHERE}: at least one class must be known, got none.")
        _check_names(self.synonyms)

    @classmethod
    def of(
        cls, names: Sequence[str | Sequence[str]], *, reserved: Sequence[str] = ("unknown",)
    ) -> LabelSet:
        """The label set of ``names``, all of them known.

        Args:
            names: One entry per class: its name, or all its names with the display name first.
                A name repeated within its own class says nothing new and is dropped.
            reserved: Names that no class may have, because they are answers of their own.

        Raises:
            InputError: As for the class itself, or if a name is reserved.
        """
        if isinstance(names, str):
            raise InputError(
                f"{_WHERE}: a list of names is needed, got the text {names!r}. Give ['cat', 'dog']."
            )
        entries = [(e,) if isinstance(e, str) else tuple(e) or ("",) for e in names]
        if not all(isinstance(name, str) for entry in entries for name in entry):
            raise InputError(f"{_WHERE}: every name must be text, got {list(names)!r}.")
        synonyms = tuple(_spelled(entry) for entry in entries)
        refused = {name_key(word) for word in reserved}
        for position, entry in enumerate(synonyms, start=1):
            for name in entry:
                if name_key(name) in refused:
                    raise InputError(
                        f"{_WHERE}: '{name}' (class {position}) is the answer for pictures that "
                        "are none of the classes, so no class can have that name. Leave it out or "
                        "choose another word."
                    )
        return cls(names=tuple(entry[0] for entry in synonyms), synonyms=synonyms)

    @property
    def fingerprint(self) -> str:
        """Hex digest of names, synonyms, their order and the mask; the same on every machine."""
        text = json.dumps([self.synonyms, self.known])
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def parse_classes(text_or_path: str, *, reserved: Sequence[str] = ("unknown",)) -> LabelSet:
    """The label set that a person wrote, as names or as the path of a file.

    ``"cat,dog"`` are names. A path of a ``.txt`` file means one class per line (UTF-8; blank
    lines and lines that start with ``#`` are skipped). In both, ``|`` separates a class's names:
    ``sofa|couch|settee`` is one class, shown as "sofa". A path of a ``.yaml``, ``.yml`` or
    ``.json`` file means a class book.

    Raises:
        InputError: If the file is absent or cannot be read, or the names make no label set.
    """
    text = text_or_path.strip()
    if not _means_a_file(text):
        return LabelSet.of([entry.split("|") for entry in text.split(",")], reserved=reserved)
    path = Path(text)
    suffix = path.suffix.casefold()
    if suffix in _BOOK_SUFFIXES:
        return _of_book(path, reserved=reserved)
    if suffix not in _LINE_SUFFIXES:
        raise InputError(
            f"{_WHERE}: a .txt file with one class per line is needed, got '{path}'. Or give the "
            "names themselves: cat,dog."
        )
    lines = read_line_file(path, where=_WHERE)
    if len(lines) == 1 and "," in lines[0]:
        raise InputError(
            f"{_WHERE}: '{path}' needs one class per line, got a single line with commas. Put "
            "each class on its own line."
        )
    return LabelSet.of([line.split("|") for line in lines], reserved=reserved)


def _of_book(path: Path, *, reserved: Sequence[str]) -> LabelSet:
    # Not at the top: a class book is made of label sets, and YAML is read only where it occurs.
    from sightglass.inputs.class_book import read_class_book

    book = read_class_book(path)
    try:
        return book.labels(reserved=reserved)
    except InputError as error:
        raise InputError(f"Class book '{path}': {error}") from error


def is_class_book(text: str) -> bool:
    """Whether ``text``, as a person gives it for classes, is the path of a class book."""
    stripped = text.strip()
    return _means_a_file(stripped) and Path(stripped).suffix.casefold() in _BOOK_SUFFIXES


def _means_a_file(text: str) -> bool:
    """Whether ``text`` is a path; a list with commas is one only if it ends like a class file."""
    if "," in text or "|" in text:
        # "AC/DC, TCP/IP" are names, "lists/my, own.txt" is a path.
        return Path(text).suffix.casefold() in {".txt", *_BOOK_SUFFIXES}
    return looks_like_a_file(text)


def _spelled(names: Sequence[str]) -> tuple[str, ...]:
    """Each name as spelled, control characters and outer space aside; repeats dropped."""
    spelled: dict[str, str] = {}
    for name in names:
        spelled.setdefault(name_key(name), _without_controls(name).strip())
    return tuple(spelled.values())


def _check_names(synonyms: tuple[tuple[str, ...], ...]) -> None:
    """Raise InputError unless the classes can be told apart by name."""
    owner: dict[str, tuple[int, str]] = {}
    for position, names in enumerate(synonyms, start=1):
        for name in names:
            if any(unicodedata.category(c) == "Cs" for c in name):
                raise InputError(
                    f"{_WHERE}: class {position} is not valid Unicode: {name!r}. Write it as UTF-8."
                )
            # Characters of category Cf (zero-width space, direction marks) cannot be seen.
            if not any(unicodedata.category(c) != "Cf" for c in clean_name(name)):
                raise InputError(
                    f"{_WHERE}: every class needs a name, got an empty one (class {position}). "
                    "Remove it or fill it in."
                )
            first, spelled = owner.setdefault(name_key(name), (position, name))
            if first != position:
                raise InputError(
                    f"{_WHERE}: a name can belong to one class only, got '{spelled}' "
                    f"(class {first}) and '{name}' (class {position}). Remove or reword one."
                )
    if len(synonyms) < 2:
        got = f"only '{synonyms[0][0]}'" if synonyms else "none"
        raise InputError(
            f"{_WHERE}: at least two are needed, got {got}: with one name every picture would "
            "be that class. Add a contrast, such as 'something else'."
        )
