"""What is wrong with a recipe, as a sentence that names the entry."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from sightglass.errors import closest

if TYPE_CHECKING:
    from pydantic import ValidationError

Models = Sequence[type[BaseModel]]
# pydantic speaks of Python's types; who writes YAML knows lists and entries.
_PLAIN = (
    (r"^(Input|Tuple|List) should ", "must "),
    (r"^Value error, ", ""),
    (r" after validation, not \d+", ""),
    (r"a valid (tuple|list)", "a list"),
    (r"a valid dictionary.*", "entries with values below them"),
    (r", unable to parse .*", ""),
)


def first_mistake(
    error: ValidationError, whole: type[BaseModel], *, called: Mapping[str, str]
) -> str:
    """The first of the mistakes as a sentence: the entry, what is needed, what arrived.

    Args:
        error: What pydantic found.
        whole: The model that was to be made.
        called: Other names of entries, for those who wrote options instead.
    """
    first = error.errors()[0]
    path, models = _placed(first["loc"], whole)
    dotted = ".".join(path)
    name = called.get(dotted, dotted) or "the whole file"
    said = _said(first, models)
    # What a model says of itself as a whole names the entries that it means.
    return said if not dotted and first["type"] == "value_error" else f"{name}: {said}"


def _said(mistake: Any, models: Models) -> str:
    kind, context, got = mistake["type"], mistake.get("ctx", {}), mistake["input"]
    if kind == "extra_forbidden":
        return f"there is no such entry.{_hint(str(mistake['loc'][-1]), _fields(models))}"
    if kind == "missing":
        return "is needed, got none."
    if kind == "union_tag_not_found":
        return "a kind is needed, got none."
    if kind == "union_tag_invalid":
        tags = context["expected_tags"]
        hint = _hint(context["tag"], re.findall(r"'(\w+)'", tags))
        return f"kind: one of {tags} is needed, got '{context['tag']}'.{hint}"
    if kind == "literal_error":
        hint = _hint(str(got), re.findall(r"'([^']+)'", context["expected"]))
        return f"{context['expected']} is needed, got {reprlib.repr(got)}.{hint}"
    plain = mistake["msg"]
    for pattern, words in _PLAIN:
        plain = re.sub(pattern, words, plain)
    return f"{plain}." if kind == "value_error" else f"{plain}, got {reprlib.repr(got)}."


def _hint(name: str, known: Iterable[str]) -> str:
    near = closest(name, known)
    return f" Did you mean '{near}'?" if near else ""


def _fields(models: Models) -> list[str]:
    return [name for model in models for name in model.model_fields]


def _placed(place: Sequence[int | str], whole: type[BaseModel]) -> tuple[list[str], Models]:
    """The way to an entry as people write it, and the models that its group could be."""
    path: list[str] = []
    models: Models = [whole]
    for number, part in enumerate(place):
        name = str(part)
        tagged = [one for one in models if _kind_of(one) == name]
        if tagged and name not in _fields(models):
            models = tagged  # pydantic says which of several forms it means; no entry is called so
            continue
        path.append(name)
        hints = [model.model_fields[name] for model in models if name in model.model_fields]
        # Not of the last, which is what the mistake is about; and keys of one's own lead nowhere.
        if hints and number + 1 < len(place):
            models = [found for hint in hints for found in _models_in(hint.annotation)]
    return path, models


def _kind_of(model: type[BaseModel]) -> object:
    kind = model.model_fields.get("kind")
    return None if kind is None else kind.default


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """All models that a type names, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]
