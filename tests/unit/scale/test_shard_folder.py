from __future__ import annotations

from pathlib import Path

import pytest

from sightglass.errors import ResultsError
from sightglass.scale.answers import Answer
from sightglass.scale.shard_folder import ShardFolder, run_key, without_shards

ROWS = [{"path": "odd\udcffname.jpg", "sha256": "ab"}, {"path": "ü\u2028.jpg", "sha256": None}]


def test_what_was_saved_comes_back_in_another_process(tmp_path: Path) -> None:
    thumbnails = {"ab": b"\xff\xd8one\n", "cd": b"\xff\xd8", "ef": b"\xff\xd8three"}
    ShardFolder(tmp_path, "key").save(3, Answer(rows=ROWS, thumbnails=thumbnails))
    ShardFolder(tmp_path, "key").save(0, Answer(rows=[{"path": "a"}], thumbnails={"01": b"x"}))
    folder = ShardFolder(tmp_path, "key")
    assert folder.done() == {0, 3}
    assert list(folder.rows(3)) == ROWS
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
    assert folder.done() == {0}


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    folder = ShardFolder(tmp_path, "key")
    folder.save(0, Answer(rows=ROWS))
    (tmp_path / "shards" / "key" / "0000000.jsonl").write_text('{"path"')
    with pytest.raises(ResultsError, match=r"0000000\.jsonl: .* Remove this file and run again"):
        list(folder.rows(0))


def test_runs_with_other_keys_do_not_touch_each_other(tmp_path: Path) -> None:
    one = ShardFolder(tmp_path, "one")
    one.save(0, Answer(rows=ROWS))
    other = ShardFolder(tmp_path, "other")
    assert (one.others, other.others) == (0, 1)
    assert other.done() == set()
    other.remove()
    assert one.done() == {0}
    ShardFolder(tmp_path, "one").remove()
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


def test_unfinished_work_is_not_taken_for_pictures(tmp_path: Path) -> None:
    ShardFolder(tmp_path, "key").save(0, Answer(rows=ROWS))
    own = str(tmp_path / "shards" / "key" / "0000000.jsonl")
    theirs = [str(tmp_path / "shards.jpg"), "s3://bucket/shards/a.jpg", "elsewhere/shards/b.jpg"]
    assert without_shards([own, *theirs], tmp_path) == theirs


def test_where_there_are_no_shards_every_source_stays(tmp_path: Path) -> None:
    assert without_shards(["shards/a.jpg"], tmp_path) == ["shards/a.jpg"]
