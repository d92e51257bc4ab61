"""Folders named after classes: a folder per class, as people sort pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from sightglass.errors import InputError

_SPLITS = frozenset({"train", "training", "val", "valid", "validation", "dev", "test"})
_WORDNET_ID = re.compile(r"n\d{8}")


def check_folder_names(root: Path, names: Sequence[str], *, folders: str, why_words: str) -> None:
    """See that the names of the folders in ``root`` are those of classes.

    Args:
        root: Holds the folders.
        names: What they are called, at least one.
        folders: The beginning of an error: what must be classes.
        why_words: Why WordNet ids are no names, with a full stop.

    Raises:
        InputError: If all are splits, or all are WordNet ids.
    """
    if _SPLITS.issuperset(name.casefold() for name in names):
        raise InputError(
            f"{folders} must be classes, got the splits {', '.join(names)}. Give one of them, e.g. "
            f"'{root / names[0]}'."
        )
    if all(is_wordnet_id(name) for name in names):
        raise InputError(
            f"{folders} must be class names in words, got WordNet ids such as '{names[0]}'. Rename "
            f"them; {why_words}"
        )


def is_wordnet_id(text: str) -> bool:
    """Whether ``text`` is the id of a noun: ``n01440764``."""
    return _WORDNET_ID.fullmatch(text) is not None
