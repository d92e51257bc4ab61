from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adapters.checkpoints import write_clip
from sightglass.cli import main
from sightglass.encoders.prompted.prompt_file import read_prompts
from sightglass.encoders.registry import load_encoder

NAMES = "cat,dog,red train"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two checkpoints and a folder of pictures in two folders, one file no picture, one a copy."""
    root = tmp_path_factory.mktemp("distill")
    write_clip(root / "student", seed=1)
    write_clip(root / "teacher", seed=2)
    rng = np.random.default_rng(0)
    for number in range(9):
        folder = root / "pics" / ("cat" if number % 2 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (40, 44, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (root / "pics" / "bad.jpg").write_bytes(b"no picture")
    (root / "pics" / "dog" / "copy.png").write_bytes((root / "pics" / "dog" / "0.png").read_bytes())
    return root


def distil(here: Path, out: Path, *options: str, host: str = "coop") -> int:
    return main(
        [
            *("distill", "prompts", str(here / "pics"), "--student", f"hf:{here / 'student'}"),
            *("--host", host, "--epochs", "2", "--batch-size", "4", "--out", str(out)),
            *("--store", str(out.with_suffix(".sqlite")), *options),
        ]
    )


def taught(here: Path) -> tuple[str, ...]:
    return "--teacher", f"hf:{here / 'teacher'}", "--classes", NAMES


@pytest.mark.parametrize("host", ["coop", "cocoop", "vpt", "maple", "promptsrc"])
def test_every_host_is_distilled_and_then_classifies(
    here: Path, tmp_path: Path, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert distil(here, tmp_path / "run", *taught(here), host=host) == 0
    printed = capsys.readouterr()
    # Nine different pictures, four a step: two steps in each of two epochs.
    assert f"4 steps of {host}; loss " in printed.out
    assert "2 files were left out" in printed.err
    about = read_prompts(tmp_path / "run" / "prompts.safetensors").about
    assert (about.host, about.pictures, about.epochs) == (host, 9, 2)
    assert about.class_names == ("cat", "dog", "red train")
    with (tmp_path / "run" / "log.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert float(rows[0]["lr"]) == 1e-5
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["steps"] == 4
    assert sorted(one["outcome"] for one in record["left_out"]) == ["duplicate", "unsupported"]
    code = main(
        [
            *("classify", str(here / "pics"), "--classes", NAMES, "--no-unknown"),
            *("--model", f"prompts:{tmp_path / 'run'}", "--out", str(tmp_path / "answers")),
            *("--store", str(tmp_path / "store.sqlite")),
        ]
    )
    assert code == 0
    with (tmp_path / "answers" / "predictions.csv").open() as stream:
        labels = {row["label"] for row in csv.DictReader(stream) if row["outcome"] == "ok"}
    assert labels <= {"cat", "dog", "red train"}
    assert labels


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert distil(here, tmp_path / "run", *taught(here), "--dry-run", host="maple") == 0
    printed = capsys.readouterr().out
    # By hand, two blocks of width 32 in both towers: 2 · 2 · 32 tokens, two couplings of 32² + 32.
    assert "maple, 2,240 trainable parameters" in printed
    assert "4: 2 epochs of 2, 4 pictures each" in printed
    assert "9, 2 more left out" in printed
    assert not (tmp_path / "run").exists()


def test_the_same_command_again_changes_nothing_and_another_is_refused(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert distil(here, out, *taught(here)) == 0
    before = (out / "prompts.safetensors").read_bytes()
    assert distil(here, out, *taught(here)) == 0
    assert (out / "prompts.safetensors").read_bytes() == before
    capsys.readouterr()
    for other, said in (
        (("--seed", "2"), "seed"),
        (("--teacher-template", "{} texture."), "teacher_digest"),
        (("--lr", "0.5"), "lr"),
    ):
        assert distil(here, out, *taught(here), *other) == 2
        assert said in capsys.readouterr().err
    assert (out / "prompts.safetensors").read_bytes() == before


def test_folder_names_make_no_difference_to_distilling_and_all_of_it_to_labels(
    here: Path, tmp_path: Path
) -> None:
    files = sorted((here / "pics").glob("*/*.png"), key=lambda path: path.name)
    for shuffled in (False, True):
        for number, file in enumerate(files):
            name = ("dog", "cat", "red train")[(number * (1 + shuffled) + shuffled) % 3]
            folder = tmp_path / f"labelled-{shuffled}" / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / file.name).write_bytes(file.read_bytes())
    prompts = {}
    for shuffled in (False, True):
        for loss in ("kdpl", "cross_entropy"):
            out = tmp_path / f"{loss}-{shuffled}"
            with_teacher = ("--teacher", f"hf:{here / 'teacher'}") if loss == "kdpl" else ()
            code = main(
                [
                    *("distill", "prompts", str(tmp_path / f"labelled-{shuffled}")),
                    *("--student", f"hf:{here / 'student'}", *with_teacher, "--classes", NAMES),
                    *("--loss", loss, "--epochs", "3", "--batch-size", "4", "--out", str(out)),
                    *("--store", str(tmp_path / "store.sqlite")),
                ]
            )
            assert code == 0
            stored = read_prompts(out / "prompts.safetensors")
            prompts[loss, shuffled] = stored.tensors["context"].tobytes()
    assert prompts["kdpl", False] == prompts["kdpl", True]
    assert prompts["cross_entropy", False] != prompts["cross_entropy", True]


def test_a_vocabulary_stands_in_for_classes(here: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("cat\ndog\nbridge\nunknown\ntower\n", encoding="utf-8")
    teacher = ("--teacher", f"hf:{here / 'teacher'}")
    chosen = ("--vocabulary", str(words), "--top-k", "3")
    assert distil(here, tmp_path / "run", *teacher, *chosen) == 0
    about = read_prompts(tmp_path / "run" / "prompts.safetensors").about
    assert about.class_names == ()
    assert about.note == "learned from a vocabulary"


def test_the_fusion_with_references_can_be_the_teacher(here: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    for name in ("cat", "dog", "red train"):
        for number in range(3):
            folder = tmp_path / "references" / name
            folder.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 256, (40, 44, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    referred = ("--references", str(tmp_path / "references"), "--vision-model", "none")
    assert distil(here, tmp_path / "run", *taught(here), *referred) == 0
    teacher = read_prompts(tmp_path / "run" / "prompts.safetensors").about.teacher
    assert teacher.startswith("fusion of hf:")
    assert "references (inverse_entropy)" in teacher


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--classes", NAMES), "needs a teacher"),
        (("--teacher", "mini"), "either the classes or a vocabulary is needed, got neither"),
        (("--teacher", "mini", "--classes", NAMES, "--vocabulary", "nouns"), "got both"),
        (
            ("--teacher", "mini", "--classes", NAMES, "--top-k", "2"),
            "Leave it out, or give --vocabulary",
        ),
        (("--loss", "cross_entropy", "--classes", NAMES, "--teacher", "mini"), "no teacher"),
        (("--loss", "cross_entropy", "--classes", "cat,dogs"), "Did you mean 'dogs'?"),
        (("--loss", "kdlp", "--classes", NAMES), "Did you mean 'kdpl'?"),
        (("--teacher", "mini", "--classes", NAMES, "--depth", "3"), "tokens at the input alone"),
        (("--teacher", "mini", "--classes", NAMES, "--teacher-template", "a cat"), "{}"),
        (("--vocabulary", "nouns", "--loss", "cross_entropy"), "Give --classes"),
        (("--teacher", "mini", "--vocabulary", "nouns", "--top-k", "90000"), "Choose fewer"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(
    here: Path,
    tmp_path: Path,
    options: tuple[str, ...],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert distil(here, tmp_path / "run", *options) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("Error: ")
    assert said in error
    assert not (tmp_path / "run").exists() or not list((tmp_path / "run").iterdir())


def test_a_student_that_is_no_clip_is_one_sentence(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(
        [
            *("distill", "prompts", str(here / "pics"), "--student", "mini", *taught(here)),
            *("--out", str(tmp_path / "run")),
        ]
    )
    assert code == 1
    assert "go into the towers of a CLIP checkpoint" in capsys.readouterr().err


def test_out_that_is_a_file_is_one_sentence_before_anything_is_read(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run").write_bytes(b"mine")
    assert distil(here, tmp_path / "run", *taught(here)) == 2
    assert "a folder that can be written is needed" in capsys.readouterr().err
    assert (tmp_path / "run").read_bytes() == b"mine"


def test_a_rate_that_is_far_too_high_is_a_failure_with_advice(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert distil(here, tmp_path / "run", *taught(here), "--lr", "1e30") == 1
    assert "Lower the learning rate" in capsys.readouterr().err
    assert not (tmp_path / "run" / "prompts.safetensors").exists()


def test_prompts_and_student_in_one_folder_are_found_from_anywhere(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(here / "student", tmp_path / "both" / "student")
    monkeypatch.chdir(tmp_path / "both")
    code = main(
        [
            *("distill", "prompts", str(here / "pics"), "--student", "hf:student", *taught(here)),
            *("--epochs", "1", "--out", "run", "--store", str(tmp_path / "store.sqlite")),
        ]
    )
    assert code == 0
    monkeypatch.chdir(tmp_path)
    shutil.move(tmp_path / "both", tmp_path / "deep" / "er")
    encoder = load_encoder(f"prompts:{tmp_path / 'deep' / 'er' / 'run'}")
    assert encoder.card.own_context


def test_the_record_says_what_taught(here: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("cat\ndog\nbridge\n", encoding="utf-8")
    teacher = ("--teacher", f"hf:{here / 'teacher'}", "--vocabulary", str(words))
    assert distil(here, tmp_path / "run", *teacher) == 0
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    taught_by = record["taught_by"]
    assert taught_by["fingerprint"] == load_encoder(f"hf:{here / 'teacher'}").fingerprint
    assert taught_by["template"] == "a photo of a {}."
    assert taught_by["vocabulary"]["names"] == 3
    # Fewer words than the published thousand: every step keeps them all.
    assert record["settings"]["top_k"] == 3
