"""Text from anyone, made safe for a terminal."""

from __future__ import annotations

import unicodedata


def printable(text: str) -> str:
    """``text`` with everything that could steer a terminal written as an escape."""
    return "".join(
        character
        if unicodedata.category(character)[0] != "C"
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        if ord(character) < 0xD800 or ord(character) > 0xDFFF
        else f"\\u{ord(character):04x}"
        for character in text
    )
