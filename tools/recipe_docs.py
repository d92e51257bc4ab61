"""docs/encoder-recipes.md is what a recipe's entries say of themselves: write it, or check it."""

from __future__ import annotations

import inspect
import re
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from types import NoneType
from typing import Any

import yaml
from annotated_types import Ge, Gt, Le, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from sightglass.distillation.encoder.recipe import Recipe
from sightglass.encoders.towers.convolutional import ConvolutionalTower
from sightglass.encoders.towers.pretrained_image import build_pretrained_image
from sightglass.encoders.towers.pretrained_text import build_pretrained_text
from sightglass.encoders.towers.word_table import WordTable

PAGE = Path(__file__).parents[1] / "docs" / "encoder-recipes.md"
INTRODUCTION = """\
# Recipes of encoders

Made by `make format` from the program itself: every entry of the file that `sightglass distill
encoder --recipe FILE` takes. [Contrastive distillation](contrastive.md) says what the losses are
and when to take which. An entry that is not here is refused, with the closest one that is. Paths
are relative to the current folder. The smallest recipe:

```yaml
{smallest}```

[recipes/otter-cc3m.yaml](../recipes/otter-cc3m.yaml) is the published recipe of OTTER,
[recipes/mini/recipe.yaml](../recipes/mini/recipe.yaml) that of the bundled model. `--dry-run` says
what a recipe would do.
"""
SMALLEST = {
    "data": [{"path": "pairs.csv"}],
    "student": {"text": {"kind": "word_table"}},
    "phases": [{"name": "pairs", "epochs": 10, "losses": {"contrastive": {}}}],
}
TOWERS: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("student.image", "convolutional", ConvolutionalTower),
    ("student.image", "transformers", build_pretrained_image),
    ("student.text", "word_table", WordTable),
    ("student.text", "transformers", build_pretrained_text),
)
# Given by the recipe as a whole, or by a file beside a finished student.
_NOT_WRITTEN = ("dim", "vocabulary")
_PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def page() -> str:
    """The whole page."""
    smallest = yaml.safe_dump(SMALLEST, sort_keys=False, default_flow_style=None)
    parts = [INTRODUCTION.format(smallest=smallest)]
    for where, model in models(Recipe, ""):
        title = f"## {where}" if where else "## The whole file"
        lines = [title, "", one_line(model), "", *table(model)]
        lines += [
            line
            for place, kind, made in TOWERS
            if where == "student"
            for line in (*tower(place, kind, made),)
        ]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def models(model: type[BaseModel], where: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """Every group of entries with its place, each place once, outer ones first."""
    yield where, model
    for name, field in model.model_fields.items():
        for found, mark in groups(field.annotation):
            tag = found.model_fields.get("kind")
            form = f" (kind: {tag.default})" if tag is not None and where.endswith("losses") else ""
            yield from models(found, f"{where}.{name}{mark}{form}".lstrip("."))


def groups(annotation: Any, mark: str = "") -> Iterator[tuple[type[BaseModel], str]]:
    """The models that an entry's type names; marked where there is a list or a table of them."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation, mark
        return
    if typing.get_origin(annotation) is dict:
        return  # keys of one's own; what they lead to has a place of its own
    inside = "[]" if typing.get_origin(annotation) is tuple else mark
    for part in typing.get_args(annotation):
        yield from groups(part, inside)


def table(model: type[BaseModel]) -> list[str]:
    """The entries of a group."""
    lines = ["| entry | what | default | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        cells = (f"`{name}`", kind(field), default(field), str(field.description))
        lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    return lines


def kind(field: FieldInfo) -> str:
    """An entry's type and bounds in words."""
    bounds = []
    for mark in (*field.metadata, *marks(field.annotation)):
        bounds += [f"above {mark.gt:g}"] if isinstance(mark, Gt) else []
        bounds += [f"at least {mark.ge:g}"] if isinstance(mark, Ge) else []
        bounds += [f"at most {mark.le:g}"] if isinstance(mark, Le) else []
        bounds += [f"{mark.min_length} or more"] if isinstance(mark, MinLen) else []
    said = of_type(field.annotation)
    kept = [bound for bound in bounds if said.startswith("list") or not bound.endswith("or more")]
    return ", ".join(dict.fromkeys((said, *kept)))


def marks(annotation: Any) -> list[Any]:
    """Bounds that stand at a type, however deep."""
    found = list(getattr(annotation, "__metadata__", ()))
    if found:
        found = [mark for info in found for mark in getattr(info, "metadata", [info])]
    return found + [mark for part in typing.get_args(annotation) for mark in marks(part)]


def of_type(annotation: Any) -> str:
    """A type in words."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return of_type(parts[0])
    if origin is typing.Literal:
        return " or ".join(f"`{one}`" for one in parts)
    if origin is tuple:
        many = "list of" if Ellipsis in parts else f"list of {len(parts)}:"
        return f"{many} {of_type(parts[0])}"
    if inspect.isclass(annotation) or origin is dict:
        return _PLAIN.get(annotation, "entries")
    said = [of_type(part) for part in parts if part is not NoneType]
    return " or ".join(dict.fromkeys(said))


def default(field: FieldInfo) -> str:
    """What counts where nothing is written."""
    if field.default is PydanticUndefined:
        return "needed"
    if isinstance(field.default, BaseModel):
        return "all defaults"
    return shown(field.default)


def shown(value: Any) -> str:
    """A value as YAML has it."""
    if isinstance(value, tuple):
        value = list(value)
    text = yaml.safe_dump(value, default_flow_style=True, width=1000).strip()
    return f"`{text.removesuffix('...').strip()}`"


def one_line(thing: Any) -> str:
    """The first paragraph of a docstring."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def tower(place: str, name: str, made: Callable[..., Any]) -> list[str]:
    """What a kind of tower takes beside its kind, by its own signature and docstring."""
    said = meanings(made)
    lines = ["", f"### {place}, kind: {name}", "", "| entry | default | meaning |", "|---|---|---|"]
    for parameter in inspect.signature(made).parameters.values():
        if parameter.name in _NOT_WRITTEN:
            continue
        empty = parameter.default is inspect.Parameter.empty
        value = "needed" if empty else shown(plain(parameter.default))
        lines.append(f"| `{parameter.name}` | {value} | {said[parameter.name]} |")
    return lines


def plain(value: Any) -> Any:
    """Tuples as lists, however deep: YAML knows no others."""
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def meanings(made: Callable[..., Any]) -> dict[str, str]:
    """The ``Args`` of a docstring, by name."""
    section = re.search(r"^Args:\n((?:    .*\n?|\n)+)", inspect.getdoc(made) or "", re.MULTILINE)
    assert section is not None, made
    found = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", section[1], re.MULTILINE)
    return {name: " ".join(text.replace("``", "`").split()) for name, text in found}


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        sys.exit(f"{PAGE}: differs from what a recipe's entries say. Run: make format")
