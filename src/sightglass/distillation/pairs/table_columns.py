"""Which columns of a table hold pictures, captions and labels."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sightglass.errors import InputError, closest

# In the order in which they are taken; of captions, also several with numbers behind the name.
PICTURES = ("image", "img", "image_path", "filepath", "file_name", "filename", "file", "path")
CAPTIONS = ("caption", "text", "title", "sentence", "description", "alt_text")
LABELS = ("label", "fine_label", "labels", "class")


def named_column(name: str, columns: Sequence[str], *, where: str) -> str:
    """``name``, if it is a column.

    Raises:
        InputError: If it is none; says the closest, then all.
    """
    if name in columns:
        return name
    near = closest(name, columns)
    hint = f" Did you mean '{near}'?" if near else ""
    raise InputError(
        f"{where}: a column '{name}' is needed, got the columns {', '.join(columns)}.{hint} Name "
        f"one of them."
    )


def picture_column(given: str | None, columns: Sequence[str], *, where: str) -> str:
    """The column of pictures.

    Raises:
        InputError: If the given one does not exist, or none is known by its name.
    """
    if given is not None:
        return named_column(given, columns, where=where)
    found = _first(PICTURES, columns)
    if found is None:
        raise InputError(
            f"{where}: a column of pictures is needed, such as 'image', got the columns "
            f"{', '.join(columns)}. Say which one it is with image_column."
        )
    return found


def caption_columns(
    given: str | Sequence[str] | None, columns: Sequence[str], *, where: str
) -> tuple[str, ...]:
    """The columns of captions; empty where none is given and none known by its name.

    Raises:
        InputError: If a given one does not exist.
    """
    if given is not None:
        names = (given,) if isinstance(given, str) else tuple(given)
        return tuple(named_column(name, columns, where=where) for name in names)
    for stem in CAPTIONS:
        numbered = re.compile(rf"{stem}s?(_?\d+)?", re.IGNORECASE)
        if found := tuple(name for name in columns if numbered.fullmatch(name.strip())):
            return found
    return ()


def label_column(given: str | None, columns: Sequence[str], *, where: str) -> str | None:
    """The column of labels; None where none is given and none known by its name.

    Raises:
        InputError: If the given one does not exist.
    """
    if given is not None:
        return named_column(given, columns, where=where)
    return _first(LABELS, columns)


def _first(known: Sequence[str], columns: Sequence[str]) -> str | None:
    """The column that bears the first of these names, upper and lower case aside."""
    by_key = {name.strip().casefold(): name for name in reversed(columns)}
    return next((by_key[name] for name in known if name in by_key), None)
