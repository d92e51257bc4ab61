"""Rows of the store whose bytes are not those that were saved: never another row, never a crash."""

from __future__ import annotations

import functools
import sqlite3
import struct
import warnings
from contextlib import suppress
from typing import Any

import numpy as np

from harness import Harness, scratch
from sightglass.encoders.embeddings import Embeddings
from sightglass.store import Store, StoredPicture

_CONTENT = b"c" * 32
_FINGERPRINT = "0" * 32
_ROW = np.full((1, 4), 0.5, np.float32)
_NORM = 2.5
_WIDTH = 7
_THUMBNAIL = b"\xff\xd8\xff\xd9"
_SAVED: dict[tuple[str, str], Any] = {
    ("embeddings", "row"): _ROW.tobytes(),
    ("embeddings", "norm"): _NORM,
    ("texts", "row"): _ROW.tobytes(),
    ("texts", "norm"): _NORM,
    ("pictures", "width"): _WIDTH,
    ("pictures", "thumbnail"): _THUMBNAIL,
}
_KINDS = 4


def one_input(data: bytes) -> None:
    """The first byte says which column of one row is overwritten, and with what kind of value."""
    if not data:
        return
    store, connection = _opened()
    (table, column), saved = list(_SAVED.items())[data[0] % len(_SAVED)]
    value = _value(data[0] // len(_SAVED) % _KINDS, data[1:])
    _save(store)
    with suppress(sqlite3.IntegrityError):  # a type that the table does not take
        connection.execute(f"UPDATE {table} SET {column} = ?", (value,))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*damaged rows", UserWarning)
            _check(store, changed=not _same(value, saved))
    _save(store)
    _check(store, changed=False)


def _check(store: Store, *, changed: bool) -> None:
    known = store.known(_CONTENT, fingerprint=_FINGERPRINT)
    assert known is not None or changed, "a row that was not changed is not known any more"
    if known is not None:
        assert np.array_equal(known.row, _ROW[0]), "another row than was saved"
        assert known.norm == _NORM, "another norm than was saved"
        assert known.width == _WIDTH, "another width than was saved"
    texts = store.texts(["a cat"], fingerprint=_FINGERPRINT)
    assert texts or changed, "a text that was not changed is not known any more"
    for row, norm in texts.values():
        assert np.array_equal(row, _ROW[0]), "another row of a text than was saved"
        assert norm == _NORM, "another norm of a text than was saved"
    thumbnail = store.thumbnail(_CONTENT)
    assert thumbnail in (None, _THUMBNAIL), "another thumbnail than was saved"


def _save(store: Store) -> None:
    rows = Embeddings(rows=_ROW, fingerprint=_FINGERPRINT, norms=np.array([_NORM], np.float32))
    picture = StoredPicture(content=_CONTENT, width=_WIDTH, height=5, thumbnail=_THUMBNAIL)
    store.save_batch([picture], rows, [])
    store.save_texts(["a cat"], rows)


@functools.cache
def _opened() -> tuple[Store, sqlite3.Connection]:
    path = scratch() / "rows.sqlite"
    return Store(path), sqlite3.connect(path, isolation_level=None)


def _value(kind: int, data: bytes) -> Any:
    if kind == 0:
        return data
    if kind == 1:
        return data.decode("utf-8", "replace")
    if kind == 2:
        return struct.unpack("<d", data[:8].ljust(8, b"\0"))[0]
    return int.from_bytes(data[:8], "little", signed=True)


def _same(value: Any, saved: Any) -> bool:
    return type(value) is type(saved) and bool(value == saved)


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [
        bytes([number]) + content
        for number in range(len(_SAVED) * _KINDS)
        for content in (_ROW.tobytes(), b"\0\0\xc0\x7f" * 4, b"\xff\xd8\xff")
    ],
    longest=64,
)
