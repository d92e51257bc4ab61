"""The tables of the store, and how a file that holds them is opened."""

from __future__ import annotations

import sqlite3
import time

APPLICATION = 0x53474C53  # "SGLS": says that a file is ours before anything is written to it
LAYOUT = 3  # raise when the tables change: an older file is set aside, not misread
BUSY_SECONDS = 60.0
# Python's module quotes damaged table names in its errors, and cannot always.
UNREADABLE = "a name in it is no text"

# Each row ends with, or has before its one long value, the checksum of all the rest of it.
TABLES = {
    "pictures": """CREATE TABLE pictures (
    content BLOB PRIMARY KEY, width INTEGER NOT NULL, height INTEGER NOT NULL,
    size_crc INTEGER NOT NULL, thumbnail_crc INTEGER NOT NULL,
    thumbnail BLOB NOT NULL) WITHOUT ROWID""",
    "paths": """CREATE TABLE paths (
    path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    content BLOB NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID""",
    "embeddings": """CREATE TABLE embeddings (
    fingerprint TEXT NOT NULL, content BLOB NOT NULL, row BLOB NOT NULL, norm REAL NOT NULL,
    crc INTEGER NOT NULL, PRIMARY KEY (fingerprint, content)) WITHOUT ROWID""",
    "texts": """CREATE TABLE texts (
    fingerprint TEXT NOT NULL, text BLOB NOT NULL, row BLOB NOT NULL, norm REAL NOT NULL,
    crc INTEGER NOT NULL, PRIMARY KEY (fingerprint, text)) WITHOUT ROWID""",
}


class NotThisLayoutError(sqlite3.DatabaseError):
    """A database that can be read, and is not what this version keeps its rows in."""


class OtherVersionError(NotThisLayoutError):
    """A store, of a version of this package that keeps its rows in other tables."""


def connect(name: str) -> sqlite3.Connection:
    """The store in this file, its tables made where there are none.

    Args:
        name: A path; the empty name is SQLite's for a private temporary file.

    Raises:
        NotThisLayoutError: If the database holds something else.
        sqlite3.Error: If SQLite cannot use the file.
    """
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        connection = sqlite3.connect(
            name, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection)
        except sqlite3.OperationalError as error:
            connection.close()
            # Two that begin one file at once: SQLite tells one of them so without waiting.
            if kind_of(error) != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.02)
        except UnicodeDecodeError as error:
            connection.close()
            raise NotThisLayoutError(UNREADABLE) from error
        except BaseException:
            connection.close()
            raise
        else:
            return connection


def kind_of(error: Exception) -> int:
    """SQLite's number for the kind of error; 0 for one that Python's module made itself."""
    return code_of(error) & 0xFF


def code_of(error: Exception) -> int:
    """The same to the last detail."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code


def _prepare(connection: sqlite3.Connection) -> None:
    # Text as bytes: a damaged name is looked at like any other, not refused by a decoder.
    connection.text_factory = bytes
    found = {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master")}
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (layout,) = connection.execute("PRAGMA user_version").fetchone()
    if application not in {0, APPLICATION} or (found and not application):
        raise NotThisLayoutError("a database of something else")
    if found and layout != LAYOUT:
        raise OtherVersionError(f"its layout is {layout}, this version's is {LAYOUT}")
    if found and not found.issuperset(table.encode() for table in TABLES.values()):
        raise NotThisLayoutError("its tables are not as they were made")
    if not application:
        # In the file itself before there is a log: a damaged file must still be known as ours.
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute("PRAGMA journal_mode = WAL")
    # With a write-ahead log NORMAL can lose the last commits on a power cut, never consistency.
    connection.execute("PRAGMA synchronous = NORMAL")
    made = "; ".join(
        table.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS") for table in TABLES.values()
    )
    # Also where all is there: who may not write shall know it before hours of work.
    connection.executescript(f"BEGIN IMMEDIATE; {made}; PRAGMA user_version = {LAYOUT}; COMMIT;")
