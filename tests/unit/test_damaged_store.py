"""A store that was damaged: never a wrong number, never a crash, and it is said."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sightglass.encoders.embeddings import Embeddings
from sightglass.errors import InputError
from sightglass.store import APPLICATION, Store, StoredPicture
from sightglass.store.damage import broken, unread
from sightglass.store.row_checks import path_crc, row_crc, size_crc, thumbnail_crc
from sightglass.store.turns import one_at_a_time

LONG_AGO = 1_000_000_000_000_000_000
ENCODER, COUNT, DIM = "an encoder", 10, 64
ROWS = np.random.default_rng(0).normal(size=(COUNT, DIM)).astype(np.float32)
PAGE = 4096


def picture(number: int) -> StoredPicture:
    content = hashlib.sha256(b"%d" % number).digest()
    thumbnail = b"jpeg %d " % number * 100
    return StoredPicture(content=content, width=number + 1, height=7, thumbnail=thumbnail)


def rows_of(number: int) -> Embeddings:
    norms = np.array([number + 0.25], np.float32)
    return Embeddings(rows=ROWS[number : number + 1], norms=norms, fingerprint=ENCODER)


def save(store: Store, number: int) -> None:
    one = picture(number)
    store.save_batch([one], rows_of(number), [(f"/photos/{number}.jpg", 10, LONG_AGO, one.content)])
    store.save_texts([f"text {number}"], rows_of(number))


def fill(path: Path) -> Path:
    store = Store(path)
    for number in range(COUNT):
        save(store, number)
    store.close()
    return path


@contextmanager
def begun_anew(why: str = r"damaged \(.*\)", saved: str = r"\d+") -> Iterator[None]:
    """One word before the file is gone through, and one after it."""
    kept = r"kept as store\.damaged-\d{8}-\d{6}(-\d+)?; " + saved
    with (
        pytest.warns(UserWarning, match=rf"store was {why}\. What is whole in it is taken over"),
        pytest.warns(UserWarning, match=kept + " of its rows, which are whole, were taken over"),
    ):
        yield


def known_of(store: Store) -> list[bool]:
    """What is known of each picture, path, text and thumbnail; all of it checked to be right."""
    found = []
    for number in range(COUNT):
        one = picture(number)
        content = store.known_content(f"/photos/{number}.jpg", size=10, mtime_ns=LONG_AGO)
        assert content in {None, one.content}
        known = store.known(one.content, fingerprint=ENCODER)
        if known is not None:
            assert known.row.tobytes() == ROWS[number].tobytes()
            assert (known.norm, known.width, known.height) == (number + 0.25, number + 1, 7)
        text = store.texts([f"text {number}"], fingerprint=ENCODER)
        for row, norm in text.values():
            assert (row.tobytes(), norm) == (ROWS[number].tobytes(), number + 0.25)
        thumbnail = store.thumbnail(one.content)
        assert thumbnail in {None, one.thumbnail}
        found += [content is not None, known is not None, bool(text), thumbnail is not None]
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return fill(tmp_path_factory.mktemp("whole") / "store").read_bytes()


@pytest.fixture
def path(tmp_path: Path, whole: bytes) -> Path:
    (tmp_path / "store").write_bytes(whole)
    return tmp_path / "store"


def fresh(folder: Path, data: bytes) -> Path:
    """A file of that content alone in the folder."""
    for left in folder.iterdir():
        left.unlink()
    (folder / "store").write_bytes(data)
    return folder / "store"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, 10**9), change=st.integers(1, 255))
def test_whichever_byte_is_changed_no_wrong_row_comes_back_and_new_ones_can_be_saved(
    tmp_path: Path, whole: bytes, at: int, change: int
) -> None:
    damaged = bytearray(whole)
    damaged[at % len(whole)] ^= change
    path = fresh(tmp_path, bytes(damaged))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        store = Store(path)
        before = known_of(store)
        for number in range(COUNT):
            save(store, number)
        after = known_of(store)
        store.close()
    # One byte is in one row, in one page of a table's rows, or in what leads to all tables.
    assert sum(before) >= len(before) - 2 * COUNT or at % len(whole) < PAGE
    assert all(after)


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def without_magic(data: bytes) -> bytes:
    return b"\0" + data[1:]


def without_name(data: bytes) -> bytes:
    return data[:68] + bytes(4) + data[72:]


def other_table_names(data: bytes) -> bytes:
    return data.replace(b"CREATE TABLE paths", b"CREATE TABLE p\xc3ths")


def other_columns(data: bytes) -> bytes:
    return data.replace(b"size_crc INTEGER", b"size_cra INTEGER")


def later_format(data: bytes) -> bytes:
    return data[:18] + b"\7" + data[19:]  # SQLite: may be read, not written


WHOLE_FILE = [
    cut,
    without_magic,
    without_name,
    other_table_names,
    other_columns,
    later_format,
]


@pytest.mark.parametrize("damage", WHOLE_FILE)
def test_a_named_store_that_cannot_be_used_is_kept_under_another_name_and_begun_anew(
    tmp_path: Path, whole: bytes, damage: Callable[[bytes], bytes]
) -> None:
    path = fresh(tmp_path, damage(whole))
    with begun_anew(r"(damaged|of another version) \(.*\)"):
        store = Store(path)
    (aside,) = (one for one in tmp_path.glob("*.damaged-*") if one.suffix not in {".wal", ".shm"})
    assert aside.read_bytes() == damage(whole)
    for number in range(COUNT):
        save(store, number)
    assert all(known_of(store))


def test_rows_that_are_whole_are_taken_over_from_a_damaged_store(
    tmp_path: Path, whole: bytes
) -> None:
    path = fresh(tmp_path, without_name(whole))
    with begun_anew(saved="40"):
        store = Store(path)
    assert all(known_of(store))


def test_rows_before_and_behind_a_page_that_cannot_be_read_are_taken_over(tmp_path: Path) -> None:
    path, count = tmp_path / "store", 400
    store = Store(path)
    rng = np.random.default_rng(1)
    rows = Embeddings(
        rows=rng.normal(size=(count, DIM)).astype(np.float32),
        norms=np.ones(count, np.float32),
        fingerprint=ENCODER,
    )
    store.save_batch([picture(number) for number in range(count)], rows, [])
    store.close()
    data = path.read_bytes()
    in_order = sorted(range(count), key=lambda number: picture(number).content)
    pages = [data.index(rows.rows[number].tobytes()) // PAGE for number in in_order]
    # Rows also lie between two leaves; the first byte of a page tells. Source: as above, 1.6.
    middle = next(page for page in pages[count // 2 :] if data[page * PAGE] == 10)
    first, behind = pages.index(middle), count - pages[::-1].index(middle)
    path.write_bytes(data[: middle * PAGE] + bytes(PAGE) + data[(middle + 1) * PAGE :])
    store = Store(path)
    lost = [picture(number).content for number in in_order[first:behind]]
    with begun_anew():
        assert store.known(lost[0], fingerprint=ENCODER) is None
    found = [
        store.known(picture(number).content, fingerprint=ENCODER) is not None for number in in_order
    ]
    # What else is lost is what SQLite had to go through the page for.
    assert sum(found[:first]) >= first - 1 > count // 3
    assert sum(found[behind:]) >= count - behind - 1 > count // 3
    assert not any(found[first:behind])


def test_a_run_that_is_killed_while_it_takes_rows_over_is_resumed_by_the_next(
    tmp_path: Path, whole: bytes
) -> None:
    path = fresh(tmp_path, without_name(whole))
    killed = (
        "import os, pathlib, sys, warnings; from sightglass.store import Store, salvage\n"
        "salvage._AT_A_TIME, insert, calls = 4, salvage._insert, []\n"
        "def killed(*given):\n"
        "    calls.append(1)\n"
        "    if len(calls) == 3: os.kill(os.getpid(), 9)\n"
        "    return insert(*given)\n"
        "salvage._insert = killed; Store(pathlib.Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", killed, path], check=False, capture_output=True, text=True
    )
    assert done.returncode == -9
    assert "What is whole in it is taken over" in done.stderr
    with one_at_a_time(unread(path)):  # as another run that has resumed it already
        assert sum(known_of(Store(path))) < 4 * COUNT
    with pytest.warns(UserWarning, match=r"kept as store\.damaged-\d{8}.* were taken over now"):
        store = Store(path)
    assert all(known_of(store))
    assert not unread(path).exists()
    Store(path).close()  # without another word


def test_a_run_whose_file_is_renamed_or_deleted_writes_on_into_a_new_one(path: Path) -> None:
    store = Store(path)
    save(store, 1)
    path.rename(path.with_name("renamed"))
    save(store, 3)
    assert known_of(Store(path)) == [number // 4 == 3 for number in range(4 * COUNT)]
    shutil.rmtree(path.parent)
    save(store, 5)
    assert known_of(Store(path)) == [number // 4 == 5 for number in range(4 * COUNT)]


def test_another_process_that_opens_the_file_is_waited_for_but_not_for_ever(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightglass.store.turns._PATIENCE", 0.1)
    with (
        one_at_a_time(path),
        pytest.raises(InputError, match=r"\(another process has been opening it .*\)\. Choose"),
    ):
        Store(path)
    Store(path).close()
    assert [one.name for one in path.parent.iterdir()] == ["store"]


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (sqlite3.SQLITE_FULL, "kept. Free some space, or choose another file"),
        (sqlite3.SQLITE_IOERR_WRITE, "kept. Free some space, or choose another file"),
        (sqlite3.SQLITE_IOERR_SHMOPEN, "kept. Free some space, or choose another file"),
        (sqlite3.SQLITE_IOERR_READ, "kept. Choose another file"),
        (sqlite3.SQLITE_BUSY, "kept. Choose another file"),
    ],
)
def test_space_is_asked_for_where_space_may_be_what_is_lacking(code: int, advice: str) -> None:
    error = sqlite3.OperationalError("what SQLite says")
    error.sqlite_errorcode = code
    assert advice in str(broken(Path("store"), error))


def test_an_error_of_pythons_own_module_is_one_sentence_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failed(_: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("without SQLite's number")

    monkeypatch.setattr("sightglass.store.layout._prepare", failed)
    with pytest.raises(InputError, match="cannot be opened for writing"):
        Store(tmp_path / "store")


def test_damage_in_the_middle_of_a_run_is_said_and_the_run_goes_on(path: Path) -> None:
    store = Store(path)
    with path.open("r+b") as stream:  # all but the first page, which this run knows already
        stream.seek(PAGE)
        stream.write(os.urandom(path.stat().st_size - PAGE))
    with begun_anew(r"damaged \(database disk.*\)"):
        found = known_of(store)
    assert not any(found)
    for number in range(COUNT):
        save(store, number)
    assert all(known_of(store))
    store.close()
    assert all(known_of(Store(path)))


def test_of_two_runs_that_meet_the_damage_one_puts_the_file_aside_and_both_go_on(
    path: Path,
) -> None:
    first, second = Store(path), Store(path)
    with path.open("r+b") as stream:
        stream.seek(PAGE)
        stream.write(os.urandom(path.stat().st_size - PAGE))
    with begun_anew():
        known_of(first)
    save(first, 3)
    # No second warning, which would be an error here: the file is another one by now.
    assert known_of(second)[12:16] == [True] * 4
    save(second, 4)
    assert known_of(first)[16:20] == [True] * 4
    names = [one.name for one in path.parent.iterdir()]
    assert len([name for name in names if re.fullmatch(r"store\.damaged-\d{8}-\d{6}", name)]) == 1
    assert len([name for name in names if not name.endswith(("-wal", "-shm"))]) == 2


def test_a_store_of_an_earlier_layout_is_begun_anew_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "store"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE embeddings (fingerprint TEXT, content BLOB, row BLOB, norm REAL,"
            " PRIMARY KEY (fingerprint, content)) WITHOUT ROWID;"
            "INSERT INTO embeddings VALUES ('one', x'01', x'00000000', 1.0);"
            f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = 2;"
        )
    before = path.read_bytes()
    with begun_anew(r"of another version \(its layout is 2, this version's is 3\)", saved="0"):
        store = Store(path)
    save(store, 1)
    (aside,) = tmp_path.glob("*.damaged-*")
    assert aside.read_bytes() == before


def test_two_that_are_put_aside_in_one_second_get_two_names(tmp_path: Path, whole: bytes) -> None:
    for _ in range(2):
        (tmp_path / "store").write_bytes(without_name(whole))
        with begun_anew():
            Store(tmp_path / "store").close()
    assert len(list(tmp_path.glob("*.damaged-*"))) == 2


def test_a_folder_is_no_store_and_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a file is needed, .* is a folder"):
        Store(tmp_path)
    assert not list(tmp_path.iterdir())


CHANGES = {
    "embeddings": [
        "row = zeroblob(12)",
        "row = zeroblob(256)",
        "row = x''",
        "row = 7",
        "row = 'text'",
        "row = substr(row, 1, 255)",
        "norm = 1e9",
        "norm = 'long'",
        "norm = x'00'",
        "crc = crc + 1",
        "crc = 'text'",
        # Another picture's row, whole in itself.
        "(row, norm, crc) = (SELECT row, norm, crc FROM embeddings WHERE content = :other)",
    ],
    "pictures": ["width = 5", "height = -1", "width = 'wide'", "size_crc = 1"],
    "paths": ["content = zeroblob(32)", "content = 7", "crc = 0"],
}


def changed(path: Path, table: str, change: str) -> None:
    name = {"content": picture(2).content, "other": picture(5).content, "path": b"/photos/2.jpg"}
    key = "path" if table == "paths" else "content"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE {table} SET {change} WHERE {key} = :{key}", name)
        connection.commit()


@pytest.mark.parametrize(
    ("table", "change"), [(table, one) for table, all_ in CHANGES.items() for one in all_]
)
def test_a_row_that_was_changed_counts_as_unknown_is_said_and_can_be_saved_again(
    path: Path, table: str, change: str
) -> None:
    changed(path, table, change)
    store = Store(path)
    with pytest.warns(UserWarning, match=r"store holds damaged rows\. Each that is met is made"):
        found = known_of(store)
    assert store.damaged == 1
    assert sum(found) >= len(found) - 2
    save(store, 2)
    assert all(known_of(store))  # without another word


def test_a_damaged_thumbnail_is_none_and_its_picture_is_decoded_by_the_next_run(
    path: Path,
) -> None:
    changed(path, "pictures", "thumbnail = substr(thumbnail, 1, 50) || x'00'")
    store = Store(path)
    with pytest.warns(UserWarning, match="holds damaged rows"):
        assert store.thumbnail(picture(2).content) is None
    assert store.known(picture(2).content, fingerprint=ENCODER) is None


def test_a_damaged_text_is_made_anew(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE texts SET norm = 3 WHERE text = ?", (b"text 2",))
        connection.commit()
    store = Store(path)
    with pytest.warns(UserWarning, match="holds damaged rows"):
        found = store.texts(["text 1", "text 2"], fingerprint=ENCODER)
    assert list(found) == ["text 1"]


def test_the_first_of_several_damaged_rows_is_said_and_all_are_counted(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE embeddings SET norm = 3")
        connection.commit()
    store = Store(path)
    with pytest.warns(UserWarning, match="holds damaged rows") as said:
        known_of(store)
    assert (len(said), store.damaged) == (1, COUNT)


def test_what_is_not_kept_in_an_old_log_cannot_come_into_a_new_file(path: Path) -> None:
    store = Store(path)
    save(store, 1)
    log = path.with_name("store-wal").read_bytes()
    store.close()
    path.write_bytes(b"")
    path.with_name("store-wal").write_bytes(log)
    assert not any(known_of(Store(path)))


@pytest.mark.parametrize("at", [0, 24, 40, 60, 3000, -200])
def test_a_damaged_log_loses_at_most_what_was_in_it(tmp_path: Path, at: int) -> None:
    kept = 5
    for numbers in (range(kept), range(kept, COUNT)):
        store = Store(tmp_path / "store")
        for number in numbers:
            save(store, number)
        if kept in numbers:
            break
        store.close()  # and nothing is in a log any more
    data, log = (bytearray((tmp_path / name).read_bytes()) for name in ("store", "store-wal"))
    log[at] ^= 0xFF
    folder = tmp_path / "copy"
    folder.mkdir()
    (folder / "store").write_bytes(data)
    (folder / "store-wal").write_bytes(log)
    again = Store(folder / "store")
    assert all(known_of(again)[: 4 * kept])
    for number in range(COUNT):
        save(again, number)
    assert all(known_of(again))


def test_a_time_that_sqlite_cannot_hold_is_not_remembered_and_harms_nothing(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "store")
    one, year_2446 = picture(1), 15_032_385_535 * 10**9  # the last that ext4 can date a file
    store.save_batch([one], rows_of(1), [("/photos/1.jpg", 10, year_2446, one.content)])
    assert store.known_content("/photos/1.jpg", size=10, mtime_ns=year_2446) is None
    assert store.known(one.content, fingerprint=ENCODER) is not None


def test_checksums_are_zlibs_crc_32_over_all_that_a_row_says() -> None:
    assert row_crc(b"enc", b"key", b"row", 1.5) == zlib.crc32(b"enckeyrow" + struct.pack("<d", 1.5))
    assert size_crc(b"c", 3, -4) == zlib.crc32(b"c" + struct.pack("<qq", 3, -4))
    assert thumbnail_crc(b"c", b"jpeg") == zlib.crc32(b"cjpeg")
    assert path_crc(b"/p", 1, 2, b"c") == zlib.crc32(b"/p" + struct.pack("<qq", 1, 2) + b"c")
    # Source: the check value of CRC-32/ISO-HDLC, of the digits 1 to 9.
    assert thumbnail_crc(b"1234", b"56789") == 0xCBF43926
