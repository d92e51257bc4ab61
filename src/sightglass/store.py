"""What was computed once is never computed again: embeddings, thumbnails and texts in one file.

SQLite with a write-ahead log. Pictures are known by the hash of their bytes, so a moved or copied
file costs a read but no decode; paths are known with size and modification time, so an unchanged
file is not even read. Failures are never remembered: a repaired file, permission or codec is
noticed on the next run.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightglass.encoders.embeddings import Embeddings
from sightglass.errors import InputError, StoreError

if TYPE_CHECKING:
    from jaxtyping import Float

DEFAULT_STORE = "default"
APPLICATION = 0x53474C53  # "SGLS": says that a file is ours before anything is written to it
LAYOUT = 2  # raise when the tables change: an older file is set aside, not misread
BUSY_SECONDS = 60.0

_TABLES = """
CREATE TABLE IF NOT EXISTS pictures (
    content BLOB PRIMARY KEY, width INTEGER NOT NULL, height INTEGER NOT NULL,
    thumbnail BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS paths (
    path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    content BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS embeddings (
    fingerprint TEXT NOT NULL, content BLOB NOT NULL, row BLOB NOT NULL, norm REAL NOT NULL,
    PRIMARY KEY (fingerprint, content)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS texts (
    fingerprint TEXT NOT NULL, text BLOB NOT NULL, row BLOB NOT NULL, norm REAL NOT NULL,
    PRIMARY KEY (fingerprint, text)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownPicture:
    """What one encoder made of a picture, and the picture's upright size in pixels.

    Attributes:
        row: Unit length.
        norm: How long the network's row was.
        width: Pixels, upright.
        height: Pixels, upright.
    """

    row: Float[np.ndarray, " dim"]
    norm: float
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPicture:
    """What is kept of a picture whatever the encoder.

    Attributes:
        content: Hash of the file's bytes.
        width: Pixels, upright.
        height: Pixels, upright.
        thumbnail: JPEG bytes.
    """

    content: bytes
    width: int
    height: int
    thumbnail: bytes


def default_store_path() -> Path:
    """``sightglass/store.sqlite`` in the user's cache folder, as the platform has it."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "sightglass" / "store.sqlite"


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


class Store:
    """One open store. Safe from several threads, several processes, and a kill at any moment.

    Args:
        path: The file, made if absent; None keeps everything in a temporary file that vanishes
            with the process.
        renew: A file that is damaged, or of another layout, is renamed, with a warning, and begun
            anew. Otherwise it is refused: a file that a person named may be something else.

    Raises:
        InputError: If the file cannot be written, or is no store of this layout.
    """

    def __init__(self, path: Path | None, *, renew: bool = False) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection = self._open(path, renew)

    def _open(self, path: Path | None, renew: bool) -> sqlite3.Connection:
        try:
            if path is None:
                return _connect("")  # SQLite's name for a private temporary file
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                return _connect(str(path))
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                if not renew:
                    raise InputError(
                        f"store: {path} is damaged, or is not a store of this version ({error}). "
                        f"Move it away, or choose another file with --store."
                    ) from error
                aside = _set_aside(path)
                warnings.warn(
                    f"store: {path} was damaged, or of another version ({error}). It is kept as "
                    f"{aside.name}; a new one begins.",
                    stacklevel=4,
                )
                return _connect(str(path))
        except (OSError, sqlite3.Error) as error:
            raise InputError(
                f"store: {path} cannot be opened for writing ({error}). "
                f"Choose another file with --store."
            ) from error

    def close(self) -> None:
        """Close the file. What was saved stays."""
        with self._lock:
            self._connection.close()

    def known_content(self, path: str, *, size: int, mtime_ns: int) -> bytes | None:
        """The content hash of ``path`` if it was read before and its stamp has not changed."""
        found = self._one(
            "SELECT content FROM paths WHERE path = ? AND size = ? AND mtime_ns = ?",
            (_key(path), size, mtime_ns),
        )
        return None if found is None else found[0]

    def known(self, content: bytes, *, fingerprint: str) -> KnownPicture | None:
        """This encoder's row of the picture with this content, exactly as it was saved."""
        found = self._one(
            "SELECT row, norm, width, height FROM embeddings JOIN pictures USING (content)"
            " WHERE fingerprint = ? AND content = ?",
            (fingerprint, content),
        )
        if found is None:
            return None
        row, norm, width, height = found
        return KnownPicture(row=np.frombuffer(row, "<f4"), norm=norm, width=width, height=height)

    def thumbnail(self, content: bytes) -> bytes | None:
        """JPEG bytes of the picture with this content hash."""
        found = self._one("SELECT thumbnail FROM pictures WHERE content = ?", (content,))
        return None if found is None else found[0]

    def texts(
        self, texts: Sequence[str], *, fingerprint: str
    ) -> dict[str, tuple[Float[np.ndarray, " dim"], float]]:
        """The stored rows, and their norms, of those ``texts`` that are known."""
        found = {}
        for text in texts:
            row = self._one(
                "SELECT row, norm FROM texts WHERE fingerprint = ? AND text = ?",
                (fingerprint, _text_key(text)),
            )
            if row is not None:
                found[text] = (np.frombuffer(row[0], "<f4"), row[1])
        return found

    def save_texts(
        self,
        texts: Sequence[str],
        embeddings: Embeddings,
    ) -> None:
        """Remember the rows of ``texts``."""
        fingerprint = embeddings.fingerprint
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO texts VALUES (?, ?, ?, ?)",
                [
                    (fingerprint, _text_key(text), _blob(row), float(norm))
                    for text, row, norm in zip(
                        texts, embeddings.rows, embeddings.norms, strict=True
                    )
                ],
            )

    def save_batch(
        self,
        pictures: Sequence[StoredPicture],
        embeddings: Embeddings,
        paths: Iterable[tuple[str, int, int, bytes]],
    ) -> None:
        """Remember one batch in one transaction: all of it is there after a crash, or nothing.

        Args:
            pictures: The pictures that were decoded.
            embeddings: Their rows, in the same order.
            paths: (path, size, mtime_ns, content hash) of the files whose stamp can be trusted.
        """
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO pictures VALUES (?, ?, ?, ?)",
                [(p.content, p.width, p.height, p.thumbnail) for p in pictures],
            )
            connection.executemany(
                "INSERT OR IGNORE INTO embeddings VALUES (?, ?, ?, ?)",
                [
                    (embeddings.fingerprint, picture.content, _blob(row), float(norm))
                    for picture, row, norm in zip(
                        pictures, embeddings.rows, embeddings.norms, strict=True
                    )
                ],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO paths VALUES (?, ?, ?, ?)",
                [(_key(path), size, mtime_ns, content) for path, size, mtime_ns, content in paths],
            )

    def _one(self, statement: str, values: tuple[object, ...]) -> Any:
        with self._lock, self._explained():
            return self._connection.execute(statement, values).fetchone()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._explained(), self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"store: {self.path} cannot be used any more ({error}). What was saved before is "
                f"kept. Free some space, or choose another file with --store, and run again."
            ) from error


def _connect(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        name, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (layout,) = connection.execute("PRAGMA user_version").fetchone()
        if tables and (application, layout) != (APPLICATION, LAYOUT):
            raise sqlite3.DatabaseError("a database of something else")
        connection.execute("PRAGMA journal_mode = WAL")
        # With a write-ahead log NORMAL can lose the last commits on a power cut, never consistency.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(
            f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id = {APPLICATION};"
            f"PRAGMA user_version = {LAYOUT}; COMMIT;"
        )
    except BaseException:
        connection.close()
        raise
    return connection


def _set_aside(path: Path) -> Path:
    """Rename the file, and its log with it: together they are what can still be recovered."""
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    path.replace(aside)
    for suffix in ("-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.replace(aside.with_name(aside.name + suffix))
    return aside


def _key(path: str) -> bytes:
    """Absolute, as bytes: names that are not valid text are names all the same."""
    return os.fsencode(os.path.abspath(path))


def _blob(row: Float[np.ndarray, " dim"]) -> bytes:
    return np.ascontiguousarray(row, dtype="<f4").tobytes()


def _text_key(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
