from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from adapters.checkpoints import pictures, write_clip
from adapters.learned_prompts import write_learned
from commands import complaints, run
from sightglass.encoders.prompted.student import load_student


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person's folder: ``run`` with prompts and their student, ``photos`` in two folders."""
    home = tmp_path_factory.mktemp("home")
    (home / "run").mkdir()
    student = load_student(f"hf:{write_clip(home / 'run' / 'student')}")
    for host in ("coop", "cocoop"):
        write_learned(home / "run" / f"{host}.safetensors", host, student)
    for number, image in enumerate(pictures(8)):
        folder = home / "photos" / ("cat" if number % 2 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        image.save(folder / f"{number}.png")
    return home


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "predictions.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_prompt_file_classifies_and_still_does_after_its_folder_was_moved(home: Path) -> None:
    arguments = ("--classes", "cat,dog", "--store", "store.sqlite")
    first = run("classify", "photos", *arguments, "--model", "prompts:run/coop.safetensors",
                "--out", "first", home=home)  # fmt: skip
    assert (first.returncode, complaints(first.stderr)) == (0, "")
    (home / "run").rename(home / "moved")
    try:
        second = run("classify", "photos", *arguments, "--model", "prompts:moved/coop.safetensors",
                     "--out", "second", home=home)  # fmt: skip
    finally:
        (home / "moved").rename(home / "run")
    assert (second.returncode, complaints(second.stderr)) == (0, "")
    assert "0 encoded now, 8 known from before" in second.stdout
    assert rows_of(home / "first") == rows_of(home / "second")
    record = json.loads((home / "second" / "run.json").read_text())
    assert (record["prompts"], record["templates"]) == ("learned context", [])
    assert record["model"]["name"] == "prompts:moved/coop.safetensors"


def test_cocoop_leaves_the_unknown_score_empty_where_it_is_not_asked_for(home: Path) -> None:
    arguments = ("--classes", "cat,dog", "--no-unknown", "--out", "bare")
    model = "prompts:run/cocoop.safetensors"
    done = run("classify", "photos", *arguments, "--model", model, home=home)
    assert (done.returncode, complaints(done.stderr)) == (0, "")
    assert {row["unknown_score"] for row in rows_of(home / "bare")} == {""}
    lines = (home / "bare" / "predictions.jsonl").read_text().splitlines()
    assert [json.loads(line)["unknown_score"] for line in lines] == [None] * 8
    assert (home / "bare" / "report.html").is_file()


def test_evaluate_measures_a_prompt_file(home: Path) -> None:
    model = "prompts:run/cocoop.safetensors"
    done = run("evaluate", "photos", "--model", model, "--out", "scores", home=home)
    assert (done.returncode, complaints(done.stderr)) == (0, "")
    assert "learned context" in done.stdout
    rows = json.loads((home / "scores" / "metrics.json").read_text())
    assert {row["encoders"] for row in rows} == {model}


def test_harvest_takes_texts_that_follow_the_picture(home: Path) -> None:
    arguments = ("--classes", "cat,dog", "--vision-model", "synthetic:colours", "--dry-run")
    model = "prompts:run/cocoop.safetensors"
    done = run("harvest", "photos", *arguments, "--model", model, home=home)
    assert "8 files; different pictures: 8" in done.stdout, done.stderr


def test_a_wrong_name_is_one_sentence_with_the_closest(home: Path) -> None:
    for model, said in {
        "prompts:run/co-op.safetensors": "Did you mean 'run/coop.safetensors'?",
        "run/coop.safetensors": "Did you mean 'prompts:run/coop.safetensors'?",
        "prompt:run/coop.safetensors": "Did you mean 'prompts:FILE'?",
        "prompts:run/student/model.safetensors": "says nothing of prompts",
    }.items():
        done = run("classify", "photos", "--classes", "cat,dog", "--model", model, home=home)
        assert done.returncode != 0
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


def test_templates_are_refused_by_the_command_too(home: Path) -> None:
    for command in (("classify", "photos", "--classes", "cat,dog"), ("evaluate", "photos")):
        done = run(*command, "--model", "prompts:run/coop.safetensors", "--prompts", "ensemble",
                   home=home)  # fmt: skip
        assert done.returncode == 2
        assert "Leave --prompts out." in done.stderr


def test_a_suite_refuses_texts_that_follow_the_picture(home: Path) -> None:
    (home / "data").mkdir(exist_ok=True)
    done = run("evaluate", "--suite", "yin-jiang", "--data", "data", "--out", "suite", "--model",
               "prompts:run/cocoop.safetensors", home=home)  # fmt: skip
    assert done.returncode == 2
    assert "Suite: one row per class is needed" in done.stderr


def test_models_tells_the_form(home: Path) -> None:
    assert "prompts:FILE" in run("models", home=home).stdout


def test_doctor_says_that_there_is_nothing_to_compare(home: Path) -> None:
    done = run("doctor", "--model", "prompts:run/coop.safetensors", home=home)
    assert done.returncode == 0
    assert "This model's card has none; nothing could be compared." in done.stdout
