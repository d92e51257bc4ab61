"""What a language model may answer: rows of a known form, found in whatever it wrote."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

_DECODER = json.JSONDecoder()
_PATIENCE = 20  # times that the whole of an answer may be read; sensible ones take two
_LINES_COUNTED = 100  # an error counts the lines before it, so much quicker than JSON is read
_TOO_DEEP = 10_000  # as many characters are read in the time that it takes to see this
_LONGEST = 2_000  # characters of a description or a phrase; those asked for have a hundred
# Turn the direction of writing for all that follows: a line of the book would seem to say
# something else. Marks that letters of some scripts need (U+200C, U+200D) are none of them.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NO_CHARACTERS = frozenset({"Cc", "Cs", "Zl", "Zp"})


class Row(BaseModel):
    """One entry of an answer. Fields that were not asked for are dropped."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", json_schema_extra={"additionalProperties": False}
    )


class Description(Row):
    """What one class looks like."""

    name: str
    description: str


class LookAlikes(Row):
    """The classes that one class is easily mistaken for."""

    name: str
    looks_like: list[str]


class SharedFeatures(Row):
    """What two classes have in common, as phrases."""

    first: str
    second: str
    shared_features: list[str]


class Part(Row):
    """Classes of one kind."""

    title: str
    classes: list[str]


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form(Generic[R]):
    """The form of an answer: an object with one list, whose entries are rows.

    Attributes:
        key: Field that holds the list.
        row: What each entry is.
        named: Fields of a row that hold names of classes.
    """

    key: str
    row: type[R]
    named: tuple[str, ...]

    def schema(self, names: Sequence[str]) -> dict[str, Any]:
        """JSON schema of the answer, with only ``names`` where a class is named."""
        row = self.row.model_json_schema()
        row.pop("description", None)
        for field in self.named:
            where = row["properties"][field]
            where.get("items", where)["enum"] = list(names)
        return {
            "type": "object",
            "properties": {self.key: {"type": "array", "items": row}},
            "required": [self.key],
            "additionalProperties": False,
        }

    def rows_in(self, text: str) -> list[R]:
        """The rows that ``text`` holds; entries of another form are dropped.

        Code fences and prose around the JSON do no harm, nor do thoughts before it: where several
        objects have the list, the last counts. Of an answer that was cut off, the rows that are
        whole are found. What is nested so that it would have to be read again and again is left.
        """
        listed: list[Any] | None = None
        loose: list[Any] = []
        patience = _PATIENCE * (len(text) + _TOO_DEEP)
        start = text.find("{")
        while start >= 0 and patience > 0:
            try:
                found, end = _DECODER.raw_decode(text, start)
            except json.JSONDecodeError as error:
                endless = error.msg.startswith("Unterminated")
                patience -= (len(text) if endless else error.pos) - start
                patience -= error.pos // _LINES_COUNTED
                end = start + 1
            except (ValueError, RecursionError):  # ValueError: a number of thousands of digits
                patience -= _TOO_DEEP
                end = start + 1
            else:
                patience -= end - start
                if isinstance(found.get(self.key), list):
                    listed = found[self.key]
                loose.append(found)
            start = text.find("{", end)
        return [row for entry in (loose if listed is None else listed) for row in self._row(entry)]

    def _row(self, entry: Any) -> list[R]:
        try:
            return [self.row.model_validate(entry)]
        except ValidationError:
            return []


DESCRIPTIONS = Form(key="classes", row=Description, named=("name",))
LOOK_ALIKES = Form(key="classes", row=LookAlikes, named=("name", "looks_like"))
SHARED_FEATURES = Form(key="pairs", row=SharedFeatures, named=("first", "second"))
PARTS = Form(key="parts", row=Part, named=("classes",))


def one_line(text: str) -> str:
    """``text`` with single spaces, only characters, and not endless: it goes into a file."""
    kept = "".join(
        " " if c in _TURNING or unicodedata.category(c) in _NO_CHARACTERS else c
        for c in text[: 2 * _LONGEST]
    )
    return " ".join(kept.split())[:_LONGEST].rstrip()


def phrases(texts: Sequence[str]) -> tuple[str, ...]:
    """The phrases in ``texts``, each once whatever its case, without bullets and final stops."""
    found: dict[str, str] = {}
    for text in texts:
        phrase = one_line(text).strip(" -*•.,;")
        if phrase:
            found.setdefault(phrase.casefold(), phrase)
    return tuple(found.values())
