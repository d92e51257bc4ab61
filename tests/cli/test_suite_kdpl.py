"""The command with a planned learner in place of the trainer: options, files, what is printed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from kdpl_layouts import write_prepared, write_world
from planned_learner import PlannedLearner
from sightglass.cli import main

MODELS = ("--model", "hf:small", "--teacher", "hf:large")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the trainer's side was asked for."""
    asked: list[dict[str, Any]] = []

    def open_learner(**options: Any) -> PlannedLearner:
        asked.append(options)
        return PlannedLearner()

    module = ModuleType("sightglass.evaluation.kdpl.learner")
    module.open_learner = open_learner  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setenv("COLUMNS", "200")
    return asked


def test_one_command_writes_every_table_and_a_page_of_them_all(
    opened: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = write_world(tmp_path / "sets"), tmp_path / "out"
    code = main(
        [
            *("evaluate", "--suite", "kdpl", "--data", str(data), "--out", str(out), *MODELS),
            *("--hosts", "coop, maple", "--seeds", "1,2", "--shots", "2"),
        ]
    )
    printed = capsys.readouterr()
    assert code == 0, printed.err
    # Six methods, two seeds; ImageNet for two protocols, and eleven base halves.
    assert "training 144 of 144: MaPLe+KDPL-CA, seed 2, 6 pictures of UCF101, base" in printed.err
    assert "Domain generalisation. Learned on ImageNet" in printed.out
    assert "published: ViT-B/32" in printed.out
    assert "ImageNet: 5 classes, the published protocol has 1,000" in printed.out
    assert printed.out.endswith(f"Written: {out / 'report.html'}\n")
    for name in ("domain_generalisation", "cross_dataset", "base_to_novel", "pictures"):
        assert {(out / f"{name}.{form}").is_file() for form in ("csv", "md", "html")} == {True}
    rows = json.loads((out / "metrics.json").read_text())
    assert {row["suite"] for row in rows} == {"kdpl"}
    assert {row["encoders"] for row in rows} == {"hf:small", "hf:large", "hf:small+hf:large"}
    first = next(row for row in rows if row["heads"] == "coop")
    assert first["split"] == 1
    assert (first["weighting"], first["mode"]) == ("cross_entropy", "2_shots")
    assert "--hosts &#x27;coop, maple&#x27;" in (out / "report.html").read_text()
    (options,) = opened
    assert options["student"] == "hf:small"
    assert options["teacher"] == "hf:large"
    assert options["vocabulary"] == "nouns"
    assert options["folder"] == out


def test_absent_data_are_listed_and_not_fatal(
    opened: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_prepared(tmp_path, "eurosat")
    arguments = ["evaluate", "--suite", "kdpl", "--data", str(tmp_path), *MODELS]
    arguments += ["--out", str(tmp_path / "out"), "--hosts", "vpt", "--vocabulary", "mine.txt"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "ImageNet-Sketch: absent. ImageNet-Sketch is the folder images" in printed
    assert "domain_generalisation: not run, because its data are not there." in printed
    assert "base_to_novel: no average, because it is over 11 data sets" in printed
    assert opened[0]["vocabulary"] == "mine.txt"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--suite", "kdpl"], "evaluate: --suite kdpl needs --data, a folder. Add it."),
        (
            ["--suite", "kdpl", "--data", "."],
            "evaluate: --suite kdpl needs --out, a folder. Add it.",
        ),
        (
            ["--suite", "kdpl", "--data", ".", "--out", "out"],
            "evaluate: --suite kdpl needs --model, a CLIP checkpoint that can get prompts "
            "(hf:ORG/NAME or hf:FOLDER), got mini. Add it.",
        ),
        (
            ["--suite", "kdpl", "--data", ".", "--out", "out", "--model", "hf:x"],
            "evaluate: --suite kdpl needs --teacher, an encoder. Add it.",
        ),
        (
            ["--suite", "kdpl", "--data", ".", "--out", "out", *MODELS, "--prompts", "photo"],
            "evaluate: --suite kdpl has the templates of its paper, got --prompts photo. Leave it "
            "out.",
        ),
        (
            ["--suite", "kdpl", "--harvest", "4"],
            "evaluate: --harvest belongs to --suite yin-jiang, got --suite kdpl. Leave it out.",
        ),
        (
            ["--suite", "yin-jiang", "--seeds", "1"],
            "evaluate: --seeds belongs to --suite kdpl, got --suite yin-jiang. Leave it out.",
        ),
        (
            ["photos", "--hosts", "coop"],
            "evaluate: --hosts belongs to --suite, which was not given. Add --suite kdpl, or leave "
            "it out.",
        ),
        (
            ["photos", "--data", "."],
            "evaluate: --data belongs to --suite, which was not given. Add --suite yin-jiang, or "
            "leave it out.",
        ),
        (
            ["--suite", "kdpl", "--data", ".", "--out", "out", *MODELS, "--seeds", "one"],
            "evaluate: --seeds needs whole numbers with commas between, got 'one'. Write e.g. "
            "1,2,3.",
        ),
        (
            ["--suite", "kdpl", "--data", ".", "--out", "out", *MODELS, "--hosts", "cop"],
            "Unknown host 'cop'. Did you mean 'coop'? Known: cocoop, coop, maple, promptsrc, vpt.",
        ),
    ],
)
def test_options_that_do_not_fit_together_are_one_sentence(
    arguments: list[str],
    sentence: str,
    *,
    opened: list[dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", *arguments]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"Error: {sentence}\n")
    assert opened == []
