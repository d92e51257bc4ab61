"""JSON that can stand inside an HTML page without ever being read as HTML."""

from __future__ import annotations

import json
import math

_AS_ESCAPES = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&"})


def json_block(value: object) -> str:
    """ASCII JSON without ``<``, ``>`` or ``&``, for a ``<script type="application/json">``.

    Every text comes back unchanged from ``JSON.parse``, lone surrogates (file names that are not
    UTF-8) included. Numbers that JSON lacks (NaN, infinities) become null; what is no JSON value
    becomes its ``str``.
    """
    try:
        text = json.dumps(value, allow_nan=False, separators=(",", ":"), default=str)
    except (ValueError, TypeError):  # a number that JSON lacks, or a key that is none: both rare
        text = json.dumps(_plain(value), allow_nan=False, separators=(",", ":"))
    return text.translate(_AS_ESCAPES)


def _plain(value: object) -> object:
    """The same value out of dict, list, str, bool, None and finite numbers alone."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return str(value)
