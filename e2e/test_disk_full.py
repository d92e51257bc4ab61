"""Disks that fill up while a command runs; `make e2e`.

Each case on a tiny file system, where one may be mounted, and under a limit to the size of files,
which every system has. Either way the command ends with one sentence, no half file stays, and with
room again the same command ends as if nothing had happened.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from adapters.checkpoints import write_clip
from adapters.small_training import write_photos
from commands import complaints, run
from drawing_model import IMAGES, DrawingModel
from exported_runs import files_in
from generation_server import GenerationServer
from killing import write_pictures
from small_disk import SmallDisk, small_disk

NAMES = "cat,cup of coffee,rocket,person,brick wall"
ADVICE = ("Free some space", "Make room", "Choose another")


@pytest.fixture(params=["a small disk", "a limit"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", mib=64, mount=request.param == "a small disk") as made:
        yield made


def files(folder: Path) -> dict[str, bytes]:
    """Every file below the folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def check_refused(disk: SmallDisk, *command: str | Path, home: Path, names: Sequence[str]) -> bool:
    """Run where there is too little room; False if there was enough of it."""
    done = disk.run(*command, home=home)
    if done.returncode == 0:
        return False
    said = complaints(done.stderr)
    assert done.returncode == 1, said
    assert "Traceback" not in said
    (error,) = (line for line in said.splitlines() if line.startswith("Error: "))
    # A limit is met by the first file that is written, wherever it lies.
    assert any(name in error for name in names) or (not disk.mounted and ".sqlite" in error), error
    assert any(advice in error for advice in ADVICE), error
    return True


def no_halves(folder: Path) -> None:
    """No file is left that is not whole."""
    for path in folder.rglob("*"):
        assert not path.name.endswith((".part", ".tmp")), path


@pytest.mark.parametrize("full", ["out", "store", "both"])
def test_classify(disk: SmallDisk, tmp_path: Path, full: str) -> None:
    write_pictures(tmp_path / "photos", 150)
    command = ("classify", "photos", "--classes", NAMES, "--model", "synthetic:colours")
    command = (*command, "--batch-size", "8")
    calm = run(*command, "--out", "calm", "--store", "calm.sqlite", home=tmp_path)
    assert calm.returncode == 0
    refused = 0
    for kib in (0, 8, 20, 80, 150, 300):
        out = (disk.folder if full != "store" else tmp_path) / f"out-{kib}"
        store = (disk.folder if full != "out" else tmp_path) / f"{kib}.sqlite"
        disk.leave(kib)
        arguments = (*command, "--out", out, "--store", store)
        refused += check_refused(
            disk, *arguments, home=tmp_path, names=(f"out-{kib}", f"{kib}.sqlite")
        )
        if out.exists():
            no_halves(out)
        disk.free()
        done = disk.run(*arguments, home=tmp_path)
        assert (done.returncode, complaints(done.stderr)) == (0, "")
        for name in ("predictions.csv", "predictions.jsonl"):
            assert (out / name).read_bytes() == (tmp_path / "calm" / name).read_bytes()
        assert (out / "report.html").read_text().rstrip().endswith("</html>")
        assert json.loads((out / "run.json").read_text())["counts"]
    assert refused >= 4


def test_evaluate(disk: SmallDisk, tmp_path: Path) -> None:
    write_pictures(tmp_path / "all", 40)
    for number, path in enumerate(sorted((tmp_path / "all").iterdir())):
        folder = tmp_path / "data" / ("cat", "rocket")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        path.rename(folder / path.name)
    command = ("evaluate", "data", "--model", "synthetic:colours", "--batch-size", "4")
    calm = run(*command, "--out", "calm", "--store", "calm.sqlite", home=tmp_path)
    assert calm.returncode == 0
    refused = 0
    for kib in (0, 12, 40):
        out, store = disk.folder / f"out-{kib}", disk.folder / f"{kib}.sqlite"
        disk.leave(kib)
        arguments = (*command, "--out", out, "--store", store)
        refused += check_refused(disk, *arguments, home=tmp_path, names=[str(disk.folder)])
        no_halves(disk.folder)
        disk.free()
        assert disk.run(*arguments, home=tmp_path).returncode == 0
        for name in ("metrics.json", "table.csv", "per_class.csv", "confusion.csv"):
            assert (out / name).read_bytes() == (tmp_path / "calm" / name).read_bytes()
    assert refused >= 2


@pytest.mark.parametrize("kind", ["imagefolder", "label-studio", "fiftyone", "coco"])
def test_convert(disk: SmallDisk, tmp_path: Path, kind: str) -> None:
    write_pictures(tmp_path / "photos", 60)
    done = run(
        *("classify", "photos", "--classes", NAMES, "--model", "synthetic:colours"),
        *("--out", "results", "--store", "store.sqlite"),
        home=tmp_path,
    )
    assert done.returncode == 0
    command = ["convert", "results", "--to", kind, "--root" if kind != "imagefolder" else "--copy"]
    if kind == "fiftyone":
        command.pop()
    elif kind != "imagefolder":
        command.append("photos")
    calm = run(*command, "--out", "calm", home=tmp_path)
    assert calm.returncode == 0, calm.stderr
    refused = 0
    for kib in (0, 2, 4, 12):
        out = disk.folder / f"out-{kib}"
        disk.leave(kib)
        refused += check_refused(disk, *command, "--out", out, home=tmp_path, names=[f"out-{kib}"])
        disk.free()
        assert disk.run(*command, "--out", out, home=tmp_path).returncode == 0
        no_halves(out)
        assert files_in(out) == files_in(tmp_path / "calm")
    assert refused >= 2


