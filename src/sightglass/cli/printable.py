"""Text from anyone, made safe for a terminal."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_LINE_ENDS = frozenset({"Zl", "Zp"})


def printable(text: object) -> str:
    """``text`` on one line, with everything that could steer a terminal written as an escape.

    That is all of Unicode's category C: control characters, marks that turn the direction of
    writing, what cannot be seen, halves of characters; and its separators of lines.
    """
    return "".join(map(_shown, str(text)))


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] != "C" and category not in _LINE_ENDS:
        return character
    if 0xD800 <= ord(character) <= 0xDFFF:
        return f"\\u{ord(character):04x}"
    return character.encode("unicode_escape").decode("ascii")


def show_line(console: Console, text: object) -> None:
    """Print ``text`` as it is: no markup, no ``:smile:``, no colours, and not cut."""
    from rich.text import Text

    console.print(Text(printable(text)), soft_wrap=True)
