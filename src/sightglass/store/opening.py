"""Which file the store lies in: one that was named, the user's own, or none that stays."""

from __future__ import annotations

import warnings
from pathlib import Path

from sightglass.cache_folder import cache_folder
from sightglass.errors import InputError
from sightglass.store.store import Store

DEFAULT_STORE = "default"


def default_store_path() -> Path:
    """``store.sqlite`` in the user's cache folder.

    Raises:
        RuntimeError: If nobody's home folder is known.
    """
    return cache_folder() / "store.sqlite"


def open_store(store: str | Path | None) -> Store:
    """The store in this file; ``"default"`` is the user's own, None a temporary one.

    Where the user's own cannot be written (a read-only home, a container), a warning says so and
    nothing is remembered: that is no reason not to classify.

    Raises:
        InputError: If a named file cannot be opened for writing.
    """
    if store != DEFAULT_STORE:
        return Store(None if store is None else Path(store))
    try:
        return Store(default_store_path(), renew=True)
    except (InputError, RuntimeError) as error:  # RuntimeError: nobody's home folder is known
        warnings.warn(f"{error} Nothing is remembered in this run.", stacklevel=3)
        return Store(None)
