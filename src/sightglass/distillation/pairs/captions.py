"""Captions as they are found, made fit to be learned from."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sightglass.errors import PictureError

# In the order in which they are taken.
_JSON_KEYS = ("caption", "captions", "text", "texts")


def clean_captions(found: Iterable[object]) -> tuple[str, ...]:
    """The texts on one line each; what is blank, no text, or said before is left out."""
    lines = (" ".join(text.split()) for text in found if isinstance(text, str))
    # A surrogate alone, as JSON can spell it, makes every tokeniser raise.
    sound = (line.encode("utf-8", "replace").decode("utf-8") for line in lines if line)
    return tuple(dict.fromkeys(sound))


def captions_in_text(data: bytes) -> tuple[str, ...]:
    """The caption that a text file is, however many lines it has.

    Raises:
        PictureError: If it is not UTF-8.
    """
    try:
        return clean_captions([data.decode("utf-8-sig")])
    except UnicodeDecodeError as error:
        raise PictureError(
            "corrupt", f"its caption is not UTF-8 text (byte {error.start + 1})"
        ) from error


def captions_in_json(data: bytes) -> tuple[str, ...]:
    """The captions that a JSON object gives as ``caption`` or ``text``, one or a list.

    Raises:
        PictureError: If it is no JSON object.
    """
    try:
        record = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise PictureError("corrupt", "its caption's JSON cannot be read") from error
    if not isinstance(record, dict):
        raise PictureError("corrupt", "its caption's JSON is not an object")
    value = next((record[key] for key in _JSON_KEYS if record.get(key)), None)
    return clean_captions(value if isinstance(value, list) else [value])
