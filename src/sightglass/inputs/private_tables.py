"""Tables on disk for what must be known of every file of a run, however many there are."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterable, Iterator
from typing import Any

from sightglass.errors import ResultsError

# What SQLite keeps of one such file in memory. The rest is the system's to keep or to write out.
_CACHE_KILOBYTES = 512
_ROWS_AT_A_TIME = 500


class PrivateTables:
    """An SQLite database of our own that lives in a temporary file and vanishes with this object.

    The file has no name that another program could open, and a crash leaves nothing behind. What
    fits into half a megabyte never reaches the disk.

    Args:
        tables: The statements that make them.

    Raises:
        ResultsError: From every method, if the temporary file cannot be written.
    """

    def __init__(self, tables: str) -> None:
        # "" is SQLite's name for a private temporary file.
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._connection.close)
        self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KILOBYTES}")
        self._connection.execute("PRAGMA journal_mode = OFF")  # nothing is ever rolled back
        self._connection.executescript(tables)

    def execute(self, statement: str, values: tuple[object, ...] = ()) -> int:
        """Run one statement; how many rows it changed."""
        try:
            return self._connection.execute(statement, values).rowcount
        except sqlite3.Error as error:
            raise _no_room(error) from error

    def execute_for_each(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Run one statement for each of ``rows``, which are taken one by one."""
        try:
            self._connection.execute("BEGIN")
            try:
                self._connection.executemany(statement, rows)
            finally:
                if self._connection.in_transaction:  # a full disk has ended it
                    self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise _no_room(error) from error

    def one(self, query: str, values: tuple[object, ...] = ()) -> Any:
        """The first row of the answer, or None."""
        try:
            return self._connection.execute(query, values).fetchone()
        except sqlite3.Error as error:
            raise _no_room(error) from error

    def each(self, query: str, values: tuple[object, ...] = ()) -> Iterator[Any]:
        """The rows of the answer, a few hundred in memory at once.

        The tables that it reads must not change meanwhile.
        """
        try:
            found = self._connection.execute(query, values)
            while rows := found.fetchmany(_ROWS_AT_A_TIME):
                yield from rows
        except sqlite3.Error as error:
            raise _no_room(error) from error


def no_temporary_file(error: Exception, *, variable: str) -> ResultsError:
    """What to say where a temporary file cannot be written; ``variable`` names its folder."""
    return ResultsError(
        f"Temporary files: room for some is needed, but: {error}. Free some space, or name another "
        f"folder in the environment variable {variable}, and run again: nothing computed is lost."
    )


def _no_room(error: sqlite3.Error) -> ResultsError:
    return no_temporary_file(error, variable="SQLITE_TMPDIR")
