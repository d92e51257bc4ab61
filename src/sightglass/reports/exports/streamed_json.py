"""JSON documents of any length, written element by element."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TextIO


def write_list(stream: TextIO, items: Iterable[Any]) -> None:
    """An array, one element a line."""
    _write(stream, (json.dumps(item) for item in items), "[]")


def write_mapping(stream: TextIO, items: Iterable[tuple[str, Any]]) -> None:
    """An object, one entry a line; the keys must differ."""
    _write(stream, (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in items), "{}")


def _write(stream: TextIO, elements: Iterable[str], brackets: str) -> None:
    separator = f"{brackets[0]}\n"
    empty = True
    for element in elements:
        stream.write(separator + element)
        separator, empty = ",\n", False
    stream.write(brackets if empty else f"\n{brackets[1]}")
