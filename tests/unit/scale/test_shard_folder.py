from __future__ import annotations

from pathlib import Path

import pytest

from sightglass.errors import ResultsError
from sightglass.scale.answers import Answer
from sightglass.scale.shard_folder import ShardFolder, run_key

ROWS = [{"path": "odd\udcffname.jpg", "sha256": "ab"}, {"path": "ü\u2028.jpg", "sha256": None}]
SOURCES = [str(row["path"]) for row in ROWS]


def test_what_was_saved_comes_back_in_another_process(tmp_path: Path) -> None:
    thumbnails = {"ab": b"\xff\xd8one\n", "cd": b"\xff\xd8", "ef": b"\xff\xd8three"}
    ShardFolder(tmp_path, "key").save(3, Answer(rows=ROWS, thumbnails=thumbnails))
    ShardFolder(tmp_path, "key").save(0, Answer(rows=[{"path": "a"}], thumbnails={"01": b"x"}))
    folder = ShardFolder(tmp_path, "key")
    assert folder.kept() == {0, 3}
    assert list(folder.rows(3, SOURCES)) == ROWS
    assert {sha: folder.thumbnail(sha) for sha in ("ab", "cd", "ef", "01", "no")} == {
        **thumbnails,
        "01": b"x",
        "no": None,
    }


def test_half_a_shard_is_not_a_shard(tmp_path: Path) -> None:
    folder = ShardFolder(tmp_path, "key")
    folder.save(0, Answer(rows=ROWS))
    (tmp_path / "shards" / "key" / "0000001.jsonl.part").write_text('{"path": ')
    (tmp_path / "shards" / "key" / "0000002.jpegs").write_bytes(b"{}\n")
    assert folder.kept() == {0}


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    folder = ShardFolder(tmp_path, "key")
    folder.save(0, Answer(rows=ROWS))
    (tmp_path / "shards" / "key" / "0000000.jsonl").write_text('{"path"')
    with pytest.raises(ResultsError, match=r"0000000\.jsonl: .* Remove this file and run again"):
        list(folder.rows(0, SOURCES))


def test_runs_with_other_keys_do_not_touch_each_other(tmp_path: Path) -> None:
    first, second = "0123456789abcdef", "fedcba9876543210"
    one = ShardFolder(tmp_path, first)
    one.save(0, Answer(rows=ROWS))
    other = ShardFolder(tmp_path, second)
    assert (one.others, other.others) == (0, 1)
    assert other.kept() == set()
    other.remove()
    assert one.kept() == {0}
    ShardFolder(tmp_path, first).remove()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "shards").write_text("a file")
    with pytest.raises(ResultsError, match="a folder that can be written is needed"):
        ShardFolder(tmp_path, "key")


def test_the_key_is_of_settings_sources_and_shard_size() -> None:
    keys = {
        run_key("digest", ["a", "b"], 4),
        run_key("other", ["a", "b"], 4),
        run_key("digest", ["a", "b"], 5),
        run_key("digest", ["a"], 4),
        run_key("digest", ["b", "a"], 4),
        run_key("digest", ["ab"], 4),
        run_key("digest", ["a", "\udcff"], 4),
    }
    assert len(keys) == 7
    assert run_key("digest", ["a", "b"], 4) == run_key("digest", ["a", "b"], 4)


@pytest.mark.parametrize(
    "lines",
    ["", '{"path": "a"}\n', '{"path": "a"}\n{"path": "c"}\n', '{"path": "a"}\n["b"]\n'],
    ids=["emptied", "cut at a line end", "of another source", "no row"],
)
def test_a_shard_that_lacks_rows_is_neither_done_nor_taken(tmp_path: Path, lines: str) -> None:
    folder = ShardFolder(tmp_path, "key")
    folder.save(0, Answer(rows=[{"path": "a"}, {"path": "b"}]))
    assert folder.is_done(0, ["a", "b"])
    (tmp_path / "shards" / "key" / "0000000.jsonl").write_text(lines)
    assert folder.kept() == {0}
    assert not folder.is_done(0, ["a", "b"])
    with pytest.raises(ResultsError, match=r"a row for each of 2 sources is needed, but: "):
        list(folder.rows(0, ["a", "b"]))


def test_a_shard_with_a_row_too_many_is_not_done(tmp_path: Path) -> None:
    folder = ShardFolder(tmp_path, "key")
    folder.save(0, Answer(rows=[{"path": "a"}, {"path": "b"}]))
    assert not folder.is_done(0, ["a"])


def test_what_could_not_be_read_may_be_readable_now(tmp_path: Path) -> None:
    folder = ShardFolder(tmp_path, "key")
    for number, outcome in enumerate(("ok", "corrupt", "unreadable")):
        folder.save(number, Answer(rows=[{"path": "a", "outcome": outcome}]))
    assert [folder.is_done(number, ["a"]) for number in range(3)] == [True, True, False]


def test_a_shard_that_cannot_be_read_is_no_error_of_the_results(tmp_path: Path) -> None:
    folder = ShardFolder(tmp_path, "key")
    (tmp_path / "shards" / "key" / "0000000.jsonl").mkdir()
    with pytest.raises(ResultsError, match=r"but: Is a directory\. Remove this file"):
        list(folder.rows(0, ["a"]))


@pytest.mark.parametrize(
    "damage", [b"", b'{"ab"', b"[]\n", b'{"ab": "x"}\nJPEG', b'{"ab": 5}\nJPEG', b'{"ab": -4}\n']
)
def test_a_damaged_file_of_thumbnails_is_passed_over(tmp_path: Path, damage: bytes) -> None:
    folder = ShardFolder(tmp_path, "key")
    folder.save(0, Answer(rows=ROWS, thumbnails={"ab": b"JPEG"}))
    folder.save(1, Answer(rows=ROWS, thumbnails={"cd": b"whole"}))
    assert folder.thumbnail("ab") == b"JPEG"
    (tmp_path / "shards" / "key" / "0000000.jpegs").write_bytes(damage)
    again = ShardFolder(tmp_path, "key")
    assert (again.thumbnail("ab"), again.thumbnail("cd")) == (None, b"whole")


def test_what_is_no_run_is_neither_counted_nor_removed(tmp_path: Path) -> None:
    (tmp_path / "shards" / "cats").mkdir(parents=True)
    for name in (".DS_Store", "cats/a.jpg"):
        (tmp_path / "shards" / name).write_text("")
    folder = ShardFolder(tmp_path, "0123456789abcdef")
    assert folder.others == 0
    folder.remove()
    assert sorted(one.name for one in (tmp_path / "shards").iterdir()) == [".DS_Store", "cats"]
