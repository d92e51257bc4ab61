from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exported_runs import FINGERPRINT, write_run
from report_rows import classified, failed
from sightglass.errors import InputError
from sightglass.reports.exports.finished_run import read_run


def test_a_run_gives_its_rows_and_what_made_them(tmp_path: Path) -> None:
    rows = [classified("a.jpg"), failed("b.jpg"), classified("c.jpg", "unknown")]
    run = read_run(write_run(tmp_path, rows))
    assert list(run.rows()) == rows
    assert (run.classes, run.model) == (("cat", "dog", "teapot"), "mini")
    assert (run.fingerprint, run.files) == (FINGERPRINT, 3)


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("a.jpg", "/base/a.jpg"),
        ("../a.jpg", "/a.jpg"),
        ("/photos/a.jpg", "/photos/a.jpg"),
        ("s3://bucket/a.jpg", "s3://bucket/a.jpg"),
        ("file:///photos/a.jpg", "/photos/a.jpg"),
    ],
)
def test_a_relative_path_is_found_from_the_folder_named_and_a_url_stays(
    tmp_path: Path, source: str, place: str
) -> None:
    run = read_run(write_run(tmp_path, [classified(source)]), base=Path("/base"))
    assert run.place_of(next(run.rows())) == place


@pytest.mark.parametrize(
    ("record", "base", "place"),
    [
        ({"working_folder": "/worked/here"}, None, "/worked/here/a.jpg"),
        ({"working_folder": "/worked/here"}, Path("/base"), "/base/a.jpg"),
        # It was removed while classify ran, and results that are older say nothing at all.
        ({"working_folder": None}, None, "/now/here/a.jpg"),
        ({}, None, "/now/here/a.jpg"),
        ({}, Path("/base"), "/base/a.jpg"),
    ],
)
def test_without_a_folder_named_it_is_that_of_classify_and_where_none_says_the_current_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record: dict[str, Any],
    base: Path | None,
    place: str,
) -> None:
    write_run(tmp_path, [classified("a.jpg")], **record)
    monkeypatch.setattr(Path, "cwd", lambda: Path("/now/here"))
    run = read_run(tmp_path, base=base)
    assert run.place_of(next(run.rows())) == place
    assert run.base_named == (base is not None)


def test_a_damaged_working_folder_is_one_sentence(tmp_path: Path) -> None:
    write_run(tmp_path, [classified("a.jpg")], working_folder=3)
    with pytest.raises(InputError, match="the record of a classify run is needed"):
        read_run(tmp_path)


def test_other_results_have_another_digest(tmp_path: Path) -> None:
    digests = [
        read_run(write_run(tmp_path, [classified(name)], classes=classes)).digest
        for name, classes in (
            ("a.jpg", ("cat", "dog")),
            ("b.jpg", ("cat", "dog")),
            ("a.jpg", ("cat", "eel")),
            ("a.jpg", ("cat", "dog")),
        )
    ]
    assert len(set(digests)) == 3
    assert digests[0] == digests[3]


@pytest.mark.parametrize(
    "change",
    [
        {"label": "eel"},
        {"label": None},
        {"label": 3},
        {"path": 3},
        {"outcome": "fine"},
        {"outcome": "corrupt"},
        {"sha256": None},
        {"confidence": "high"},
        {"top": None},
        {"top": [{"label": "cat"}]},
        {"top": []},
        {"label": ["cat"]},
        {"top": [{"label": "eel", "probability": 0.5}]},
        {"top": [{"label": "unknown", "probability": 0.5}]},
        {"top": [{"label": "cat", "probability": "0.5"}]},
        {"top": [{"label": "cat", "probability": None}]},
        {"margin": "wide"},
        {"margin": float("nan")},
        {"unknown_score": True},
        {"width": 10**400},
    ],
)
def test_a_line_that_is_no_row_of_the_run_is_named(tmp_path: Path, change: dict[str, Any]) -> None:
    run = read_run(write_run(tmp_path, [classified("a.jpg"), classified("b.jpg") | change]))
    with pytest.raises(InputError, match=r"predictions\.jsonl: line 2 must be a row"):
        list(run.rows())


@pytest.mark.parametrize("name", ["margin", "unknown_score", "width", "height", "top", "sha256"])
def test_a_line_that_lacks_a_column_is_named(tmp_path: Path, name: str) -> None:
    row = classified("b.jpg")
    del row[name]
    run = read_run(write_run(tmp_path, [classified("a.jpg"), row]))
    with pytest.raises(InputError, match="line 2 must be a row"):
        list(run.rows())


def test_a_line_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path, [classified("a.jpg"), classified("b.jpg")]))
    path = tmp_path / "predictions.jsonl"
    path.write_bytes(path.read_bytes().replace(b"b.jpg", b"b\xff.jpg"))
    with pytest.raises(InputError, match="line 2 must be a row"):
        list(run.rows())


def test_results_that_cannot_be_read_any_more_are_one_sentence(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path, [classified("a.jpg")]))
    (tmp_path / "predictions.jsonl").unlink()
    (tmp_path / "predictions.jsonl").mkdir()
    for read in (lambda: list(run.rows()), lambda: run.digest):
        with pytest.raises(InputError, match=r"predictions\.jsonl: must be readable \(Is a dir"):
            read()


@pytest.mark.parametrize("line", ["", "{", "[]", "3", '{"path": "a"}', "[" * 100_000])
def test_a_line_that_is_no_json_object_is_named(tmp_path: Path, line: str) -> None:
    run = read_run(write_run(tmp_path, [classified("a.jpg")]))
    with (tmp_path / "predictions.jsonl").open("a") as stream:
        stream.write(f"{line}\n")
    with pytest.raises(InputError, match="line 2 must be a row"):
        list(run.rows())


@pytest.mark.parametrize("name", ["run.json", "predictions.jsonl"])
def test_a_folder_without_a_finished_run_is_one_sentence(tmp_path: Path, name: str) -> None:
    write_run(tmp_path, [classified("a.jpg")])
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match=f"of a finished classify is needed, {name} is not there"):
        read_run(tmp_path)


ENDLESS = json.dumps(
    {
        "classes": [],
        "model": {"name": "mini", "fingerprint": FINGERPRINT},
        "created": "2026",
        "sightglass": "0.1.0",
        "counts": {"ok": float("inf")},
    }
)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"classes": 3}', json.dumps({"model": "x"}), ENDLESS]
)
def test_a_damaged_record_is_one_sentence(tmp_path: Path, text: str) -> None:
    write_run(tmp_path, [classified("a.jpg")])
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match="the record of a classify run is needed"):
        read_run(tmp_path)
