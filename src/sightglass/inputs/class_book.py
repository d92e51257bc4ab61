"""ClassBook: what is known of the classes beside their names, in a file that a person can edit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sightglass.errors import InputError
from sightglass.inputs.labels import LabelSet
from sightglass.whole_files import replacing

FORMAT: Literal["sightglass-class-book-1"] = "sightglass-class-book-1"
SUFFIXES = (".yaml", ".yml", ".json")

Source = Literal["language_model", "offline", "person"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


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

    Source:
        Yin & Jiang 2024, arXiv:2405.02155, feature analysis.
    """

    format: Literal["sightglass-class-book-1"] = FORMAT
    source: Source = "person"
    classes: tuple[ClassEntry, ...]
    confusable: tuple[Confusable, ...] = ()

    def labels(self) -> LabelSet:
        """The label set of the entries' names and synonyms.

        Raises:
            InputError: As for ``LabelSet.of``.
        """
        return LabelSet.of([(entry.name, *entry.synonyms) for entry in self.classes])


def read_class_book(path: Path) -> ClassBook:
    """The validated book in ``path``, JSON or YAML by its suffix.

    Raises:
        InputError: If the file is absent, no book, or a group names a class that is no entry.
    """
    where = f"Class book '{path}'"
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = json.loads(text) if path.suffix.casefold() == ".json" else yaml.safe_load(text)
        book = ClassBook.model_validate(data)
    except FileNotFoundError as error:
        raise InputError(f"{where}: the file does not exist. Check the path.") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise InputError(
            f"{where}: {field}: {first['msg']}. Correct it, or make a new book with "
            f"'sightglass describe'."
        ) from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{where}: cannot be read ({error}). Correct it.") from error
    return book


def write_class_book(path: Path, book: ClassBook) -> None:
    """Write ``book`` as JSON or YAML by the suffix; what is empty is left out."""
    data = book.model_dump(mode="json", exclude_defaults=True)
    data = {"format": book.format, "source": book.source, **data}
    with replacing(path) as stream:
        if path.suffix.casefold() == ".json":
            json.dump(data, stream, indent=2, ensure_ascii=False)
            stream.write("\n")
        else:
            yaml.safe_dump(data, stream, sort_keys=False, allow_unicode=True, width=100)
