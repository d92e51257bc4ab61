from __future__ import annotations

import multiprocessing
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from sightglass.encoders.embeddings import Embeddings
from sightglass.errors import InputError, StoreError
from sightglass.store import Store, StoredPicture, default_store_path, open_store

OLD = 1_000_000_000_000_000_000  # a time in 2001, long settled


def picture(number: int) -> StoredPicture:
    return StoredPicture(
        content=number.to_bytes(32, "big"), width=number + 1, height=7, thumbnail=b"jpeg%d" % number
    )


def row(number: int) -> np.ndarray:
    return np.array([number, 0.1, -1e-30], np.float32)


def rows_of(*numbers: int, fingerprint: str = "one") -> Embeddings:
    rows = np.array([row(number) for number in numbers])
    norms = np.array([number + 0.25 for number in numbers], np.float32)
    return Embeddings(rows=rows, norms=norms, fingerprint=fingerprint)


def fill(store: Store, numbers: list[int], *, fingerprint: str = "one") -> None:
    pictures = [picture(n) for n in numbers]
    store.save_batch(
        pictures,
        rows_of(*numbers, fingerprint=fingerprint),
        [(f"/photos/{n}.jpg", 10 + n, OLD, picture(n).content) for n in numbers],
    )


def test_what_was_saved_comes_back_bit_for_bit(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite")
    fill(store, [1, 2])
    store.close()
    again = Store(tmp_path / "store.sqlite")
    known = again.known(picture(2).content, fingerprint="one")
    assert known is not None
    assert np.array_equal(known.row, row(2))
    assert (known.norm, known.width, known.height) == (2.25, 3, 7)
    assert again.thumbnail(picture(2).content) == b"jpeg2"
    assert again.known_content("/photos/2.jpg", size=12, mtime_ns=OLD) == picture(2).content


def test_another_encoder_finds_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite")
    fill(store, [1], fingerprint="one")
    assert store.known(picture(1).content, fingerprint="two") is None


@pytest.mark.parametrize(("size", "mtime_ns"), [(12, OLD), (11, OLD + 1)])
def test_a_changed_stamp_makes_a_path_unknown(tmp_path: Path, size: int, mtime_ns: int) -> None:
    store = Store(tmp_path / "store.sqlite")
    fill(store, [1])
    assert store.known_content("/photos/1.jpg", size=11, mtime_ns=OLD) is not None
    assert store.known_content("/photos/1.jpg", size=size, mtime_ns=mtime_ns) is None


def test_relative_and_absolute_spellings_are_one_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store(None)
    store.save_batch([picture(1)], rows_of(1), [("./x/../a.jpg", 5, OLD, b"c")])
    assert store.known_content(str(tmp_path / "a.jpg"), size=5, mtime_ns=OLD) == b"c"


def test_names_that_are_not_valid_text_are_kept() -> None:
    store = Store(None)
    name = os.fsdecode(b"/photos/\xff\xfe.jpg")
    store.save_batch([picture(1)], rows_of(1), [(name, 5, OLD, b"c")])
    assert store.known_content(name, size=5, mtime_ns=OLD) == b"c"


def test_texts_come_back_and_unknown_ones_are_left_out() -> None:
    store = Store(None)
    store.save_texts(["cat", "dög"], rows_of(1, 2))
    found = store.texts(["dög", "bird", "cat"], fingerprint="one")
    assert set(found) == {"cat", "dög"}
    assert np.array_equal(found["dög"][0], row(2))
    assert found["dög"][1] == 2.25
    assert store.texts(["cat"], fingerprint="two") == {}


def test_a_batch_is_saved_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = Store(path)
    with closing(sqlite3.connect(path)) as connection:
        # What is written last is refused.
        connection.execute(
            "CREATE TRIGGER refused BEFORE INSERT ON paths"
            " BEGIN SELECT RAISE(ABORT, 'no more paths'); END"
        )
    with pytest.raises(StoreError, match=r"store.sqlite cannot be used any more \(no more paths\)"):
        store.save_batch([picture(1)], rows_of(1), [("/a.jpg", 5, OLD, b"c")])
    assert store.known(picture(1).content, fingerprint="one") is None
    assert store.thumbnail(picture(1).content) is None


def foreign_text(path: Path) -> None:
    path.write_bytes(b"this is not a database at all, but somebody may want it " * 20)


def foreign_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE diary (entry TEXT)")
    connection.close()


def another_layout(path: Path) -> None:
    Store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize("write", [foreign_text, foreign_database])
def test_a_named_file_that_is_no_store_is_refused_and_left_alone(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    path = tmp_path / "mine"
    write(path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="is not a store, and is left as it is"):
        Store(path)
    assert path.read_bytes() == before
    assert [child.name for child in tmp_path.iterdir()] == ["mine"]


def test_a_named_store_that_lost_its_first_page_is_left_alone_and_the_refusal_says_what_to_do(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mine"
    Store(path).close()
    data = bytes(4096) + path.read_bytes()[4096:]
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        Store(path)
    assert str(caught.value) == (
        f"store: {path} is not a store, and is left as it is (file is not a database). Choose "
        f"another file with --store; if this was a store until its beginning was damaged, rename "
        f"or delete it."
    )
    assert path.read_bytes() == data
    path.rename(tmp_path / "renamed")
    Store(path).close()


@pytest.mark.parametrize("write", [foreign_text, another_layout])
def test_the_users_own_store_is_set_aside_when_it_is_damaged_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = default_store_path()
    path.parent.mkdir()
    write(path)
    before = path.read_bytes()
    with (
        pytest.warns(UserWarning, match="What is whole in it is taken over"),
        pytest.warns(UserWarning, match=r"is kept as store\.sqlite\.damaged-"),
    ):
        store = open_store("default")
    fill(store, [1])
    (aside,) = path.parent.glob("store.sqlite.damaged-*")
    assert aside.read_bytes() == before


def test_where_nobody_knows_the_home_folder_nothing_is_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def homeless(_: type[Path]) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", classmethod(homeless))
    with pytest.warns(UserWarning, match="Nothing is remembered in this run"):
        assert open_store("default").path is None


def test_a_folder_that_cannot_be_written_gives_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be opened for writing .* --store"):
        Store(tmp_path / "file" / "store.sqlite")


def test_the_users_own_store_being_unusable_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="Nothing is remembered in this run"):
        store = open_store("default")
    fill(store, [1])
    assert store.known(picture(1).content, fingerprint="one") is not None


def test_the_default_file_lies_in_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_store_path() == Path("/somewhere/sightglass/store.sqlite")


def _fill_many(path: Path, first: int) -> None:
    store = Store(path)
    for number in range(first, first + 60):
        fill(store, [number])
    store.close()


def test_two_processes_write_at_once_and_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_fill_many, args=(path, first)) for first in (0, 40)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    store = Store(path)
    assert all(store.known(picture(n).content, fingerprint="one") for n in range(100))


def test_a_kill_in_the_middle_leaves_a_store_that_opens(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    writer = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; sys.path[:0] = sys.argv[3:];"
            "from pathlib import Path; from unit.test_store import fill;"
            "from sightglass.store import Store;"
            "store = Store(Path(sys.argv[1]));\n"
            "for n in range(10**6): fill(store, [2 * n, 2 * n + 1]); print(n, flush=True)",
            str(path),
            "",
            str(Path(__file__).parents[1]),
        ],
        stdout=subprocess.PIPE,
    )
    assert writer.stdout is not None
    for _ in range(25):
        last = int(writer.stdout.readline())
    writer.kill()
    writer.wait()
    writer.stdout.close()
    store = Store(path)
    for number in range(2 * last + 2):
        assert store.known(picture(number).content, fingerprint="one") is not None
    # The pair being written was one transaction: both are there or neither.
    for pair in range(last + 1, last + 2000):
        both = [store.known(picture(2 * pair + i).content, fingerprint="one") for i in (0, 1)]
        assert (both[0] is None) == (both[1] is None)
