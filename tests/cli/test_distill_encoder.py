from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from adapters.checkpoints import write_clip
from adapters.small_students import small_student
from pair_layouts import encoded, write_parquet, write_tar
from sightglass.cli import main
from sightglass.cli.steps import PartsShown
from sightglass.distillation.encoder.step_log import read_log
from sightglass.encoders.towers.student_file import write_student
from torch_threads import one_torch_thread

COLOURS = {
    "red": (210, 40, 40),
    "green": (40, 190, 50),
    "blue": (40, 60, 220),
    "white": (235, 235, 230),
}
IMAGE = {"kind": "convolutional", "size": 32, "stages": [[8, 2, 1, 1], [16, 2, 1, 1]]}
TEXT = {"kind": "word_table", "width": 16, "hidden": 32, "length": 12}
# The tower of the options has its full width; two steps of it take a second.
QUICK = ("--size", "32", "--epochs", "1", "--batch-size", "8", "--precision", "fp32", "--dim", "16")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def one_thread() -> Any:
    with one_torch_thread():
        yield


def picture(colour: str, seed: int) -> Image.Image:
    """A colour with noise on it."""
    rng = np.random.default_rng(seed)
    pixels = np.array(COLOURS[colour]) + rng.integers(-30, 31, (36, 40, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def png(colour: str, seed: int) -> bytes:
    stream = io.BytesIO()
    picture(colour, seed).save(stream, "PNG")
    return stream.getvalue()


def drawn(number: int) -> tuple[str, str]:
    """Colour and caption of picture ``number``."""
    colour = list(COLOURS)[number % 4]
    return colour, f"a {colour} wall number {number}"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen pictures, in every layout that is read; in ``bad.csv`` two more that are none."""
    root = tmp_path_factory.mktemp("encoder")
    (root / "pics").mkdir()
    members, rows = [], []
    for number in range(16):
        colour, caption = drawn(number)
        data = png(colour, number)
        (root / "pics" / f"{number}.png").write_bytes(data)
        (root / "folders" / colour).mkdir(parents=True, exist_ok=True)
        (root / "folders" / colour / f"{number}.png").write_bytes(data)
        members += [(f"{number:03}.png", data), (f"{number:03}.txt", caption.encode())]
        rows.append((f"{number}.png", caption))
    write_table(root / "pairs.csv", rows)
    write_table(root / "pairs.tsv", [(f"pics/{name}", text) for name, text in rows], mark="\t")
    write_tar(root / "shards" / "pairs-000.tar", members[:16])
    write_tar(root / "shards" / "pairs-001.tar", members[16:])
    pictures = encoded([png(drawn(number)[0], number) for number in range(16)])
    captions = [drawn(number)[1] for number in range(16)]
    write_parquet(root / "pairs.parquet", {"image": pictures, "caption": captions})
    (root / "pics" / "text.png").write_bytes(b"no picture")
    write_table(root / "bad.csv", [*rows, ("text.png", "a red wall"), ("gone.png", "a blue wall")])
    return root


def write_table(path: Path, rows: list[tuple[str, str]], *, mark: str = ",") -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=mark)
        writer.writerows([("image", "caption"), *rows])


def distil(out: Path, *arguments: str | Path) -> int:
    kept = ("--out", str(out), "--store", str(out.with_suffix(".sqlite")))
    return main(["distill", "encoder", *map(str, arguments), *kept])


def recipe(folder: Path, data: Any, losses: Any, **more: Any) -> Path:
    """A recipe with the smallest of towers."""
    entries: dict[str, Any] = {
        "data": data,
        "student": {"dim": 16, "image": IMAGE, "text": TEXT},
        "phases": [{"name": "only", "epochs": 1, "losses": losses}],
        "batch_size": 8,
        "optimiser": {"lr": 0.003},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(entries | more), encoding="utf-8")
    return path


def paired(here: Path, table: str = "pairs.csv") -> list[dict[str, str]]:
    return [{"path": str(here / table), "images": str(here / "pics")}]


def left_out(out: Path) -> set[str]:
    lines = (out / "left_out.jsonl").read_text().splitlines()
    return {Path(json.loads(line)["where"]).name for line in lines}


def record_of(out: Path) -> Any:
    return json.loads((out / "run.json").read_text())


LAYOUTS: Mapping[str, tuple[str, ...]] = {
    "a table and its folder": ("pairs.csv", "--images", "pics"),
    "a table with tabs, paths from where it lies": ("pairs.tsv",),
    "tar shards": ("shards",),
    "parquet": ("pairs.parquet", "--captions", "caption"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pairs_are_learned_from_every_layout(
    here: Path, tmp_path: Path, layout: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source, *options = LAYOUTS[layout]
    if "--images" in options:
        options = ["--images", str(here / "pics")]
    assert distil(tmp_path / "run", here / source, *options, *QUICK) == 0
    # Sixteen pairs, eight a step, once.
    assert "2 steps; mean loss: infonce " in capsys.readouterr().out
    record = record_of(tmp_path / "run")
    assert [one["rows"] for one in record["sources"]] == [16]
    assert (record["steps"], record["left_out"]) == (2, 0)
    made = {"student.safetensors", "student.json", "vocab.txt", "log.csv", "curve.png"}
    assert made <= {path.name for path in (tmp_path / "run").iterdir()}


@pytest.mark.parametrize("loss", ["infonce", "smoothing", "kd", "otter"])
def test_without_a_teacher_every_loss_on_pairs_trains(
    here: Path, tmp_path: Path, loss: str
) -> None:
    asked = ("--images", here / "pics", "--loss", loss)
    assert distil(tmp_path / "run", here / "pairs.csv", *asked, *QUICK) == 0
    rows = read_log(tmp_path / "run" / "log.csv")
    parts = [loss] if loss in ("kd", "otter") else []
    assert list(rows[0]) == ["step", "phase", "lr", "loss", "contrastive", *parts]
    for row in rows:
        told = sum(float(row[name]) for name in ("contrastive", *parts))
        assert float(row["loss"]) == pytest.approx(told, rel=1e-5)


def test_teachers_of_pairs_are_weighed_and_named(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = f"hf:{write_clip(tmp_path / 'clip', seed=1)}"
    taught = ("--loss", "kd", "--teacher", f"{hub}=2", "--teacher", "mini")
    pairs = (here / "pairs.csv", "--images", here / "pics", *taught, *QUICK)
    assert distil(tmp_path / "run", *pairs, "--dry-run") == 0
    plan = capsys.readouterr().out
    assert f"teacher         {hub}: pairs, weight 2\n" in plan
    assert "teacher         mini: pairs, weight 1\n" in plan
    assert "0.5 contrastive + 0.5 kd (taught by the teachers of pairs)" in plan
    assert distil(tmp_path / "run", *pairs) == 0
    assert record_of(tmp_path / "run")["identity"]["pair_teachers"]
    assert "kd" in read_log(tmp_path / "run" / "log.csv")[0]


@pytest.mark.parametrize("fused", [False, True])
def test_unlabelled_pictures_are_learned_from_by_the_names_that_a_teacher_gives(
    here: Path, tmp_path: Path, fused: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("--loss", "named", "--teacher", "mini", "--classes", ",".join(COLOURS))
    with_references = ("--references", here / "folders", "--vision-model", "none")
    more = with_references if fused else ()
    assert distil(tmp_path / "run", here / "folders", *names, *more, *QUICK) == 0
    assert "2 steps; mean loss: named " in capsys.readouterr().out
    assert list(read_log(tmp_path / "run" / "log.csv")[0])[-1] == "named"


def test_several_sources_are_drawn_by_their_weights(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = paired(here)[0] | {"weight": 3}
    other = {"path": str(here / "pairs.parquet"), "weight": 1}
    path = recipe(tmp_path, [one, other], {"contrastive": {}})
    assert distil(tmp_path / "run", "--recipe", path, "--dry-run") == 0
    plan = capsys.readouterr().out
    assert "16 pictures, 75.0% of every batch, captions" in plan
    # 32 rows in all, eight a step.
    assert "only: 4 steps, 1 times the data; loss: 1 contrastive" in plan
    assert distil(tmp_path / "run", "--recipe", path) == 0
    assert [found["share"] for found in record_of(tmp_path / "run")["sources"]] == [0.75, 0.25]


def test_class_folders_teach_names_and_the_export_classifies_new_pictures_by_them(
    here: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = [{"path": str(here / "folders"), "captions": "class"}]
    phases = [
        {"name": "together", "pictures": 320, "losses": {"contrastive": {}}},
        {"name": "images", "pictures": 80, "freeze": ["text"], "losses": {"contrastive": {}}},
    ]
    optimiser = {"lr": 0.01, "warmup_steps": 5}
    path = recipe(tmp_path, data, None, phases=phases, optimiser=optimiser)
    assert distil(tmp_path / "run", "--recipe", path) == 0
    printed = capsys.readouterr().out
    assert f"sightglass export {tmp_path / 'run'} --out FOLDER" in printed
    model = tmp_path / "model"
    assert main(["export", str(tmp_path / "run"), "--out", str(model)]) == 0
    (tmp_path / "new").mkdir()
    for number in range(8):
        picture(drawn(number)[0], 100 + number).save(tmp_path / "new" / f"{number}.png")
    code = main(
        [
            *("classify", str(tmp_path / "new"), "--classes", ",".join(COLOURS), "--no-unknown"),
            *("--model", f"onnx:{model}", "--out", str(tmp_path / "answers")),
            *("--store", str(tmp_path / "store.sqlite")),
        ]
    )
    assert code == 0
    with (tmp_path / "answers" / "predictions.csv").open() as stream:
        labels = [row["label"] for row in csv.DictReader(stream)]
    # By chance two of eight.
    right = sum(label == drawn(number)[0] for number, label in enumerate(labels))
    assert right >= 6
    # What was exported can teach the next one.
    taught = ("--loss", "otter", "--teacher", f"onnx:{model}", "--images", here / "pics")
    assert distil(tmp_path / "next", here / "pairs.csv", *taught, *QUICK) == 0


def test_bad_pictures_are_told_and_the_run_goes_on(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recipe(tmp_path, paired(here, "bad.csv"), {"contrastive": {}})
    assert distil(tmp_path / "run", "--recipe", path) == 0
    told = capsys.readouterr().err
    assert "2 pictures left out: " in told
    assert str(tmp_path / "run" / "left_out.jsonl") in told
    assert left_out(tmp_path / "run") == {"text.png", "gone.png"}
    assert record_of(tmp_path / "run")["left_out"] == 2


def test_a_scale_that_ended_at_its_limit_is_noted(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    student = small_student()
    torch.nn.init.constant_(student.contrastive_scale.log_scale, 5)  # e^5 is above 100
    (tmp_path / "start").mkdir()
    write_student(tmp_path / "start", student, logit_scale=None)
    losses = {"contrastive": {}}
    path = recipe(
        tmp_path,
        paired(here),
        None,
        student={"start": str(tmp_path / "start")},
        phases=[{"name": "only", "epochs": 1, "losses": losses, "freeze": ["text"]}],
    )
    assert distil(tmp_path / "run", "--recipe", path) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Note: ")]
    assert told == [
        "Note: The contrastive scale ended at its limit of 100, where it learns no more. Lower the "
        "learning rate, or the share of wrong pairs."
    ]


def test_a_dry_run_says_everything_and_writes_nothing(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    losses = {"contrastive": {"weight": 0.5}, "soft": {"kind": "otter"}}
    path = recipe(tmp_path, paired(here), losses, part_size=4)
    assert distil(tmp_path / "run", "--recipe", path, "--processes", "2", "--dry-run") == 0
    plan = capsys.readouterr().out
    assert "16 pictures, captions" in plan
    # By hand. The gate: 16. The norm: 32. Straight: 16 · 16 + 16. Bent: 16 · 32 + 32, 32 · 16 + 16.
    assert "text tower      word_table, 1,392 parameters beside its table of words" in plan
    assert "0.5 contrastive + 0.5 otter (taught by its own average)" in plan
    assert "batch           8 pictures over 2 processes, 4 at a time; adamw, rate 0.003" in plan
    # Of the stem, of each stage's wide and narrow convolution, and before pooling.
    assert "6 batch norms take their statistics from each part of 4" in plan
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.yaml"]


def test_what_tensorboard_reads_is_what_the_log_says(here: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    path = recipe(tmp_path, paired(here), {"contrastive": {}})
    assert distil(tmp_path / "run", "--recipe", path, "--tensorboard") == 0
    read = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    rows = read_log(tmp_path / "run" / "log.csv")
    for name in ("loss", "lr", "contrastive"):
        found = [(event.step, event.value) for event in read.Scalars(name)]
        told = [(int(row["step"]), np.float32(row[name])) for row in rows]
        assert found == told


def test_two_processes_have_the_losses_and_the_ledger_of_one(here: Path, tmp_path: Path) -> None:
    path = recipe(tmp_path, paired(here, "bad.csv"), {"contrastive": {}})
    assert distil(tmp_path / "two", "--recipe", path, "--processes", "2") == 0
    assert distil(tmp_path / "one", "--recipe", path) == 0
    both = [read_log(tmp_path / name / "log.csv") for name in ("one", "two")]
    assert [row["step"] for row in both[0]] == [row["step"] for row in both[1]] == ["1", "2"]
    for mine, theirs in zip(*both, strict=True):
        assert float(mine["loss"]) == pytest.approx(float(theirs["loss"]), rel=1e-4)
    assert left_out(tmp_path / "one") == left_out(tmp_path / "two") == {"text.png", "gone.png"}


def test_ctrl_c_says_how_to_go_on_and_the_same_command_does(
    here: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    phases = [
        {"name": name, "epochs": 1, "losses": {"contrastive": {}}} for name in ("first", "second")
    ]
    path = recipe(tmp_path, paired(here), None, phases=phases)
    with monkeypatch.context() as patch:

        def press(self: PartsShown, part: str, step: Any, total: int) -> None:
            if step.of_run == 2:
                raise KeyboardInterrupt

        patch.setattr(PartsShown, "__call__", press)
        assert distil(tmp_path / "run", "--recipe", path) == 1
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith("Stopped after ")
    assert "run the same command to go on" in told
    assert not (tmp_path / "run" / "student.safetensors").exists()
    assert distil(tmp_path / "run", "--recipe", path) == 0
    assert [row["step"] for row in read_log(tmp_path / "run" / "log.csv")] == ["1", "2", "3", "4"]


def test_a_finished_run_is_left_as_it_is_and_another_ones_folder_is_refused(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recipe(tmp_path, paired(here), {"contrastive": {}})
    assert distil(tmp_path / "run", "--recipe", path) == 0
    before = {one.name: one.read_bytes() for one in (tmp_path / "run").iterdir()}
    first = capsys.readouterr().out
    assert distil(tmp_path / "run", "--recipe", path) == 0
    again = capsys.readouterr().out
    assert again == f"{tmp_path / 'run'}: this run was finished already; nothing was changed.\n" + (
        first
    )
    assert {one.name: one.read_bytes() for one in (tmp_path / "run").iterdir()} == before
    other = recipe(tmp_path, paired(here), {"contrastive": {}}, seed=2)
    assert distil(tmp_path / "run", "--recipe", other) == 2
    assert "these are others: seed (1 then, 2 now)." in capsys.readouterr().err
    assert {one.name: one.read_bytes() for one in (tmp_path / "run").iterdir()} == before


def test_a_run_that_was_killed_before_its_student_was_written_writes_it(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recipe(tmp_path, paired(here), {"contrastive": {}})
    assert distil(tmp_path / "run", "--recipe", path) == 0
    student = (tmp_path / "run" / "student.safetensors").read_bytes()
    for name in ("run.json", "student.json", "student.safetensors", "curve.png"):
        (tmp_path / "run" / name).unlink()
    capsys.readouterr()
    assert distil(tmp_path / "run", "--recipe", path) == 0
    assert "finished already" not in capsys.readouterr().out
    assert (tmp_path / "run" / "student.safetensors").read_bytes() == student
    assert (tmp_path / "run" / "curve.png").exists()


OPTIONS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "unknown loss": (("--loss", "inonce"), "Did you mean 'infonce'?"),
    "unknown column": (("--captions", "captio"), "Did you mean 'caption'?"),
    "unknown tower": (("--image-tower", "convolutionl"), "Did you mean 'convolutional'?"),
    "unknown precision": (("--precision", "bf61"), "--precision: 'fp32' or 'bf16' is needed"),
    "negative epochs": (("--epochs", "-1"), "--epochs: must be greater than 0, got -1.0."),
    "endless epochs": (("--epochs", "inf"), "--epochs: must be a finite number, got inf."),
    "negative rate": (("--lr", "-0.1"), "--lr: must be greater than 0, got -0.1."),
    "negative weight": (
        ("--loss", "kd", "--teacher", "mini=-1"),
        "a weight of 0 or more is needed, such as 0.5, got '-1'",
    ),
    "teacher without use": (("--teacher", "mini"), "a teacher goes with --loss kd, otter or named"),
    "classes without use": (("--classes", "a,b"), "go with --loss named, got infonce"),
    "names without teacher": (("--loss", "named", "--classes", "a,b"), "needs --classes and a"),
    "size of another": (("--image-tower", "hf:a/b", "--size", "64"), "--size is the convolutional"),
    "uneven processes": (("--processes", "3"), "8 pictures cannot be shared by 3 processes."),
    "large batch": (("--batch-size", "17"), "a batch of 17 needs as many, the data have 16"),
}


@pytest.mark.parametrize("wrong", OPTIONS)
def test_options_that_do_not_fit_are_one_sentence(
    here: Path, tmp_path: Path, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options, said = OPTIONS[wrong]
    small = () if "--size" in options or "--image-tower" in options else ("--size", "32")
    batch = () if "--batch-size" in options else ("--batch-size", "8")
    data = (here / "pairs.csv", "--images", here / "pics")
    assert distil(tmp_path / "run", *data, *small, *batch, *options, "--dry-run") == 2
    assert_one_sentence(capsys, said)
    assert not (tmp_path / "run").exists()


def test_pictures_without_captions_are_refused_for_losses_that_compare(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for more in (("--dry-run",), ()):
        assert distil(tmp_path / "run", here / "pics", *QUICK, *more) == 2
        assert_one_sentence(capsys, "its losses compare pictures with captions, the data have none")


def test_no_data_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert distil(tmp_path / "run") == 2
    assert_one_sentence(capsys, "data is needed, got none")


@pytest.mark.parametrize(
    ("given", "named"), [(("pairs.csv",), "data"), (("--epochs", "3"), "--epochs")]
)
def test_what_a_recipe_would_outvote_is_refused(
    here: Path,
    tmp_path: Path,
    given: tuple[str, ...],
    named: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = recipe(tmp_path, paired(here), {"contrastive": {}})
    assert distil(tmp_path / "run", "--recipe", path, *given) == 2
    assert_one_sentence(capsys, f"got {path} and {named} too")


def test_a_file_that_is_no_recipe_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "recipe.yaml"
    for content, said in (
        (b"data: [a", "a recipe must be YAML, but in line 1: expected"),
        (b"\xff\xfe\x00", "a recipe must be UTF-8 text"),
        (b"", "the whole file: must be entries with values below them, got None"),
    ):
        path.write_bytes(content)
        assert distil(tmp_path / "run", "--recipe", path) == 2
        assert_one_sentence(capsys, said)
    assert distil(tmp_path / "run", "--recipe", tmp_path / "none.yaml") == 2
    assert_one_sentence(capsys, "No such file or directory")


PAIRS_TEACH = {"kind": "kd", "teacher": "pairs"}
SOFT = {"contrastive": {}, "soft": {"kind": "otter"}}
ENTRIES: Mapping[str, tuple[dict[str, Any], str]] = {
    "unknown entry": ({"phasess": 1}, "phasess: there is no such entry. Did you mean 'phases'?"),
    "unknown entry below": (
        {"optimiser": {"momentm": 0.9}},
        "optimiser.momentm: there is no such entry. Did you mean 'momentum'?",
    ),
    "no number": ({"batch_size": "many"}, "batch_size: must be a valid integer"),
    "teacherless": (
        {
            "phases": [
                {"name": "a", "epochs": 1, "losses": {"soft": {"kind": "kd", "teacher": "pairs"}}}
            ]
        },
        "phase 'a': soft targets from teachers.pairs, which is empty",
    ),
    "nothing to learn from": (
        {"phases": [{"name": "a", "epochs": 1, "losses": {}}]},
        "phase 'a': at least one loss above 0 is needed",
    ),
    "nothing that learns": (
        {"phases": [{"name": "a", "epochs": 1, "losses": SOFT, "freeze": ["image", "text"]}]},
        "phase 'a': with both towers frozen nothing learns",
    ),
    "soft entry": (
        {"phases": [{"name": "a", "epochs": 1, "losses": {"soft": {"kind": "kd", "scal": 1}}}]},
        "phases.0.losses.soft.scal: there is no such entry. Did you mean 'scale'?",
    ),
    "soft kind": (
        {"phases": [{"name": "a", "epochs": 1, "losses": {"soft": {"kind": "oter"}}}]},
        "kind: one of 'kd', 'otter' is needed, got 'oter'. Did you mean 'otter'?",
    ),
    "phase without a name": (
        {"phases": [{"epochs": 1, "losses": SOFT}]},
        "phases.0.name: is needed, got none.",
    ),
    "tower": (
        {"student": {"image": IMAGE | {"kind": "convolution"}, "text": TEXT}},
        "Did you mean 'convolutional'?",
    ),
    "tower's setting": (
        {"student": {"image": IMAGE | {"siz": 32}, "text": TEXT}},
        "Unknown setting of a convolutional tower: 'siz'. Did you mean 'size'?",
    ),
    "stages": (
        {"student": {"image": IMAGE | {"stages": [[8]]}, "text": TEXT}},
        "each stage is four numbers",
    ),
    "area": ({"view": {"area": [0, 1]}}, "area must rise from above 0, got [0.0, 1.0]"),
}


@pytest.mark.parametrize("wrong", ENTRIES)
def test_an_entry_that_does_not_fit_is_named(
    here: Path, tmp_path: Path, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    entries, said = ENTRIES[wrong]
    path = recipe(tmp_path, paired(here), {"contrastive": {}}, **entries)
    assert distil(tmp_path / "run", "--recipe", path, "--dry-run") == 2
    assert_one_sentence(capsys, said)


def assert_one_sentence(capsys: pytest.CaptureFixture[str], said: str) -> None:
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1
    assert said in lines[0]
