"""Several runs on one store at once, some of them killed, some stores damaged; `make e2e`."""

from __future__ import annotations

import contextlib
import random
import re
import signal
import subprocess
from pathlib import Path

import pytest

from commands import run
from forked_commands import start_forked
from killed_runs import remembered
from killing import arguments, write_pictures

TABLE = "predictions.csv"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    write_pictures(folder / "photos", 200)
    done = run(*arguments(folder / "calm", folder / "calm.sqlite"), home=folder, timeout=600)
    assert done.returncode == 0
    start_forked("--version", home=folder).wait(600)  # what every command needs is loaded now
    return folder


def check(home: Path, out: Path) -> None:
    assert (out / TABLE).read_bytes() == (home / "calm" / TABLE).read_bytes()


@pytest.mark.parametrize("runs", [2, 4])
def test_runs_that_begin_one_store_together_all_get_the_same_table(home: Path, runs: int) -> None:
    for turn in range(3):
        store = home / f"shared-{runs}-{turn}.sqlite"
        outs = [home / f"shared-{runs}-{turn}-{number}" for number in range(runs)]
        # Each says what it says in a folder of its own.
        said = [out.with_name(f"{out.name}-said") for out in outs]
        processes = []
        for out, folder in zip(outs, said, strict=True):
            folder.mkdir()
            (folder / "photos").symlink_to(home / "photos")
            processes.append(start_forked(*arguments(out, store), home=folder))
        for process, out, folder in zip(processes, outs, said, strict=True):
            text = (folder / "said.txt").read_text
            assert process.wait(600) == 0, text()
            assert "locked" not in text()
            check(home, out)
        # Nothing was left out: every picture that can be opened is in the store, and once.
        assert remembered(store) == remembered(home / "calm.sqlite")


def test_a_run_is_not_disturbed_by_the_kills_of_others_on_its_store(home: Path) -> None:
    chance = random.Random(5)
    for turn in range(5):
        store = home / f"beside-{turn}.sqlite"
        out = home / f"beside-{turn}"
        reading = start_forked(*arguments(out, store), home=home)
        for number in range(4):
            killed = start_forked(*arguments(home / f"other-{turn}-{number}", store), home=home)
            with contextlib.suppress(subprocess.TimeoutExpired):
                killed.wait(chance.uniform(0, 1.5))
            killed.send_signal(signal.SIGKILL)
            killed.wait(600)
        assert reading.wait(600) == 0
        check(home, out)


@pytest.mark.parametrize("turn", range(3))
def test_four_runs_that_find_one_damaged_store_begin_one_new_one(home: Path, turn: int) -> None:
    folder = home / f"damaged-{turn}"
    folder.mkdir()
    store = folder / "store.sqlite"
    data = bytearray((home / "calm.sqlite").read_bytes())
    for at in range(2 * 4096, len(data), 4096):
        data[at : at + 64] = bytes(64)  # every page but those that say that it is ours
    store.write_bytes(data)
    outs = [folder / f"out-{number}" for number in range(4)]
    processes = []
    for out in outs:
        said = out.with_name(f"{out.name}-said")
        said.mkdir()
        (said / "photos").symlink_to(home / "photos")
        processes.append((start_forked(*arguments(out, store), home=said), said / "said.txt"))
    for (process, said), out in zip(processes, outs, strict=True):
        assert process.wait(600) == 0, said.read_text()
        check(home, out)
    names = [path.name for path in folder.iterdir()]
    assert len([name for name in names if re.search(r"\.damaged-\d{8}-\d{6}(-\d+)?$", name)]) == 1
    assert remembered(store) == remembered(home / "calm.sqlite")