@pytest.mark.parametrize("kind", ["parquet", "npy"])
def test_embeddings(disk: SmallDisk, tmp_path: Path, kind: str) -> None:
    write_pictures(tmp_path / "photos", 150)
    command = ("embeddings", "photos", "--model", "synthetic:colours", "--store", "store.sqlite")
    calm = run(*command, "--out", f"calm/rows.{kind}", home=tmp_path)
    assert calm.returncode == 0, calm.stderr
    refused = 0
    for kib in (1, 2, 4):
        out = disk.folder / f"out-{kib}" / f"rows.{kind}"
        disk.leave(kib)
        refused += check_refused(disk, *command, "--out", out, home=tmp_path, names=[f"out-{kib}"])
        disk.free()
        assert disk.run(*command, "--out", out, home=tmp_path).returncode == 0
        no_halves(out.parent)
        assert out.read_bytes() == (tmp_path / "calm" / out.name).read_bytes()
    assert refused >= 2


def test_harvest(disk: SmallDisk, tmp_path: Path) -> None:
    write_pictures(tmp_path / "photos", 120)
    command = ("harvest", "photos", "--classes", NAMES, "--vision-model", "synthetic:colours")
    calm = run(*command, "--out", "calm", "--store", "calm.sqlite", home=tmp_path)
    assert calm.returncode == 0, calm.stderr
    refused = 0
    for kib in (0, 8, 24):
        out = disk.folder / f"out-{kib}"
        disk.leave(kib)
        arguments = (
            *command,
            "--out",
            out,
            "--store",
            "kept.sqlite" if disk.mounted else "calm.sqlite",
        )
        refused += check_refused(disk, *arguments, home=tmp_path, names=[str(out)])
        assert not out.exists() or not list(out.rglob("*.jpg"))
        assert not [path for path in disk.folder.iterdir() if path.name.startswith(f".{out.name}")]
        disk.free()
        done = disk.run(*arguments, home=tmp_path)
        assert done.returncode == 0, done.stderr
        assert {name: data for name, data in files(out).items() if name.endswith(".jpg")} == {
            name: data for name, data in files(tmp_path / "calm").items() if name.endswith(".jpg")
        }
    assert refused >= 2


def test_imagine(disk: SmallDisk, tmp_path: Path) -> None:
    (tmp_path / "book.yaml").write_text("classes: [{name: red}, {name: lime}, {name: blue}]\n")
    model = DrawingModel()
    with GenerationServer() as server:
        server.handlers[IMAGES] = model
        out = disk.folder / "references"
        command = ("imagine", "book.yaml", "--image-model", "painter", "--per-class", "6")
        command = (*command, "--base-url", server.base_url, "--out", str(out))
        command = (*command, "--filter-model", "synthetic:colours")
        refused = 0
        for kib in (1, 4, 8, 12):
            disk.leave(kib)
            refused += check_refused(disk, *command, home=tmp_path, names=[str(out)])
            no_halves(disk.folder)
        disk.free()
        done = disk.run(*command, home=tmp_path)
        assert done.returncode == 0, done.stderr
    assert refused >= 2
    # Each refusal may have cost the one picture that was on its way; no class lacks any.
    rejected = len(list((out / ".imagine" / "rejected").glob("*/*.png")))
    assert 18 <= len(model.drawn) - rejected <= 18 + refused
    record = json.loads((out / "references.json").read_text())
    assert len(record["pictures"]) == len(list(out.glob("*/*.png"))) == 18


def test_distill_prompts_and_its_checkpoint(disk: SmallDisk, tmp_path: Path) -> None:
    write_clip(tmp_path / "student")
    write_clip(tmp_path / "teacher", seed=3)
    write_photos(tmp_path / "photos", 12)
    command = ("distill", "prompts", "photos", "--classes", "cat,dog", "--host", "coop")
    command = (*command, "--student", "hf:student", "--teacher", "hf:teacher")
    command = (*command, "--epochs", "4", "--batch-size", "3", "--store", "kept.sqlite")
    assert run(*command, "--out", "calm", home=tmp_path).returncode == 0
    out, refused = disk.folder / "run", 0
    for kib in (0, 2, 6):
        disk.leave(kib)
        refused += check_refused(disk, *command, "--out", out, home=tmp_path, names=[str(out)])
        no_halves(disk.folder)
    disk.free()
    done = disk.run(*command, "--out", out, home=tmp_path)
    assert done.returncode == 0, done.stderr
    for name in ("prompts.safetensors", "log.csv"):
        assert (out / name).read_bytes() == (tmp_path / "calm" / name).read_bytes()
    assert refused >= 2
