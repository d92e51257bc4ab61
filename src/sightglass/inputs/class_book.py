"""ClassBook: what is known of the classes beside their names, in a file that a person can edit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sightglass.errors import InputError, closest
from sightglass.inputs.bounded_bytes import read_at_most
from sightglass.inputs.labels import LabelSet, name_key
from sightglass.inputs.unique_keys import UniqueKeyLoader, object_with_unique_keys
from sightglass.whole_files import replacing

FORMAT: Literal["sightglass-class-book-1"] = "sightglass-class-book-1"
LARGEST = 64_000_000  # bytes: tens of thousands of classes with every field
SUFFIXES = (".yaml", ".yml", ".json")

Source = Literal["language_model", "offline", "person"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, data: Any) -> Any:
        """A field that was left blank is as good as absent."""
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None and value != ""}


class Origin(_Frozen):
    """Who wrote an entry."""

    by: str = Field(description="name of the language model or encoder; 'person' for a person")
    prompt: str | None = Field(default=None, description="the question that it answered")
    date: str | None = Field(default=None, description="ISO 8601")


class ClassEntry(_Frozen):
    """One class."""

    name: str
    synonyms: tuple[str, ...] = Field(default=(), description="other names, without the name")
    description: str = Field(default="", description="what it looks like")
    prompts: tuple[str, ...] = Field(
        default=(), description="whole sentences, classified with beside the templates"
    )
    image_prompts: tuple[str, ...] = Field(
        default=(), description="for the image generator, in place of those made from features"
    )
    origin: Origin | None = None


class Confusable(_Frozen):
    """Classes that look alike: a pair, or a larger group, with what they share."""

    classes: tuple[str, ...] = Field(min_length=2, description="names of entries, all different")
    shared_features: tuple[str, ...] = Field(default=(), description="phrases")
    origin: Origin | None = None


class ClassBook(_Frozen):
    """The classes, in order, and which of them are easily confused.

    A group may call a class by any of its names; here it always bears the entry's own.

    Raises:
        ValidationError: If the names make no label set, a group holds what is no class or one
            class twice, or two groups hold the same classes.

    Source:
        Yin & Jiang 2024, arXiv:2405.02155, feature analysis.
    """

    format: Literal["sightglass-class-book-1"] = FORMAT
    source: Source = "person"
    classes: tuple[ClassEntry, ...]
    confusable: tuple[Confusable, ...] = ()
    notes: tuple[str, ...] = Field(default=(), description="what is missing here, and why")

    @model_validator(mode="after")
    def _groups_hold_classes(self) -> ClassBook:
        self.labels(reserved=())
        owner = {
            name_key(name): entry.name
            for entry in self.classes
            for name in (entry.name, *entry.synonyms)
        }
        groups: dict[frozenset[str], int] = {}
        settled = []
        for position, group in enumerate(self.confusable, start=1):
            names = tuple(_entry_called(name, owner, position) for name in group.classes)
            repeated = next((name for name in names if names.count(name) > 1), None)
            if repeated is not None:
                raise InputError(
                    f"confusable group {position} needs different classes, got '{repeated}' more "
                    f"than once. Remove one."
                )
            first = groups.setdefault(frozenset(names), position)
            if first != position:
                raise InputError(
                    f"confusable groups must differ, {first} and {position} both hold "
                    f"{', '.join(names)}. Put their features into one and remove the other."
                )
            settled.append(group.model_copy(update={"classes": names}))
        object.__setattr__(self, "confusable", tuple(settled))
        return self

    def labels(self, *, reserved: Sequence[str] = ("unknown",)) -> LabelSet:
        """The label set of the entries' names and synonyms.

        Raises:
            InputError: As for ``LabelSet.of``.
        """
        names = [(entry.name, *entry.synonyms) for entry in self.classes]
        return LabelSet.of(names, reserved=reserved)


def _entry_called(name: str, owner: dict[str, str], position: int) -> str:
    """Display name of the class that ``name`` means."""
    found = owner.get(name_key(name))
    if found is None:
        near = closest(name, list(owner.values()))
        hint = f"Did you mean '{near}'? " if near else ""
        raise InputError(
            f"confusable group {position} must hold names of classes, '{name}' is none. "
            f"{hint}Correct it, or add the class."
        )
    return found


def read_class_book(path: Path, *, max_bytes: int = LARGEST) -> ClassBook:
    """The validated book in ``path``, JSON or YAML by its suffix.

    In YAML every plain word is text: a class called ``no``, ``1`` or ``null`` needs no quotes.

    Args:
        path: The file.
        max_bytes: More are not read, nor what has no end.

    Raises:
        InputError: If the file is absent, too large, no book, or what ``ClassBook`` refuses.
    """
    where = f"Class book '{path}'"
    try:
        read = read_at_most(path, max_bytes)
        if read is None:
            raise ValueError(f"it has more than {max_bytes:,} bytes")
        text = read.decode("utf-8-sig")
        if path.suffix.casefold() == ".json":
            data = json.loads(text, object_pairs_hook=object_with_unique_keys)
        else:
            data = yaml.load(text, Loader=UniqueKeyLoader)
        return ClassBook.model_validate(data)
    except FileNotFoundError as error:
        raise InputError(f"{where}: the file does not exist. Check the path.") from error
    except IsADirectoryError as error:
        raise InputError(f"{where}: a file is needed, this is a folder. Name the book.") from error
    except ValidationError as error:
        raise InputError(f"{where}: {_first_fault(error)}") from error
    except RecursionError as error:
        raise InputError(f"{where}: cannot be read (nested too deeply). Correct it.") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{where}: cannot be read ({reason}). Correct it.") from error


class _Dumper(yaml.SafeDumper):
    """YAML that reads back as what was written."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        """``data`` as it is, in quotation marks where a line break of some machines is in it.

        Unless it is escaped, this break (U+0085) comes back as a space.
        """
        style = '"' if "\x85" in data else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


def _first_fault(error: ValidationError) -> str:
    """What to correct first, in words."""
    first = error.errors()[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, InputError):
        return str(cause)
    field = ".".join(str(part) for part in first["loc"]) or "the whole file"
    fault = {
        "model_type": "Fields with names are needed here, such as 'name: cat'",
        "string_type": f"{first['msg']}. Put quotes around it to make it text",
    }.get(first["type"], first["msg"])
    return f"{field}: {fault}. Correct it, or make a new book with 'sightglass describe'."


def write_class_book(path: Path, book: ClassBook) -> None:
    """Write ``book`` as JSON or YAML by the suffix; what is empty is left out.

    Raises:
        ResultsError: If the file cannot be written.
    """
    data = book.model_dump(mode="json", exclude_defaults=True)
    data = {"format": book.format, "source": book.source, **data}
    with replacing(path) as stream:
        if path.suffix.casefold() == ".json":
            json.dump(data, stream, indent=2, ensure_ascii=False)
            stream.write("\n")
        else:
            yaml.dump(data, stream, _Dumper, sort_keys=False, allow_unicode=True, width=100)
