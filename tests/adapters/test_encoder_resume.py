"""Runs that are cut off anywhere end in the bytes of an undisturbed one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.pretrained_students import pretrained
from adapters.small_encoder_runs import CAPTIONS, CLASSES, recipe, write_data
from onnx_graphs import residual_network
from sightglass.distillation.encoder import run, words
from sightglass.distillation.encoder.recipe import Recipe, recipe_of
from sightglass.distillation.encoder.run import DistilledEncoder, distil_encoder
from sightglass.distillation.trainer import train
from sightglass.errors import InputError, ModelError

ENDS = ("student.safetensors", "student.json", "log.csv", "left_out.jsonl")
BAD = (3, 9)
KD = {"contrastive": {"weight": 0.5}, "soft": {"kind": "kd"}}
OTTER = {"contrastive": {"weight": 0.5}, "soft": {"kind": "otter"}}
# 17 rows in sixes: the second pass begins in the middle of the second phase.
PHASES = [
    {"name": "pairs", "pictures": 12, "losses": KD},
    {"name": "names", "pictures": 18, "freeze": ["text"], "losses": {"labels": 1.0}},
    {"name": "plans", "pictures": 12, "losses": OTTER},
]
LESSONS, STEPS = 3, 7


class Cut(BaseException):
    """The end of a run that was not asked for."""


@pytest.fixture(scope="module", autouse=True)
def calm(one_thread: None) -> None:
    """One thread."""


@pytest.fixture(autouse=True)
def without_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "draw_curve", lambda *_, **__: None)


@dataclass
class Folder:
    """Inputs of a run, and the folders of runs."""

    path: Path
    recipe: Recipe
    calm: dict[str, bytes] = field(default_factory=dict)

    def go(
        self, out: str, *, cut_after: int | None = None, asked: Recipe | None = None
    ) -> DistilledEncoder | None:
        """A run, or what of it there is before the watcher of some step ends it."""
        steps = 0

        def watch(*_: object) -> None:
            nonlocal steps
            steps += 1
            if steps == cut_after:
                raise Cut

        try:
            return distil_encoder(
                asked or self.recipe, self.path / out, store=self.path / "store.sqlite", watch=watch
            )
        except Cut:
            return None

    def ends(self, out: str) -> dict[str, bytes]:
        """What a run has left for its user."""
        return {name: (self.path / out / name).read_bytes() for name in ENDS}


def often_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint before every step."""
    for module in (run, words):
        monkeypatch.setattr(module, "train", partial(train, seconds_between_checkpoints=0))


@pytest.fixture(scope="module")
def small(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Words, then three phases of our own towers; the average is the result."""
    path = tmp_path_factory.mktemp("own")
    table = path / "table.npz"
    names = np.array([*CLASSES, *CAPTIONS])
    np.savez(table, names=names, rows=np.random.default_rng(0).normal(size=(len(names), 24)))
    asked = recipe(
        write_data(path / "data.parquet", bad=BAD),
        phases=PHASES,
        words={
            "teachers": [{"tables": [{"path": str(table)}]}],
            "vocabulary": None,
            "steps": LESSONS,
            "batch_size": 8,
            "pieces": 256,
        },
        average=0.9,
        view={"area": [0.5, 1], "worn": 0.5, "worn_to": [8, 16]},
    )
    return begun(path, asked)


@pytest.fixture(scope="module")
def dropping(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Two phases of a ResNet and a BERT with dropout, in parts."""
    path = tmp_path_factory.mktemp("dropping")
    asked = recipe(
        write_data(path / "data.parquet", bad=BAD),
        student=pretrained(path, dropout=True),
        phases=[
            {"name": "pairs", "pictures": 12, "losses": KD},
            {"name": "plans", "pictures": 12, "losses": OTTER},
        ],
        part_size=3,
    )
    return begun(path, asked)


def begun(path: Path, asked: Recipe) -> Folder:
    folder = Folder(path, asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "draw_curve", lambda *_, **__: None)
        made = folder.go("calm")
    assert made is not None
    folder.calm = folder.ends("calm")
    return folder


def test_the_undisturbed_run_meets_bad_pictures_and_a_second_pass(small: Folder) -> None:
    assert small.calm["left_out.jsonl"].count(b"\n") == len(BAD)
    assert small.calm["log.csv"].count(b"\n") == 1 + STEPS


@pytest.mark.parametrize("which", ["small", "dropping"])
def test_a_run_that_gets_one_step_further_each_time_ends_in_the_same_bytes(
    which: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder: Folder = request.getfixturevalue(which)
    often_kept(monkeypatch)
    # Each time one step is kept, and the next is taken and lost.
    times = 0
    while folder.go("one by one", cut_after=2) is None:
        times += 1
    assert times == (LESSONS + STEPS if which == "small" else 4) - 1
    assert folder.ends("one by one") == folder.calm


@pytest.mark.parametrize(
    ("often", "cuts"),
    [(False, [LESSONS + 4]), (True, [2, 4, 3])],
    ids=["kept after phases", "kept before steps"],
)
def test_cuts_within_words_and_phases_change_no_byte(
    small: Folder, monkeypatch: pytest.MonkeyPatch, often: bool, cuts: list[int]
) -> None:
    if often:
        often_kept(monkeypatch)
    out = f"anyhow {often}"
    for cut in cuts:
        assert small.go(out, cut_after=cut) is None
    assert small.go(out) is not None
    assert small.ends(out) == small.calm


@pytest.fixture(scope="module")
def half_done(small: Folder) -> Folder:
    """With the folder "half" of a run that was cut off in its second phase."""
    with pytest.MonkeyPatch.context() as patch:
        often_kept(patch)
        small.go("half", cut_after=LESSONS + 4)
    return small


def refusal(folder: Folder, out: str, asked: Recipe, kind: type[Exception]) -> str:
    """The sentence with which a run is refused; its folder stays as it is."""

    def contents() -> dict[str, bytes]:
        return {one.name: one.read_bytes() for one in (folder.path / out).iterdir()}

    before = contents()
    with pytest.raises(kind) as caught:
        folder.go(out, asked=asked)
    assert contents() == before
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seed": 2}, "seed (1 then, 2 now)"),
        ({"batch_size": 5}, "batch_size (6 then, 5 now)"),
        ({"precision": "bf16"}, "precision (fp32 then, bf16 now)"),
        ({"part_size": 3}, "part_size (None then, 3 now)"),  # its batch norms would see parts
        ({"optimiser": {"lr": 0.1}}, "optimiser"),
        ({"phases": PHASES[::-1]}, "phases"),
    ],
)
def test_another_recipe_is_refused_by_what_differs(
    half_done: Folder, change: dict[str, Any], told: str
) -> None:
    asked = recipe_of(half_done.recipe.model_dump(mode="json") | change, where="a test")
    message = refusal(half_done, "half", asked, InputError)
    assert message.startswith(str(half_done.path / "half"))
    assert f"these are others: {told}. Choose another --out" in message


