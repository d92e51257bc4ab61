from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faults_checks import complaints
from faults_run import WatchedRun, watched
from faults_second_look import look_again
from fuzz_corpus import FuzzFile
from picture_files import encode, photo

CORPUS = [
    FuzzFile(path="a/ok.jpg", kind="JPEG", way="whole", must="used"),
    FuzzFile(path="a/bad.png", kind="PNG", way="cut"),
    FuzzFile(path="a/pipe", kind="no files", way="pipe", must="unreadable"),
]
RUN = {"code": 0, "hung": False, "seconds": 1.0, "megabytes": 300.0, "remarks": ()}


def rows() -> list[dict[str, Any]]:
    used = {"label": "cat", "confidence": 0.5, "width": 9, "detail": ""}
    lost = {"label": None, "confidence": None, "width": None}
    return [
        {"path": "a/ok.jpg", "outcome": "ok", **used},
        {"path": "a/bad.png", "outcome": "truncated", "detail": "stops early", **lost},
        {"path": "a/pipe", "outcome": "unreadable", "detail": "a named pipe", **lost},
    ]


def write(folder: Path, results: list[dict[str, Any]]) -> None:
    lines = [json.dumps(row) for row in results]
    (folder / "predictions.jsonl").write_text("\n".join(lines) + "\n")
    outcomes = [row["outcome"] for row in results]
    (folder / "predictions.csv").write_text("\n".join(["outcome", *outcomes]) + "\n")
    counts = {outcome: outcomes.count(outcome) for outcome in outcomes}
    (folder / "run.json").write_text(json.dumps({"counts": {"too_large": 0, **counts}}))
    block = json.dumps([0] * len(results))
    (folder / "report.html").write_text(f'<script class="rows">{block}</script>')


def complained(folder: Path, **run: Any) -> list[str]:
    return list(complaints(WatchedRun(**{**RUN, **run}), CORPUS, folder, most_megabytes=1_000))


def test_nothing_is_said_of_results_that_are_as_they_must_be(tmp_path: Path) -> None:
    write(tmp_path, rows())
    assert complained(tmp_path) == []


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ({"hung": True, "remarks": ("Thread 1",)}, "nothing came for a minute.*Thread 1"),
        ({"code": -11}, "exit code -11"),
        ({"remarks": ("UserWarning: x",)}, "1 lines on standard error, such as UserWarning: x"),
        ({"megabytes": 1_001.0}, "peak of 1,001 MB; the bound is 1,000"),
    ],
)
def test_each_fault_of_a_run_is_said(tmp_path: Path, run: dict[str, Any], words: str) -> None:
    import re

    write(tmp_path, rows())
    (said,) = complained(tmp_path, **run)
    assert re.match(words, said, re.DOTALL)


Change = Callable[[list[dict[str, Any]]], Any]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda results: results.pop(1), "1 rows lost: 'a/bad.png'"),
        (lambda results: results.append(results[1]), "1 rows too many: 'a/bad.png'"),
        (lambda results: results[1].update(outcome="odd"), "'a/bad.png': unknown outcome 'odd'"),
        (lambda results: results[0].update(label=None), "'a/ok.jpg': ok, but without label,"),
        (lambda results: results[1].update(label="cat"), "'a/bad.png': truncated, but with a"),
        (lambda results: results[1].update(detail="a\nb"), "'a/bad.png': truncated, but with a"),
        (
            lambda results: results[2].update(outcome="corrupt"),
            "'a/pipe': must be unreadable, is corrupt ('a named pipe')",
        ),
    ],
)
def test_each_wrong_row_is_said(tmp_path: Path, change: Change, words: str) -> None:
    results = rows()
    change(results)
    write(tmp_path, results)
    (said,) = complained(tmp_path)
    assert said.startswith(words)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("predictions.csv", "outcome\nok\n", "predictions.csv has 1 rows"),
        ("run.json", '{"counts": {"ok": 3}}', "run.json counts"),
        ("report.html", '<script class="rows">[0]</script>', "report.html holds 1 rows, not 3"),
    ],
)
def test_each_result_that_says_something_else_is_said(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    write(tmp_path, rows())
    (tmp_path / name).write_text(text)
    (said,) = complained(tmp_path)
    assert said.startswith(words)


def test_an_element_that_a_file_name_made_in_the_report_is_said(tmp_path: Path) -> None:
    write(tmp_path, rows())
    with (tmp_path / "report.html").open("a") as page:
        page.write("<img src=x onerror=alert(1)>")
    (said,) = complained(tmp_path)
    assert said.startswith("report.html has elements that no template of it has")


def test_a_run_tells_its_exit_code_its_memory_and_what_it_said(tmp_path: Path) -> None:
    run = watched(["classify", str(tmp_path / "nothing"), "--classes", "a,b"], out=tmp_path / "out")
    assert (run.code, run.hung) == (2, False)
    assert 10 < run.megabytes < 2_000
    assert any("does not exist" in line for line in run.remarks)


def test_the_second_look_has_our_word_and_pillows(tmp_path: Path) -> None:
    whole = encode(photo(), "PNG")
    files = {"whole.png": whole, "cut.png": whole[:200], "note.txt": b"a note\n"}
    corpus = []
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        corpus.append(FuzzFile(path=str(tmp_path / name), kind="PNG", way="cut"))
    looks = list(look_again([*corpus, FuzzFile(path="pipe", kind="no files", way="pipe")]))
    assert [(look.ours, look.pillow) for look in looks] == [
        ("ok", "opens"),
        ("truncated", "OSError"),
        ("unsupported", "UnidentifiedImageError"),
    ]
