"""One open store: looked up by threads, written by batches, begun anew where it is damaged."""

from __future__ import annotations

import os
import sqlite3
import threading
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from sightglass.encoders.embeddings import Embeddings
from sightglass.inputs.remote import is_url, local_path
from sightglass.inputs.url_secrets import unsigned
from sightglass.store.damage import broken, cannot_open
from sightglass.store.layout import connect
from sightglass.store.pictures import KnownPicture, StoredPicture
from sightglass.store.row_checks import fits, path_crc
from sightglass.store.saved_rows import SavedRow, embedding_rows, picture_rows, text_key
from sightglass.store.store_file import StoreFile

if TYPE_CHECKING:
    from jaxtyping import Float

T = TypeVar("T")

_LARGEST = 2**63 - 1  # SQLite's; a file system may date a file after the year 2262


class Store:
    """One open store. Safe from several threads, several processes, and a kill at any moment.

    A file that is damaged, or of another layout, is renamed, with a warning, and begun anew with
    the rows of it that are whole; also when that shows in the middle of a run. Where that is cut
    off, the next to open the store goes on with it. A file that somebody renames or deletes in the
    middle of a run is left by the next batch, for the file that has its name by then, or a new one.
    A row that does not fit its checksum counts as not known; the first of them is said.

    Args:
        path: The file, made if absent; None keeps everything in a temporary file that vanishes
            with the process.
        renew: Whatever lies there may be renamed. Otherwise what this package did not make is
            refused and left alone: a file that a person named may be something else.

    Attributes:
        path: As given.
        damaged: How many rows were met that did not fit their checksum.

    Raises:
        InputError: If the file cannot be written, or is something else.
        StoreError: If the disk is full.
    """

    def __init__(self, path: Path | None, *, renew: bool = False) -> None:
        self.path = path
        self.damaged = 0
        self._lock = threading.Lock()
        self._file = None if path is None else StoreFile(path)
        try:
            self._connection = connect("") if self._file is None else self._file.opened(renew=renew)
        except (OSError, sqlite3.Error) as error:
            raise cannot_open(path, error) from error

    def close(self) -> None:
        """Close the file. What was saved stays."""
        with self._lock:
            self._connection.close()

    def has_path(self, path: str) -> bool:
        """Whether a stamp of ``path`` is remembered, whichever it is."""
        return self._one("SELECT 1 FROM paths WHERE path = ?", (_key(path),)) is not None

    def known_content(self, path: str, *, size: int, mtime_ns: int) -> bytes | None:
        """The content hash of ``path`` if it was read before and its stamp has not changed.

        A file that was changed and whose size and time were then put back is taken for unchanged,
        as rsync and make take it.
        """
        if abs(mtime_ns) > _LARGEST:
            return None
        key = _key(path)
        found = self._one(
            "SELECT content, crc FROM paths WHERE path = ? AND size = ? AND mtime_ns = ?",
            (key, size, mtime_ns),
        )
        if found is None:
            return None
        content, crc = found
        if fits("paths", key, size, mtime_ns, content, crc):
            known: bytes = content
            return known
        self._forget("paths", path=key)
        return None

    def known(self, content: bytes, *, fingerprint: str) -> KnownPicture | None:
        """This encoder's row of the picture with this content, exactly as it was saved."""
        found = self._one(
            "SELECT row, norm, crc, width, height, size_crc FROM embeddings"
            " JOIN pictures USING (content) WHERE fingerprint = ? AND content = ?",
            (fingerprint, content),
        )
        if found is None:
            return None
        row, norm, crc, width, height, picture_crc = found
        if not fits("pictures: size", content, width, height, picture_crc):
            self._forget("pictures", content=content)
            return None
        if not fits("embeddings", fingerprint.encode(), content, row, norm, crc):
            self._forget("embeddings", fingerprint=fingerprint, content=content)
            return None
        return KnownPicture(row=np.frombuffer(row, "<f4"), norm=norm, width=width, height=height)

    def thumbnail(self, content: bytes) -> bytes | None:
        """JPEG bytes of the picture with this content hash.

        None also where they are damaged; the picture is then decoded anew by the next run.
        """
        found = self._one(
            "SELECT thumbnail, thumbnail_crc FROM pictures WHERE content = ?", (content,)
        )
        if found is None:
            return None
        thumbnail, crc = found
        if fits("pictures: thumbnail", content, crc, thumbnail):
            known: bytes = thumbnail
            return known
        self._forget("pictures", content=content)
        return None

    def texts(
        self, texts: Sequence[str], *, fingerprint: str
    ) -> dict[str, tuple[Float[np.ndarray, " dim"], float]]:
        """The stored rows, and their norms, of those ``texts`` that are known."""
        found = {}
        for text in texts:
            key = text_key(text)
            kept = self._one(
                "SELECT row, norm, crc FROM texts WHERE fingerprint = ? AND text = ?",
                (fingerprint, key),
            )
            if kept is None:
                continue
            row, norm, crc = kept
            if fits("texts", fingerprint.encode(), key, row, norm, crc):
                found[text] = (np.frombuffer(row, "<f4"), norm)
            else:
                self._forget("texts", fingerprint=fingerprint, text=key)
        return found

    def save_texts(self, texts: Sequence[str], embeddings: Embeddings) -> None:
        """Remember the rows of ``texts``."""
        rows = embedding_rows([text_key(text) for text in texts], embeddings)
        self._in_one_transaction({"INSERT OR IGNORE INTO texts VALUES (?, ?, ?, ?, ?)": rows})

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
        stamped = [
            (_key(path), size, mtime_ns, content)
            for path, size, mtime_ns, content in paths
            if abs(mtime_ns) <= _LARGEST
        ]
        self._in_one_transaction(
            {
                "INSERT OR IGNORE INTO pictures VALUES (?, ?, ?, ?, ?, ?)": picture_rows(pictures),
                "INSERT OR IGNORE INTO embeddings VALUES (?, ?, ?, ?, ?)": embedding_rows(
                    [one.content for one in pictures], embeddings
                ),
                "INSERT OR REPLACE INTO paths VALUES (?, ?, ?, ?, ?)": [
                    (*one, path_crc(*one)) for one in stamped
                ],
            }
        )

    def _one(self, statement: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        def look_up(connection: sqlite3.Connection) -> tuple[Any, ...] | None:
            found: tuple[Any, ...] | None = connection.execute(statement, values).fetchone()
            return found

        return self._use(look_up)

    def _in_one_transaction(self, rows: dict[str, list[SavedRow]]) -> None:
        def write(connection: sqlite3.Connection) -> None:
            # SQLite would go on to write into a file that has another name, or none, by now.
            if self._file is not None and self._file.is_gone():
                raise sqlite3.OperationalError("it was renamed or deleted")
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                for statement, values in rows.items():
                    connection.executemany(statement, values)

        self._use(write)

    def _forget(self, table: str, **key: object) -> None:
        """Delete a damaged row, so that what is made anew can be saved in its place."""
        with self._lock:
            self.damaged += 1
            first = self.damaged == 1
        where = " AND ".join(f"{column} = ?" for column in key)
        self._in_one_transaction({f"DELETE FROM {table} WHERE {where}": [tuple(key.values())]})
        if first:
            warnings.warn(
                f"store: {self.path} holds damaged rows. Each that is met is made anew.",
                stacklevel=3,
            )

    def _use(self, action: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock:
            try:
                return action(self._connection)
            except (sqlite3.Error, UnicodeDecodeError) as error:
                file = self._file
                # Another run may have put the file aside, or somebody deleted it.
                if file is None or not (file.is_gone() or file.is_damaged(error)):
                    raise broken(self.path, error) from error
                self._connection.close()
                try:
                    self._connection = file.begun_anew(error)
                    return action(self._connection)
                except (OSError, sqlite3.Error) as again:
                    raise broken(self.path, again) from again


def _key(path: str) -> bytes:
    """Absolute, as bytes: names that are not valid text are names all the same; or the URL."""
    if is_url(path):
        here = local_path(path)
        if here is None:
            return unsigned(path).encode("utf-8", "surrogatepass")
        path = here
    return os.fsencode(os.path.abspath(path))
