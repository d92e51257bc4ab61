"""Out folders and stores where nothing can be written: one sentence, and nothing is lost."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from colour_photos import save
from commands import complaints, rows_of, run
from read_only import read_only

COMMAND = ("classify", "photos", "--classes", "red,lime,blue", "--model", "synthetic:colours")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for name in ("red", "lime", "blue"):
        save(tmp_path / "photos" / f"{name}.png", name)
    return tmp_path


def refusal(home: Path, *options: str | Path) -> str:
    """The one sentence, and the advice after it, of a run that does not begin."""
    done = run(*COMMAND, *options, home=home)
    assert done.returncode == 2, done.stderr
    said = complaints(done.stderr)
    assert re.fullmatch(r"Error: [^\n]+\. [^\n]+\.\n", said), said
    return said


def test_a_read_only_folder_for_results_is_refused_before_any_picture_is_read(home: Path) -> None:
    (home / "kept").mkdir()
    with read_only(home / "kept") as folder:
        for out in (folder, folder / "results"):
            said = refusal(home, "--out", out, "--store", "store")
            assert f"{out}: a folder that can be written is needed" in said
            assert "Choose another with --out." in said
    assert not list((home / "kept").iterdir())


def test_a_file_where_the_folder_for_results_should_be_is_left_alone(home: Path) -> None:
    (home / "results").write_text("mine")
    assert "results: a folder that can be written is needed" in refusal(home, "--out", "results")
    assert (home / "results").read_text() == "mine"


def test_a_store_in_a_read_only_folder_is_refused_whether_it_is_there_or_not(home: Path) -> None:
    (home / "kept").mkdir()
    assert run(*COMMAND, "--store", home / "kept" / "store", home=home).returncode == 0
    before = (home / "kept" / "store").read_bytes()
    with read_only(home / "kept") as folder:
        for name in ("store", "another"):
            said = refusal(home, "--store", folder / name)
            assert f"{folder / name} cannot be opened for writing" in said
            assert "Choose another file with --store." in said
    assert (home / "kept" / "store").read_bytes() == before


def test_a_store_in_a_folder_that_is_not_there_makes_the_folder(home: Path) -> None:
    assert run(*COMMAND, "--store", "a/b/store", home=home).returncode == 0
    assert (home / "a" / "b" / "store").is_file()


def test_a_folder_is_no_store(home: Path) -> None:
    assert "a file is needed, photos is a folder" in refusal(home, "--store", "photos")


def test_without_a_place_for_the_users_own_store_the_run_goes_on_and_says_so(home: Path) -> None:
    (home / "cache").mkdir()
    with read_only(home / "cache") as folder:
        # Where no folder can be made read-only the cache is made impossible.
        if folder != home / "cache":
            (home / "cache").rmdir()
            (home / "cache").write_text("")
        done = run(*COMMAND, "--out", "results", home=home)
    assert done.returncode == 0
    assert "Nothing is remembered in this run." in done.stderr
    assert [row["label"] for row in rows_of(home / "results")] == ["blue", "lime", "red"]


def test_damaged_rows_of_a_store_are_counted_at_the_end(home: Path) -> None:
    assert run(*COMMAND, "--out", "calm", "--store", "store", home=home).returncode == 0
    with closing(sqlite3.connect(home / "store")) as store, store:
        store.execute("UPDATE embeddings SET norm = norm + 1")
    done = run(*COMMAND, "--out", "again", "--store", "store", home=home)
    assert done.returncode == 0
    assert "Store: 3 damaged rows were met, and were made anew." in done.stdout
    assert "3 encoded now" in done.stdout
    assert (home / "again" / "predictions.csv").read_bytes() == (
        home / "calm" / "predictions.csv"
    ).read_bytes()


def test_a_damaged_store_is_said_by_the_command_and_the_table_is_the_same(home: Path) -> None:
    assert run(*COMMAND, "--out", "calm", "--store", "store", home=home).returncode == 0
    data = bytearray((home / "store").read_bytes())
    data[68:72] = bytes(4)
    (home / "store").write_bytes(data)
    done = run(*COMMAND, "--out", "again", "--store", "store", home=home)
    assert done.returncode == 0
    assert re.match(
        r"Note: store: store was damaged \(.*\)\. What is whole in it is taken over into a new "
        r"one\.\nNote: store: store is a new one\. The one before it is kept as "
        r"store\.damaged-\d{8}-\d{6}; [\d,]+ of its rows, which are whole, were taken over now\.\n",
        done.stderr,
    )
    assert "0 encoded now" in done.stdout
    assert (home / "again" / "predictions.csv").read_bytes() == (
        home / "calm" / "predictions.csv"
    ).read_bytes()


def test_a_store_among_the_results_is_refused_and_nothing_is_made(home: Path) -> None:
    said = refusal(home, "--out", "results", "--store", "results/predictions.csv")
    assert "Store results/predictions.csv: a file of its own is needed" in said
    for name in ("red", "lime"):
        (home / "data" / name).mkdir(parents=True)
        save(home / "data" / name / "1.png", name)
    model = ("--model", "synthetic:colours")
    for command, store in (
        (("evaluate", "data", "--out", "results"), "results/table.md"),
        (("embeddings", "photos", "--out", "results/rows.npy"), "results/rows.npy"),
    ):
        done = run(*command, *model, "--store", store, home=home)
        assert done.returncode == 2, done.stderr
        assert f"Store {store}: a file of its own is needed" in done.stderr
    assert not list((home / "results").iterdir())
