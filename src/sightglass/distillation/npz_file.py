"""Arrays of a .npz file, whose every kind of damage is one error."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sightglass.errors import reason


def npz_arrays(path: Path, *keys: str) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """The arrays with these keys, as far as they are there, and all keys of the file.

    Nothing pickled is opened.

    Raises:
        ValueError: If the file cannot be read, is another kind of file, or is torn or damaged; says
            why on one line.
    """
    try:
        # Opened here: numpy leaves open what it cannot make sense of.
        with path.open("rb") as stream:
            stored = np.load(stream, allow_pickle=False)
            if isinstance(stored, np.ndarray):
                raise TypeError("one array, no archive of arrays")
            with stored:
                known = tuple(stored.files)
                return {key: _array(stored[key], key) for key in keys if key in known}, known
    except Exception as error:  # any of a dozen types, by the kind of damage
        raise ValueError(reason(error).rstrip(".")) from error


def _array(member: object, key: str) -> np.ndarray:
    """The member, which numpy gives as bytes where it does not begin as an array does."""
    if not isinstance(member, np.ndarray):
        raise TypeError(f"'{key}' in it is no array")
    return member
