"""The sha256 of files of weights: hundreds of megabytes, hashed again only where they changed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from pathlib import Path

from sightglass.cache_folder import cache_folder
from sightglass.errors import ResultsError
from sightglass.whole_files import put_bytes

# Below this, in bytes, hashing takes as long as looking it up.
_LARGE = 16_000_000
# A file that changed a moment ago may change again without a new time.
_SETTLED_NS = 2_000_000_000
_DIGEST = re.compile("[0-9a-f]{64}")


def sha256_of(path: Path, *, large: int = _LARGE) -> str:
    """Hex digest of a file's bytes.

    That of a large file is remembered in the user's cache folder, with the file's size, place on
    the disk and times. One of these the system itself sets when the file is written (not on
    Windows), so that it is noticed even where size and date were put back. A program that has the
    file mapped into its memory and goes on changing it there is not noticed. Where nothing can be
    written in the folder, the file is hashed each time.

    Args:
        path: The file.
        large: In bytes, from which it is remembered.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as stream:
        stamp = _stamp(os.fstat(stream.fileno()))
        kept = _kept_in(path) if stamp["size"] >= large else None
        if kept is None:
            return hashlib.file_digest(stream, "sha256").hexdigest()
        found = _remembered(kept, stamp)
        if found is not None:
            return found
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        after = _stamp(os.fstat(stream.fileno()))
    last_change = max(stamp["mtime_ns"], stamp["ctime_ns"])
    if after == stamp and last_change < time.time_ns() - _SETTLED_NS:
        _remember(kept, {**stamp, "sha256": digest})
    return digest


def _stamp(status: os.stat_result) -> dict[str, int]:
    return {
        "device": status.st_dev,
        "inode": status.st_ino,
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "ctime_ns": status.st_ctime_ns,
    }


def _kept_in(path: Path) -> Path | None:
    """Where the digest of this file is remembered; None where there is no such place."""
    try:
        name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]
        return cache_folder() / "weights" / f"{name}.json"
    except RuntimeError:  # nobody's home folder is known
        return None


def _remembered(kept: Path, stamp: dict[str, int]) -> str | None:
    """The digest of a file that still has this stamp; None also where the note is damaged."""
    try:
        if not kept.is_file():  # nor a pipe that would be waited for
            return None
        note = json.loads(kept.read_bytes())
        digest = str(note.pop("sha256"))
        same = note == stamp
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None
    return digest if same and _DIGEST.fullmatch(digest) else None


def _remember(kept: Path, note: dict[str, int | str]) -> None:
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        put_bytes(kept, json.dumps(note).encode())
    except (OSError, ResultsError):  # a read-only home, a full disk: it is hashed next time
        return
