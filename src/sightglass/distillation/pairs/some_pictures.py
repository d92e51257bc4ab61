"""A digest of many picture files that reads some of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from sightglass.errors import PictureError
from sightglass.inputs.file_bytes import read_bytes
from sightglass.inputs.spreading import evenly_spread

_LOOKED_AT = 256


def hashes_of_some(n: int, path_of: Callable[[int], str | Path]) -> bytes:
    """SHA-256 of 256 of ``n`` files, evenly spread; for what cannot be read, the word why.

    Args:
        n: How many files there are.
        path_of: The path of each, by its number.
    """
    hashes = []
    for index in evenly_spread(n, _LOOKED_AT).tolist():
        try:
            hashes.append(hashlib.sha256(read_bytes(path_of(index))[0]).digest())
        except PictureError as error:
            hashes.append(error.status.encode())
    return b"".join(hashes)
