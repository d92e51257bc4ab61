"""Ray clusters on this machine: what one machine gives, a cluster gives too."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from commands import COMMAND, environment, run
from killing import write_pictures

COUNT = 640
RESULTS = ("predictions.csv", "predictions.jsonl")
COLOURS = ("--classes", "red,lime,blue,white", "--model", "synthetic:colours")


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head that computes nothing, and two nodes of one processor each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    small = {"object_store_memory": 100_000_000}
    made = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **small}
    )
    try:
        made.nodes = [made.add_node(num_cpus=1, **small) for _ in range(2)]
        yield made
    finally:
        made.shutdown()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Pictures, some broken, some copies of others, one with a name that is no text."""
    chance = random.Random(0)
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(COUNT):
        path = photos / f"{number:05d}.png"
        if number % 13 == 5:
            path.write_bytes((photos / f"{chance.randrange(number):05d}.png").read_bytes())
        elif number % 17 == 3:
            path.write_bytes(b"\x89PNG\r\n\x1a\nno picture")
        else:
            colour = tuple(chance.randrange(256) for _ in range(3))
            Image.new("RGB", (1200 + number % 50, 900), colour).save(path, compress_level=1)
    (photos / "odd\udcffname.png").write_bytes((photos / "00001.png").read_bytes())
    return tmp_path


