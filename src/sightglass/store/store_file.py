"""The file of a store: opened, seen to be there, and begun anew where it is damaged."""

from __future__ import annotations

import sqlite3
import warnings
from contextlib import ExitStack
from pathlib import Path

from sightglass.errors import InputError
from sightglass.store.damage import (
    FileId,
    file_id,
    is_ours,
    keep,
    set_aside,
    shows_damage,
    unread,
    what_it_was,
)
from sightglass.store.layout import connect
from sightglass.store.salvage import salvage
from sightglass.store.turns import one_at_a_time


class StoreFile:
    """A file that may be renamed, deleted or damaged at any moment, by this run or another.

    Args:
        path: The file, made if absent.
    """

    def __init__(self, path: Path) -> None:
        self._name = path  # as given, for messages
        self._path = path.absolute()  # wherever the process goes meanwhile
        self._file: FileId | None = None

    def opened(self, *, renew: bool) -> sqlite3.Connection:
        """A connection to the file, or to a new one where it is damaged.

        Args:
            renew: Whatever lies there may be renamed, even what is not ours.

        Raises:
            InputError: If the file is something else, and not to be renamed.
            OSError: If the file cannot be written, or is held by another process for too long.
            sqlite3.Error: If SQLite cannot use it, for other reasons than damage.
        """
        if self._path.is_dir():
            raise InputError(
                f"store: a file is needed, {self._name} is a folder. "
                f"Choose a file in it with --store."
            )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        damage: sqlite3.Error | None = None
        with one_at_a_time(self._path):
            self._file = file_id(self._path)
            try:
                connection = connect(str(self._path))
            except sqlite3.Error as error:
                if not self.is_damaged(error):
                    raise
                if not renew and not is_ours(self._path):
                    raise InputError(
                        f"store: {self._name} is not a store, and is left as it is ({error}). "
                        f"Choose another file with --store; if this was a store until its "
                        f"beginning was damaged, rename or delete it."
                    ) from error
                damage = error
            else:
                self._file = file_id(self._path)
        if damage is not None:
            return self.begun_anew(damage)
        self._take_over(unread(self._path), connection)
        return connection

    def begun_anew(self, error: Exception) -> sqlite3.Connection:
        """A connection to a new file; the damaged one is put aside and gone through.

        Where another run has done so already, or the file was deleted, it is a new one.

        Args:
            error: What was wrong with it.

        Raises:
            OSError: As for ``opened``.
            sqlite3.Error: Too.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with one_at_a_time(self._path):
            aside = None if self.is_gone() else set_aside(self._path)
            connection = connect(str(self._path))
            self._file = file_id(self._path)
        if aside is not None:
            warnings.warn(
                f"store: {self._name} was {what_it_was(error)}. What is whole in it is taken over "
                f"into a new one.",
                stacklevel=5,
            )
            self._take_over(aside, connection)
        if aside != unread(self._path):
            self._take_over(unread(self._path), connection)
        return connection

    def is_gone(self) -> bool:
        """Whether the name is another file's by now, or nobody's."""
        return file_id(self._path) != self._file

    def is_damaged(self, error: sqlite3.Error | UnicodeDecodeError) -> bool:
        """Whether the error is about what is in the file."""
        return shows_damage(error, self._path)

    def _take_over(self, aside: Path, connection: sqlite3.Connection) -> None:
        """Save what is whole in a file that was put aside, perhaps by a run that was killed then.

        It has another name from when all of it was gone through.
        """
        if not aside.exists():
            return
        try:
            with ExitStack() as turn:
                try:
                    turn.enter_context(one_at_a_time(aside, patience=0))
                except TimeoutError:
                    return  # another run is about it
                if not aside.exists():
                    return  # and has done it
                saved = salvage(aside, connection)
                name = keep(aside).name
        except BaseException:
            connection.close()
            raise
        warnings.warn(
            f"store: {self._name} is a new one. The one before it is kept as {name}; "
            f"{saved:,} of its rows, which are whole, were taken over now.",
            stacklevel=6,
        )
