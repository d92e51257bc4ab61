"""Stamps of objects far away: which version it is, as each kind of server says it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from sightglass.inputs.file_stamp import FileStamp

# What file systems call an object's version, and its last change, in the order in which they count.
_VERSIONS = ("etag", "md5hash", "content-md5", "md5", "generation", "blob_id", "versionid")
_CHANGES = ("last-modified", "lastmodified", "last_modified", "mtime", "modified", "updated")
_CREATED = "created"  # where objects are only ever replaced as a whole this is the last change too
_BEYOND = 1 << 63  # SQLite's whole numbers are smaller
_GRAIN_SECONDS = 2.0  # web servers give the last change in whole seconds


def stamp_from(facts: Mapping[str, Any]) -> FileStamp | None:
    """The stamp of an object, from what its server says of it; None if that tells no version.

    Args:
        facts: HTTP headers, or what fsspec's ``info`` returns; names in any case.
    """
    named = {str(name).lower(): value for name, value in facts.items() if value not in (None, "")}
    version = next((named[name] for name in _VERSIONS if name in named), None)
    change = next((named[name] for name in (*_CHANGES, _CREATED) if name in named), None)
    given_size = named.get("size", named.get("content-length"))
    size = int(given_size or 0)
    if (version is None and change is None) or not 0 <= size < _BEYOND:
        return None
    number = hashlib.sha256(f"{version}\0{change}".encode()).digest()
    age = time.time() - _seconds(change)
    return FileStamp(
        size=size,
        mtime_ns=int.from_bytes(number[:8]) % _BEYOND,
        # A time alone, in whole seconds and without a size, tells too little.
        settled=not (0 <= age < _GRAIN_SECONDS or (version is None and given_size is None)),
    )


def passing_stamp(data: bytes) -> FileStamp:
    """The stamp of what nobody can be asked about again: it is not remembered."""
    return FileStamp(size=len(data), mtime_ns=0, settled=False)


def _seconds(change: Any) -> float:
    """A last change in seconds since 1970, however it is given; 0.0 where that is not known."""
    try:
        if isinstance(change, datetime):
            return change.timestamp()
        if isinstance(change, str):
            if change[:4].isdigit():
                return datetime.fromisoformat(change).timestamp()
            return parsedate_to_datetime(change).timestamp()
        return float(change)
    except (TypeError, ValueError, OverflowError, OSError):
        return 0.0
