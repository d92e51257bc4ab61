"""A digest of a large file that reads little of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sightglass.errors import InputError

_ENDS = 1 << 16


def digest_of_ends(path: Path) -> bytes:
    """SHA-256 of the file's size, its first and its last 64 KiB.

    Raises:
        InputError: If the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_ENDS)
            size = file.seek(0, 2)
            file.seek(max(0, size - _ENDS))
            tail = file.read()
    except OSError as error:
        raise InputError(
            f"{path}: must be readable, but is not ({error.strerror or error}). Put it back or "
            f"check its permissions."
        ) from error
    return hashlib.sha256(size.to_bytes(8, "big") + head + tail).digest()
