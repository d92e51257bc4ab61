"""Paths that a file names within its own folder: a record, a card, a ledger."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

_DRIVE = re.compile(r"[A-Za-z]:")


def is_inner(written: str) -> bool:
    """Whether ``written`` is a path with forward slashes that stays in the folder it starts from.

    The same on every system: what another one takes for a drive or a separator is refused too.
    """
    named = PurePosixPath(written)
    return (
        bool(named.parts)
        and not named.is_absolute()
        and ".." not in named.parts
        and "\\" not in written
        and "\0" not in written
        and _DRIVE.match(written) is None
    )


def stays_within(path: Path, folder: Path) -> bool:
    """Whether ``path`` is in ``folder`` once links are followed; ``folder`` may be one itself."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a loop of links, a name that none can have
        return False
