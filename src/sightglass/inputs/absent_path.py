"""What to do about a path that does not exist."""

from __future__ import annotations

import os
from collections.abc import Callable

from sightglass.errors import closest


def advice_on_absent(
    path: str | os.PathLike[str], *, fits: Callable[[str], bool] | None = None
) -> str:
    """A sentence that names what lies beside ``path`` and is called most like it, if anything is.

    Args:
        path: Does not exist; neither need its folder.
        fits: Given the path of something beside it, whether that could be meant; by default
            anything could.
    """
    parent, name = os.path.split(os.fspath(path).rstrip(os.sep))
    try:
        beside = sorted(os.listdir(parent or os.curdir))  # noqa: PTH208
    except (OSError, ValueError):
        beside = []
    # Joined as text: a Path would drop the "./" that the person wrote.
    near = closest(name, [one for one in beside if not fits or fits(os.path.join(parent, one))])  # noqa: PTH118
    if near is None:
        return "Check the path."
    return f"Did you mean '{os.path.join(parent, near)}'?"  # noqa: PTH118
