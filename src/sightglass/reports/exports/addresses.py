"""Where a tool will look for a picture: relative to a folder that it knows, or at a URL."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

from sightglass.errors import InputError


def below(place: str, root: Path) -> str:
    """``place`` relative to ``root``, with forward slashes.

    Args:
        place: An absolute path.
        root: A folder above it; links are not followed.

    Raises:
        InputError: If it lies elsewhere.
    """
    top = os.path.abspath(root)
    if not PurePath(place).is_relative_to(top):
        raise InputError(
            f"{place}: every picture must lie in the folder of --root, this one is not in "
            f"'{top}'. Name a folder above all pictures."
        )
    return PurePath(place).relative_to(top).as_posix()
