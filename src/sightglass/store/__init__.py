"""What was computed once is never computed again: embeddings, thumbnails and texts in one file.

SQLite with a write-ahead log. Pictures are known by the hash of their bytes, so a moved or copied
file costs a read but no decode; paths are known with size and modification time, so an unchanged
file is not even read. Failures are never remembered: a repaired file, permission or codec is
noticed on the next run.

Nothing that is read from the file is taken on trust: every row has a checksum, and a file that
cannot be read is set aside and begun anew with all of it that is whole.
"""

from __future__ import annotations

from sightglass.store.layout import APPLICATION, LAYOUT
from sightglass.store.opening import DEFAULT_STORE, default_store_path, open_store
from sightglass.store.pictures import KnownPicture, StoredPicture
from sightglass.store.store import Store

__all__ = [
    "APPLICATION",
    "DEFAULT_STORE",
    "LAYOUT",
    "KnownPicture",
    "Store",
    "StoredPicture",
    "default_store_path",
    "open_store",
]