@contextmanager
def started(home: Path) -> Iterator[str]:
    """The address of what `ray start --head` of this home folder starts."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # Ended by its own process: `ray stop` ends whatever Ray there is on the machine.
    head = subprocess.Popen(
        [
            *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"),
            *("--node-ip-address", "127.0.0.1", "--port", str(port), "--num-cpus", "1"),
            *("--include-dashboard", "false", "--object-store-memory", "100000000"),
        ],
        env=environment(home) | {"RAY_USAGE_STATS_ENABLED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert head.stdout is not None
        said = ""
        while "Ray runtime started" not in said:
            line = head.stdout.readline()
            assert line, said
            said += line
        yield f"127.0.0.1:{port}"
    finally:
        head.send_signal(signal.SIGINT)
        head.communicate(timeout=60)


def on_ray(home: Path, cluster: Any, out: str, *options: str) -> subprocess.Popen[str]:
    """The command, begun on the cluster."""
    # A shell that runs tests in the background lets them ignore Ctrl-C, and so all they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(
        [
            *(COMMAND, "classify", "photos", "--engine", "ray", "--address", cluster.address),
            *("--shard-size", "16", "--out", out, *options),
        ],
        cwd=home,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_shards(process: subprocess.Popen[str], out: Path, count: int) -> None:
    """Until so many are on the disk; the run must not have ended by then."""
    while len(list(out.glob("shards/*/*.jsonl"))) < count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def finished(process: subprocess.Popen[str]) -> str:
    """What the command printed, once it has ended well."""
    printed, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    # Nothing of Ray's own on the terminal.
    lines = [line for line in said.splitlines() if not re.match(r"[\d,]+ of [\d,]+ files", line)]
    assert lines == []
    return printed


def check_same(home: Path, out: str) -> dict[str, Any]:
    """The tables are those of one machine, to the byte; what run.json says of the engine."""
    for name in RESULTS:
        assert (home / out / name).read_bytes() == (home / "alone" / name).read_bytes(), name
    lines = (home / out / RESULTS[1]).read_text(encoding="utf-8").splitlines()
    paths = [json.loads(line)["path"] for line in lines]
    assert len(paths) == len(set(paths)) == COUNT + 1
    assert not (home / out / "shards").exists()
    alone, made = (json.loads((home / one / "run.json").read_text()) for one in ("alone", out))
    assert made["counts"] == alone["counts"]
    assert made["labels"] == alone["labels"]
    engine: dict[str, Any] = made["engine"]
    return engine


def alone(home: Path, *options: str) -> None:
    done = run("classify", "photos", "--out", "alone", *options, home=home, timeout=300)
    assert done.returncode == 0, done.stderr


def test_a_node_lost_in_mid_run_changes_nothing(
    home: Path, cluster: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    alone(home, *COLOURS)
    process = on_ray(home, cluster, "lost", *COLOURS)
    wait_for_shards(process, home / "lost", 12)
    cluster.remove_node(cluster.nodes[0], allow_graceful=False)
    left = len(list((home / "lost").glob("shards/*/*.jsonl")))
    finished(process)
    engine = check_same(home, "lost")
    assert engine["nodes"] == 3
    assert engine["nodes_that_answered"] == 2
    assert engine["shards"] == {"of": 41, "reused": 0, "size": 16}
    assert left < 41
    again = engine["begun_again"]
    assert again >= 1  # the node was lost with what it was computing
    with capsys.disabled():
        sys.stdout.write(f"\nnode lost with {left} of 41 shards kept; begun again: {again}\n")


def test_a_driver_killed_in_mid_run_goes_on_from_its_shards(home: Path, cluster: Any) -> None:
    alone(home, *COLOURS)
    process = on_ray(home, cluster, "killed", *COLOURS)
    wait_for_shards(process, home / "killed", 10)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = sorted((home / "killed").glob("shards/*/*.jsonl"))
    kept[0].write_text("")  # not whole any more: it is computed anew
    # Shards of other settings lie beside these and are not taken for them.
    other = on_ray(home, cluster, "killed", *COLOURS, "--top-k", "2")
    wait_for_shards(other, home / "killed", len(kept) + 3)
    other.send_signal(signal.SIGINT)
    said = other.communicate(timeout=120)[1]
    assert other.returncode == 1
    assert "Nothing computed is lost" in said
    assert "Traceback" not in said
    again = on_ray(home, cluster, "killed", *COLOURS)
    said = again.communicate(timeout=300)[1]
    assert again.returncode == 0, said
    assert "unfinished work of 1 other run" in said
    assert "1 shard of an earlier run is computed anew" in said
    (left,) = (home / "killed" / "shards").iterdir()
    shutil.rmtree(left.parent)
    engine = check_same(home, "killed")
    assert engine["shards"]["reused"] == len(kept) - 1
    assert len(kept) >= 10


def test_the_bundled_model_with_references_answers_alike(tmp_path: Path, cluster: Any) -> None:
    write_pictures(tmp_path / "photos", 120)
    for label, numbers in (("cat", (0, 4, 8)), ("rocket", (2, 6, 10))):
        folder = tmp_path / "references" / label
        folder.mkdir(parents=True)
        for number in numbers:
            (folder / f"{number}.jpg").write_bytes(
                (tmp_path / "photos" / f"{number:04d}.jpg").read_bytes()
            )
    options = ("--classes", "cat,rocket,person", "--references", "references")
    alone(tmp_path, *options)
    finished(on_ray(tmp_path, cluster, "far", *options))
    for name in RESULTS:
        assert (tmp_path / "far" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    kinds = [
        re.findall(rb'"thumbnail-\d+">"([^"]+)"', (tmp_path / one / "report.html").read_bytes())
        for one in ("alone", "far")
    ]
    assert kinds[0] == kinds[1] != []


def test_what_ray_start_starts_is_joined_with_and_without_a_token(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number, colour in enumerate(("red", "lime", "blue")):
        Image.new("RGB", (40, 30), colour).save(photos / f"{number}.png")
    token = tmp_path / ".ray" / "auth_token"
    command = ("classify", "photos", *COLOURS, "--engine", "ray")

    def tables(out: str, *options: str) -> list[bytes]:
        done = run(*command, "--out", out, *options, home=tmp_path, timeout=300)
        assert done.returncode == 0, done.stderr
        return [(tmp_path / out / name).read_bytes() for name in RESULTS]

    # A run of one machine leaves no token behind: `ray start` would ask for it ever after.
    expected = tables("here", "--workers", "1")
    assert not token.exists()
    with started(tmp_path) as address:
        assert tables("plain", "--address", address) == expected
    # As `ray get-auth-token --generate` leaves one.
    token.parent.mkdir()
    token.write_text("a" * 64)
    with started(tmp_path) as address:
        assert tables("token", "--address", address) == expected
        token.write_text("b" * 64)
        refused = run(*command, "--out", "no", "--address", address, home=tmp_path, timeout=300)
    assert refused.returncode == 2
    assert f"--address {address}: the cluster's token is needed" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert token.read_text() == "b" * 64
