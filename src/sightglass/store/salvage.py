"""What is whole in a damaged store is taken over into a new one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sightglass.store.layout import TABLES
from sightglass.store.row_checks import fits

_AT_A_TIME = 256


def salvage(damaged: Path, store: sqlite3.Connection) -> int:
    """Copy every row that can be reached and fits its checksum.

    What the new store has already stays: this may be done again after it was cut off.

    Args:
        damaged: A store's file that is out of everybody's way.
        store: The new one.

    Returns:
        How many rows it was given.

    Raises:
        sqlite3.Error: If the new store cannot be written.
    """
    # Left as it was found: without a log beside it, none is made.
    log = damaged.with_name(f"{damaged.name}-wal")
    reading = "mode=ro" if log.exists() else "immutable=1"
    try:
        source = sqlite3.connect(f"{damaged.absolute().as_uri()}?{reading}", uri=True)
    except sqlite3.Error:
        return 0
    saved = 0
    try:
        source.text_factory = bytes
        for table in TABLES:
            # From both ends: each way stops at the first page that cannot be read.
            for order in ("ASC", "DESC"):
                for rows in _whole_rows(source, table, order):
                    saved += _insert(store, table, rows)
    finally:
        source.close()
    return saved


def _whole_rows(
    source: sqlite3.Connection, table: str, order: str
) -> Iterator[list[tuple[Any, ...]]]:
    key = {"pictures": "content", "paths": "path"}.get(table, f"fingerprint {order}, 2")
    whole: list[tuple[Any, ...]] = []
    try:
        # One by one: of many that are asked for at once, none comes back where one is damaged.
        for row in source.execute(f"SELECT * FROM {table} ORDER BY {key} {order}"):
            if fits(table, *row):
                whole.append(row)
            if len(whole) == _AT_A_TIME:
                yield whole
                whole = []
    except (sqlite3.Error, UnicodeDecodeError, MemoryError):
        pass
    if whole:
        yield whole


def _insert(store: sqlite3.Connection, table: str, rows: list[tuple[Any, ...]]) -> int:
    if table in {"embeddings", "texts"}:
        rows = [(fingerprint.decode(), *rest) for fingerprint, *rest in rows]
    before = store.total_changes
    places = ", ".join("?" * len(rows[0]))
    with store:
        store.execute("BEGIN IMMEDIATE")
        store.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({places})", rows)
    return store.total_changes - before
