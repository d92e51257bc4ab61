from __future__ import annotations

from collections.abc import Iterator

import pytest

from sightglass.errors import ResultsError
from sightglass.inputs.private_tables import PrivateTables

# A table that runs out of room, as a full disk would make it.
FULL = "PRAGMA max_page_count = 8; CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB)"
SENTENCE = (
    "Temporary files: room for some is needed, but: database or disk is full. Free some space, or "
    "name another folder in the environment variable SQLITE_TMPDIR, and run again: nothing "
    "computed is lost."
)


def test_rows_come_back_in_any_number() -> None:
    tables = PrivateTables("CREATE TABLE t (a INTEGER PRIMARY KEY)")
    tables.execute_for_each("INSERT INTO t VALUES (?)", ((number,) for number in range(1_201)))
    assert [a for (a,) in tables.each("SELECT a FROM t ORDER BY a")] == list(range(1_201))
    assert tables.one("SELECT count(*) FROM t WHERE a < ?", (7,)) == (7,)
    assert tables.one("SELECT a FROM t WHERE a = -1") is None
    assert tables.execute("DELETE FROM t WHERE a >= ?", (1_000,)) == 201
    assert tables.execute("DELETE FROM t WHERE a >= ?", (1_000,)) == 0


def test_two_of_them_know_nothing_of_each_other() -> None:
    first, second = (PrivateTables("CREATE TABLE t (a INTEGER)") for _ in range(2))
    first.execute("INSERT INTO t VALUES (1)")
    assert second.one("SELECT count(*) FROM t") == (0,)


def test_a_full_disk_is_one_sentence_whichever_way_rows_come() -> None:
    blob = bytes(3_000)
    tables = PrivateTables(FULL)
    with pytest.raises(ResultsError) as caught:
        tables.execute_for_each("INSERT INTO t (b) VALUES (?)", ((blob,) for _ in range(20)))
    assert str(caught.value) == SENTENCE
    with pytest.raises(ResultsError) as caught:
        fill_one_by_one(PrivateTables(FULL), blob)
    assert str(caught.value) == SENTENCE


def fill_one_by_one(tables: PrivateTables, blob: bytes) -> None:
    for _ in range(20):
        tables.execute("INSERT INTO t (b) VALUES (?)", (blob,))


def test_what_the_rows_themselves_raise_is_passed_on() -> None:
    def rows() -> Iterator[tuple[int]]:
        yield (1,)
        raise ValueError("no more")

    tables = PrivateTables("CREATE TABLE t (a INTEGER)")
    with pytest.raises(ValueError, match="no more"):
        tables.execute_for_each("INSERT INTO t VALUES (?)", rows())
    assert tables.one("SELECT count(*) FROM t") == (1,)
