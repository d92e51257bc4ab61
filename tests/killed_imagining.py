"""Image runs that are killed at random moments, and the accounts of what was asked and kept."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

from commands import run
from commands import start as start_command
from drawing_model import IMAGES, DrawingModel
from forked_commands import Running, Start
from generation_server import GenerationServer

BOOK = "classes: [{name: red}, {name: lime}, {name: blue}, {name: yellow}, {name: aqua}]\n"


def arguments(server: GenerationServer, *, per_class: int) -> list[str]:
    """A run of the book in the current folder."""
    return [
        *("imagine", "book.yaml", "--image-model", "painter", "--base-url", server.base_url),
        *("--per-class", str(per_class), "--filter-model", "synthetic:colours"),
    ]


def pictures(folder: Path) -> dict[str, str]:
    """Hash by name of every whole picture, wherever in the folder it lies."""
    found = {}
    for root in (folder, folder / ".imagine" / "arrived", folder / ".imagine" / "rejected"):
        for path in root.glob("*/*.png"):
            name = path.relative_to(root).as_posix()
            assert name not in found, f"{name} lies in two places"
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def ledger(folder: Path) -> list[dict[str, Any]]:
    """The whole lines."""
    path = folder / ".imagine" / "ledger.jsonl"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def asked(folder: Path) -> Counter[str]:
    """How often each picture was asked for."""
    return Counter(line["file"] for line in ledger(folder) if line["event"] == "asked")


def kill_and_finish(
    home: Path, *, kills: int, per_class: int, seed: int, start: Start = start_command
) -> Counter[str]:
    """Kill a run ``kills`` times while it works, let it finish, and check the accounts.

    Every kill may cost one picture: that whose answer was on its way, or not yet whole on the disk.

    Args:
        home: A folder of its own.
        kills: How many.
        per_class: Pictures; enough of them that ``kills`` runs do not come to the end.
        seed: Of the moments.
        start: Begins a command.

    Returns:
        How many of the kills met a run that was working, by what it had done last.
    """
    (home / "book.yaml").write_text(BOOK)
    folder, chance = home / "references", random.Random(seed)
    model = DrawingModel(black=7, seconds=0.02)
    met = Counter[str]()
    with GenerationServer() as server:
        server.handlers[IMAGES] = model
        command = arguments(server, per_class=per_class)
        for number in range(kills):
            before, requests = pictures(folder), len(server.received)
            times = asked(folder)
            process = start(*command, home=home)
            while len(server.received) == requests and process.poll() is None:
                time.sleep(0.002)
            if number % 4:
                time.sleep(chance.uniform(0, 0.12))
            else:  # right after an answer, where chance alone seldom hits
                _wait_for_a_line(folder, process)
            process.send_signal(signal.SIGKILL)
            if process.wait(30) == -signal.SIGKILL:
                met[_done_last(folder)] += 1
            if process.stderr is not None:
                process.stderr.close()
            after = pictures(folder)
            assert before.items() <= after.items()  # not one lost, not one made anew
            assert {name: asked(folder)[name] for name in before} == {
                name: times[name] for name in before
            }
        done = run(*command, home=home, timeout=600)
        assert done.returncode == 0, done.stderr
        requests = len(server.received)
    assert after.items() <= pictures(folder).items()
    _check_accounts(folder, model, requests=requests, landed=met.total())
    return met


def _wait_for_a_line(folder: Path, process: Running) -> None:
    """Until the ledger grows, or the run ends; without a pause, so as to be there at once."""
    path = folder / ".imagine" / "ledger.jsonl"
    size = path.stat().st_size
    while path.stat().st_size == size and process.poll() is None:
        pass


def _done_last(folder: Path) -> str:
    """What the ledger says last; a line that the kill cut off is ``writing the ledger``."""
    path = folder / ".imagine" / "ledger.jsonl"
    if path.exists() and not path.read_bytes().endswith(b"\n"):
        return "writing the ledger"
    if list(folder.rglob("*.part")):
        return "writing a picture"
    lines = ledger(folder)
    return str(lines[-1]["event"]) if lines else "nothing"


def _check_accounts(folder: Path, model: DrawingModel, *, requests: int, landed: int) -> None:
    lines, found = ledger(folder), pictures(folder)
    judged = {line["file"]: line for line in lines if line["event"] in {"accepted", "rejected"}}
    assert len(judged) == sum(line["event"] in {"accepted", "rejected"} for line in lines)
    assert {name: line["sha256"] for name, line in judged.items()} == found
    # Every picture is one that the server drew, and each was drawn for one place only.
    drawn = {hashlib.sha256(data).hexdigest() for data in model.drawn}
    assert set(found.values()) <= drawn
    assert len(set(found.values())) == len(found)
    for name, line in judged.items():
        root = folder if line["event"] == "accepted" else folder / ".imagine" / "rejected"
        assert (root / name).is_file()
    assert 0 <= requests - len(found) <= landed
    assert requests <= sum(asked(folder).values()) <= requests + landed
    record = json.loads((folder / "references.json").read_text(encoding="utf-8"))
    accepted = sorted(name for name, line in judged.items() if line["event"] == "accepted")
    assert [entry["path"] for entry in record["pictures"]] == accepted
