"""The command on small data sets, as a person would run it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from data_efficient_layouts import write_open_images, write_world
from sightglass.cli import main

SUITE = ("evaluate", "--suite", "data-efficient")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_one_command_writes_the_tables_and_a_page_of_them_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = write_world(tmp_path / "sets"), tmp_path / "out"
    arguments = ["--data", str(data), "--out", str(out), "--model", "synthetic:colours"]
    code = main([*SUITE, *arguments])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    assert "Google Open Images: 4 pictures among 11 candidates\n" in printed.err
    assert "Flat hit at k. Any right class among the k nearest" in printed.out
    assert "self-distillation is not better than InfoNCE" in " ".join(printed.out.split())
    assert printed.out.endswith(f"Written: {out / 'report.html'}\n")
    for name in ("flat_hit", "intervals", "relative", "pictures"):
        assert {(out / f"{name}.{form}").is_file() for form in ("csv", "md", "html")} == {True}
    rows = json.loads((out / "metrics.json").read_text())
    assert {row["suite"] for row in rows} == {"data-efficient"}
    goi = {row["metric"]: row["value"] for row in rows if row["dataset"] == "open_images"}
    assert goi["flat_hit@1"] == 0.5
    with (out / "flat_hit.csv").open(newline="") as stream:
        first = next(csv.DictReader(stream))
    assert first["GOI F@1 %"] == "50.0"
    page = (out / "report.html").read_text()
    assert "sightglass evaluate --suite data-efficient --data" in page
    assert not any(mark in page for mark in ("<script", "<link", 'src="http', 'href="http'))


def test_the_bundled_model_runs_and_says_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_open_images(tmp_path / "sets").parent
    arguments = ["--data", str(data), "--out", str(tmp_path / "out"), "--limit", "2"]
    assert main([*SUITE, *arguments]) == 0
    printed = capsys.readouterr().out
    told = "CIFAR-100 results are not zero-shot: it or its teacher saw their labels"
    assert told in " ".join(printed.split())
    assert "ImageNet 10K: absent. ImageNet 10K is the ImageNet part" in printed


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "evaluate: --suite data-efficient needs --data, a folder. Add it."),
        (["--data", "."], "evaluate: --suite data-efficient needs --out, a folder. Add it."),
        (
            ["--seeds", "1"],
            "evaluate: --seeds belongs to --suite kdpl, got --suite data-efficient. Leave it out.",
        ),
        (
            ["--data", ".", "--out", "out", "--prompts", "snigle"],
            "Unknown template set 'snigle'. Did you mean 'single'? Known: action, aerial, animal, "
            "clothing, document, drawing, ensemble, food, object, photo, plant, scene, screen, "
            "single, texture, vehicle.",
        ),
    ],
)
def test_options_that_do_not_fit_together_are_one_sentence(
    arguments: list[str],
    sentence: str,
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*SUITE, *arguments]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"Error: {sentence}\n")
    assert not (tmp_path / "out").exists()


def test_nothing_to_measure_on_is_one_sentence_with_what_is_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main([*SUITE, *arguments, "--model", "synthetic:colours"]) == 2
    told = capsys.readouterr().err
    assert "Error: Suite: at least one data set is needed" in told
    assert "Google Open Images is the test pictures of V6 as test/<ImageID>.jpg" in told