def test_a_run_goes_on_under_another_name(half_done: Folder) -> None:
    shutil.copytree(half_done.path / "half", half_done.path / "renamed")
    asked = half_done.recipe.model_copy(update={"name": "another"})
    assert half_done.go("renamed", asked=asked) is not None
    ends = half_done.ends("renamed")
    told = json.loads(ends.pop("student.json"))
    wanted = json.loads(half_done.calm["student.json"])
    assert (wanted["learned"].pop("name"), told["learned"].pop("name")) == ("student", "another")
    assert told == wanted
    assert ends == {name: half_done.calm[name] for name in ends}


@pytest.fixture(scope="module")
def taught(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """With an image teacher and names in files, all of which can be written anew."""
    path = tmp_path_factory.mktemp("taught")
    (path / "names.txt").write_text("\n".join(["cat", "dog", "red train", "tower", "bridge"]))
    asked = recipe(
        write_data(path / "data.parquet"),
        {"logits": 1.0, "anchors": 1.0},
        teachers={
            "image": {
                "model": str(residual_network(path / "teacher.onnx")),
                "logits": "logits",
                "names": str(path / "names.txt"),
            }
        },
    )
    folder = Folder(path, asked)
    with pytest.MonkeyPatch.context() as patch:
        often_kept(patch)
        folder.go("half", cut_after=2)
    return folder


def other_data(path: Path) -> None:
    write_data(path / "data.parquet", rows=16)


def other_teacher(path: Path) -> None:
    residual_network(path / "teacher.onnx", seed=1)


def other_names(path: Path) -> None:
    (path / "names.txt").write_text("\n".join(["cat", "dog", "red train", "bridge", "tower"]))


@pytest.mark.parametrize(
    ("rewrite", "told"),
    [
        (other_data, "data_digest"),
        (other_teacher, "image_teacher"),
        (other_names, "class_names"),
    ],
)
def test_files_that_were_written_anew_make_another_run(
    taught: Folder, rewrite: Callable[[Path], None], told: str
) -> None:
    before = {one: one.read_bytes() for one in taught.path.iterdir() if one.is_file()}
    rewrite(taught.path)
    try:
        message = refusal(taught, "half", taught.recipe, InputError)
    finally:
        for one, content in before.items():
            one.write_bytes(content)
    assert f"these are others: {told}. Choose another --out" in message


@pytest.mark.parametrize("name", ["checkpoint.safetensors", "words.safetensors"])
@pytest.mark.parametrize("damage", ["cut short", "one bit"])
def test_a_damaged_checkpoint_is_refused(half_done: Folder, name: str, damage: str) -> None:
    out = half_done.path / "damaged"
    shutil.copytree(half_done.path / "half", out, dirs_exist_ok=True)
    path = out / name
    content = bytearray(path.read_bytes())
    content[-len(content) // 3] ^= 1
    path.write_bytes(content if damage == "one bit" else content[: len(content) // 2])
    message = refusal(half_done, "damaged", half_done.recipe, ModelError)
    assert message.startswith(f"{path}: not a complete checkpoint")
    path.unlink()
    assert half_done.go("damaged") is not None
    assert half_done.ends("damaged") == half_done.calm
