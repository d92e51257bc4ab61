"""The check of a count, an index or a seed."""

from __future__ import annotations

import numpy as np

from sightglass.errors import InputError


def check_whole(value: float, *, where: str, name: str, least: int) -> None:
    """Raise InputError unless ``value`` is a whole number of at least ``least``."""
    if not isinstance(value, (int, np.integer)) or value < least:
        raise InputError(
            f"{where}: {name} must be a whole number of at least {least}, got {value}."
        )
