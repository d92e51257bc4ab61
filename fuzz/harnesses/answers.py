"""What a language model writes, in each of the forms that are asked for."""

from __future__ import annotations

from typing import Any

from harness import Harness
from sightglass.generation.answers import (
    DESCRIPTIONS,
    LOOK_ALIKES,
    PARTS,
    SHARED_FEATURES,
    Form,
    one_line,
    phrases,
)

_FORMS: tuple[Form[Any], ...] = (DESCRIPTIONS, LOOK_ALIKES, SHARED_FEATURES, PARTS)


def one_input(data: bytes) -> None:
    """As an answer's text: nothing is refused, what is no row is passed over."""
    text = _text(data)
    for form in _FORMS:
        for row in form.rows_in(text):
            assert form.row.model_validate(row.model_dump()) == row
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    line.encode()
    assert one_line(line) == line
    found = phrases(text.split(","))
    assert len(found) == len(set(found))


def _text(data: bytes) -> str:
    """With lone surrogates, as JSON's escapes make them, where the bytes are such."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [
        b'{"classes": [{"name": "cat", "description": "Small."}]}',
        b'Sure!\n```json\n{"classes": [{"name": "cat", "looks_like": ["dog"]}]}\n```',
        b'{"pairs": [{"first": "a", "second": "b", "shared_features": ["- fur."]}, {"first": ',
        b'<think>{"parts": []}</think>{"parts": [{"title": "pets", "classes": ["cat"]}]}',
    ],
    words=(
        *("name", "description", "looks_like", "first", "second", "shared_features", "title"),
        *("classes", "pairs", "parts", '{"', '":', "[{", "}]", "```", "\\ud800", "\u2028", "\x85"),
    ),
    tree=True,
)
