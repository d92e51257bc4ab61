from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, cast

import pyarrow.parquet
import pytest
from PIL import Image

from commands import complaints, rows_of
from picture_server import Page, PictureServer
from sightglass.cli import main


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for colour in ("red", "green", "blue"):
        path = tmp_path / "photos" / f"{colour}.png"
        Image.new("RGB", (40, 30), colour).save(path)
        os.utime(path, (1_600_000_000, 1_600_000_000))
    return tmp_path


@pytest.fixture
def server(home: Path) -> Iterator[PictureServer]:
    with PictureServer() as running:
        for path in (home / "photos").iterdir():
            running.pages[f"/{path.name}"] = Page(path.read_bytes())
        yield running


class Command(Protocol):
    def __call__(self, *arguments: str) -> tuple[int, str]: ...


@pytest.fixture
def classify(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """The command in this process: its exit code, and what it says on standard error."""
    monkeypatch.chdir(home)
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))

    def command(*arguments: str) -> tuple[int, str]:
        fixed = ("--classes", "red,green,blue", "--model", "synthetic:colours", "--out", "out")
        code = main(["classify", *arguments, *fixed])
        return code, complaints(capsys.readouterr().err)

    return command


def answers(home: Path) -> list[tuple[str, str, str]]:
    return [(row["path"], row["outcome"], row["label"]) for row in rows_of(home / "out")]


def test_a_manifest_of_paths_and_urls_becomes_rows_that_are_spelled_as_it_spells_them(
    home: Path, server: PictureServer, classify: Command
) -> None:
    names = [
        "photos/red.png",
        f"{server.url}/green.png?X-Amz-Signature=1",
        f"{server.url}/gone.png",
        f"file://{home}/photos/blue.png",
        "quux://nobody/knows.png",
        "./photos/none.png",
    ]
    server.pages["/green.png?X-Amz-Signature=1"] = server.pages["/green.png"]
    (home / "list.csv").write_text("n,url\n" + "".join(f"1,{name}\n" for name in [*names, ""]))
    code, err = classify("--manifest", "list.csv", "--parquet")
    assert (code, err) == (0, "")
    assert answers(home) == [
        ("./photos/none.png", "unreadable", ""),
        (f"file://{home}/photos/blue.png", "ok", "blue"),
        (f"{server.url}/gone.png", "unreadable", ""),
        (f"{server.url}/green.png?X-Amz-Signature=1", "ok", "green"),
        ("photos/red.png", "ok", "red"),
        ("quux://nobody/knows.png", "unreadable", ""),
    ]
    table = pyarrow.parquet.read_table(home / "out" / "predictions.parquet")
    lines = (home / "out" / "predictions.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [{name: row[name] for name in rows[0]} for row in table.to_pylist()] == rows
    # Under another signature it is the same object, which is only asked about.
    server.pages["/green.png?X-Amz-Signature=2"] = server.pages["/green.png"]
    other = f"{server.url}/green.png?X-Amz-Signature=2"
    server.log.clear()
    assert classify(other)[0] == 0
    assert server.log == ["HEAD /green.png?X-Amz-Signature=2"]
    record = json.loads((home / "out" / "run.json").read_text())
    assert (record["work"]["read"], record["counts"]["ok"]) == (0, 1)
    server.pages["/green.png?X-Amz-Signature=2"] = Page(server.pages["/red.png"].body)
    assert classify(other)[0] == 0
    assert answers(home) == [(other, "ok", "red")]


def test_a_url_that_is_new_takes_one_request_and_a_known_one_a_question(
    home: Path, server: PictureServer, classify: Command
) -> None:
    urls = [f"{server.url}/{name}.png" for name in ("blue", "gone", "green", "red")]
    assert classify(*urls)[0] == 0
    gets = [f"GET /{name}.png" for name in ("blue", "gone", "green", "red")]
    assert sorted(server.log) == gets
    server.log.clear()
    assert classify(*urls)[0] == 0
    assert sorted(server.log) == sorted(
        # What could not be read is not known.
        [gets[1], *(f"HEAD /{name}.png" for name in ("blue", "green", "red"))]
    )
    assert [row[1] for row in answers(home)] == ["ok", "unreadable", "ok", "ok"]


@pytest.mark.parametrize("count", [1, 31])  # each picture's answer, or how many each class got
def test_nothing_on_the_terminal_lets_anybody_in(
    home: Path,
    server: PictureServer,
    classify: Command,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    server.pages["/red.png?sig=hush"] = server.pages["/red.png"]
    start = server.url.replace("//", "//me:hush@")
    pictures = [f"{start}/red.png?sig=hush", f"{start}/gone.png?token=hush"]
    pictures += [f"{start}/{n}.png?token=hush" for n in range(count)]
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert classify(*pictures) == (0, "")
    said = cast("io.StringIO", sys.stdout).getvalue()
    assert "hush" not in said
    assert f"{server.url}/0.png (unreadable: not found)" in said
    # In the table they stand as the person spelled them: that is how a row is found again.
    assert {row["path"] for row in rows_of(home / "out")} == set(pictures)


def test_results_are_manifests_of_the_next_run_and_are_no_pictures_themselves(
    home: Path, classify: Command
) -> None:
    (home / "=odd, name.png").write_bytes((home / "photos" / "red.png").read_bytes())
    (home / os.fsdecode(b"\xff.png")).write_bytes((home / "photos" / "blue.png").read_bytes())
    sources = ["photos", "=odd, name.png", os.fsdecode(b"\xff.png")]
    assert classify(*sources, "--parquet")[0] == 0
    first = (home / "out" / "predictions.csv").read_bytes()
    assert len(answers(home)) == 5
    for name in ("csv", "jsonl", "parquet"):
        code, err = classify("--manifest", f"out/predictions.{name}", "--parquet", "out")
        # The folder holds nothing but results, so nothing is added.
        assert (code, err) == (0, "")
        assert (home / "out" / "predictions.csv").read_bytes() == first


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Pictures: some are needed, got nothing. Name a folder, a file, a URL, '-', or a man"),
        (["--manifest", "lists.csv"], "Manifest: 'lists.csv' does not exist. Did you mean 'list."),
        (["--manifest", "list.csv", "--manifest-column", "x"], "'list.csv' has no column 'x'. It"),
        (["photos", "--manifest-column", "x"], "--manifest-column: needs --manifest, got none."),
        (["photos", "--workers", "2"], "--workers: needs --engine ray, got --engine local."),
        (["photos", "--engine", "rey"], "Unknown engine 'rey'. Did you mean 'ray'?"),
        (["quux://a"], "URL: 'quux://a' must begin with a known scheme such as s3://, gs:// or ht"),
        (["zip://a::s3://b/c.zip"], "must name an object of one file system, got one inside anot"),
    ],
)
def test_wrong_usage_is_one_sentence(
    home: Path, classify: Command, arguments: list[str], sentence: str
) -> None:
    (home / "list.csv").write_text("path,n\nphotos/red.png,1\n")
    code, err = classify(*arguments)
    assert code == 2
    assert sentence in err
    assert err.count("\n") == 1
    assert not (home / "out").exists()
