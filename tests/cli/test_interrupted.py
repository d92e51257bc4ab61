from __future__ import annotations

import json
import os
import pty
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from commands import COMMAND, environment, run, start
from killing import arguments, killed_then_finished, undisturbed, write_pictures


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    write_pictures(folder / "photos", 500)
    return folder


@pytest.fixture(scope="module")
def calm(home: Path) -> tuple[bytes, float]:
    return undisturbed(home)


def test_after_kills_at_random_moments_the_result_is_the_same_to_the_byte(
    home: Path, calm: tuple[bytes, float]
) -> None:
    expected, seconds = calm
    landed = 0
    for seed in (1, 2, 3):
        made, met = killed_then_finished(
            home, name=f"killed-{seed}", seconds=seconds, kills=2, seed=seed
        )
        assert made == expected, seed
        landed += met
    assert landed > 0


@pytest.mark.parametrize("batch_size", ["1", "33"])
def test_the_batch_size_does_not_change_a_byte(
    home: Path, calm: tuple[bytes, float], batch_size: str
) -> None:
    out = home / f"batch-{batch_size}"
    done = run(
        *arguments(out, home / f"{batch_size}.sqlite"), "--batch-size", batch_size, home=home
    )
    assert done.returncode == 0
    assert (out / "predictions.csv").read_bytes() == calm[0]


def remembered(store: Path) -> int:
    """How many pictures the store knows by now."""
    if not store.exists():
        return 0
    with closing(sqlite3.connect(store)) as connection:
        try:
            (count,) = connection.execute("SELECT count(*) FROM pictures").fetchone()
        except sqlite3.OperationalError:  # its tables are not made yet
            return 0
    return int(count)


def test_ctrl_c_stops_with_a_sentence_and_the_next_run_goes_on(
    home: Path, calm: tuple[bytes, float]
) -> None:
    out, store = home / "stopped", home / "stopped.sqlite"
    process = start(*arguments(out, store), home=home)
    # In the middle: some batches are remembered, most are not.
    while not remembered(store):
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 1
    assert process.stderr is not None
    message = process.stderr.read().decode()
    process.stderr.close()
    assert message.startswith("Stopped after ")
    assert "run the same command to go on" in message
    assert "Traceback" not in message
    assert not (out / "predictions.csv").exists()
    done = run(*arguments(out, store), home=home)
    assert done.returncode == 0
    assert (out / "predictions.csv").read_bytes() == calm[0]
    record = json.loads((out / "run.json").read_text())
    assert record["work"]["encoded"] < record["counts"]["ok"]


def test_two_runs_into_one_folder_do_not_mix(home: Path, calm: tuple[bytes, float]) -> None:
    out = home / "contested"
    first = start(*arguments(out, home / "first.sqlite"), home=home)
    while not (out / "predictions.csv.part").exists():
        time.sleep(0.01)
        assert first.poll() is None
    second = run(*arguments(out, home / "second.sqlite"), home=home)
    assert second.returncode == 1
    assert "another run is writing its results there" in second.stderr
    assert first.wait(60) == 0
    assert first.stderr is not None
    first.stderr.close()
    assert (out / "predictions.csv").read_bytes() == calm[0]


def test_two_runs_at_once_on_one_store_agree(home: Path, calm: tuple[bytes, float]) -> None:
    store = home / "shared.sqlite"
    both = [start(*arguments(home / f"both-{n}", store), home=home) for n in (1, 2)]
    for number, process in enumerate(both, start=1):
        assert process.wait(120) == 0
        assert process.stderr is not None
        process.stderr.close()
        assert (home / f"both-{number}" / "predictions.csv").read_bytes() == calm[0]


def test_a_terminal_sees_a_bar_with_rate_and_failures(home: Path) -> None:
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, *arguments(home / "bar", home / "bar.sqlite")],
        cwd=home,
        env={**environment(home), "TERM": "xterm", "NO_COLOR": ""},
        stdout=subprocess.DEVNULL,
        stderr=terminal,
    )
    os.close(terminal)
    shown = b""
    while True:
        try:
            part = os.read(controller, 65536)
        except OSError:  # the other end is closed: the process has ended
            break
        if not part:
            break
        shown += part
    os.close(controller)
    assert process.wait(30) == 0
    text = shown.decode(errors="replace")
    assert "/500 files" in text
    assert "files/s" in text
    assert "failed" in text


def test_elsewhere_nothing_is_shown_of_a_run_this_short(home: Path) -> None:
    done = run(*arguments(home / "quiet", home / "quiet.sqlite"), home=home)
    assert done.stderr == ""
