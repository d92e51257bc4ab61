"""A run's own part, with a cluster that computes in this process; Ray itself is in e2e."""

from __future__ import annotations

import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from colour_photos import COLOURS, classifier, save
from sightglass.errors import InputError, MissingExtraError
from sightglass.reports.html import write_report
from sightglass.reports.work import Work
from sightglass.scale import ray_run
from sightglass.scale.answers import Answer, answer_of
from sightglass.scale.cluster import connected
from sightglass.scale.plan import Plan
from sightglass.scale.ray_run import RayRun, shown_of
from sightglass.scale.reachable import check_reachable
from sightglass.scale.settings import ClassifierSettings
from sightglass.scale.shards import Shard, Sharding

SETTINGS = ClassifierSettings(classes=COLOURS, model="synthetic:colours", store=None)


class Cluster:
    """Answers in this process, in an order of its own; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.seed = 0
        self.stops_after = 1000
        self.notes: Sequence[str] = ()

    @contextmanager
    def connected(self, *_: object) -> Iterator[None]:
        yield None

    def answers(
        self,
        _: None,
        plan: Plan,
        shards: Iterable[Shard],
        shown: Callable[[Shard], Sequence[int]],
        **__: Any,
    ) -> Iterator[tuple[int, Answer]]:
        made = plan.classifier()
        order = list(shards)
        random.Random(self.seed).shuffle(order)
        for shard in order[: self.stops_after]:
            self.asked.append(shard.number)
            answer = answer_of(made, shard.sources, shown(shard))
            yield shard.number, replace(answer, notes=self.notes)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr(ray_run, "connected", made.connected)
    monkeypatch.setattr(ray_run, "answers", made.answers)
    monkeypatch.setattr(ray_run, "require_ray", lambda _: None)
    return made


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    """Nine files: four colours of which some twice, and one that is no picture."""
    colours = [*COLOURS, "white", "red", "lime", "red", "white"]
    made = [str(save(tmp_path / f"{n}.png", colour)) for n, colour in enumerate(colours)]
    (tmp_path / "8.png").write_text("no picture")
    return [*made, str(tmp_path / "8.png")]


def run_of(out: Path, **options: Any) -> RayRun:
    return RayRun(SETTINGS, shard_size=2, out=out, work=Work(), **options)


@pytest.mark.parametrize("seed", range(3))
def test_rows_counts_and_thumbnails_are_those_of_one_machine(
    tmp_path: Path, sources: list[str], cluster: Cluster, seed: int
) -> None:
    work, alone = Work(), classifier()
    expected = [one.as_row() for one in alone.stream(sources, work)]
    cluster.seed = seed
    run = run_of(tmp_path / "out")
    assert list(run.stream(sources)) == expected
    record, plain = run.record(), alone.run_record(work)
    assert record["counts"] == plain["counts"]
    assert record["labels"] == plain["labels"]
    assert record["engine"]["shards"] == {"of": 5, "reused": 0, "size": 2}
    contents = {row["sha256"] for row in expected if row["sha256"]}
    assert len(contents) == 4
    for sha256 in contents:
        assert run.thumbnail(sha256) == alone.thumbnail(sha256) is not None
    run.finish()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_run_that_was_cut_off_goes_on_from_its_shards(
    tmp_path: Path, sources: list[str], cluster: Cluster
) -> None:
    expected = [one.as_row() for one in classifier().stream(sources)]
    cluster.stops_after = 3
    with pytest.raises(Exception, match="the cluster gave 3 and ended"):
        list(run_of(tmp_path / "out").stream(sources))
    kept = set(cluster.asked)
    cluster.asked, cluster.stops_after = [], 1000
    again = run_of(tmp_path / "out")
    assert list(again.stream(sources)) == expected
    assert set(cluster.asked) == set(range(5)) - kept
    assert again.record()["engine"]["shards"]["reused"] == 3
    assert again.record()["counts"]["ok"] == sum(row["outcome"] == "ok" for row in expected)


def test_when_all_is_there_no_cluster_is_started(
    tmp_path: Path, sources: list[str], cluster: Cluster
) -> None:
    rows = list(run_of(tmp_path / "out").stream(sources))
    cluster.asked = []
    assert list(run_of(tmp_path / "out").stream(sources)) == rows
    assert cluster.asked == []


def test_shards_that_are_not_whole_or_could_not_be_read_are_computed_anew(
    tmp_path: Path, sources: list[str], cluster: Cluster
) -> None:
    away = tmp_path / "away.png"
    Path(sources[2]).rename(away)
    rows = list(run_of(tmp_path / "out").stream(sources))
    assert rows[2]["outcome"] == "unreadable"
    away.rename(sources[2])
    (emptied,) = (tmp_path / "out" / "shards").glob("*/0000003.jsonl")
    emptied.write_text("")
    cluster.asked = []
    again = run_of(tmp_path / "out")
    with pytest.warns(UserWarning, match="2 shards of an earlier run are computed anew"):
        assert list(again.stream(sources)) == [one.as_row() for one in classifier().stream(sources)]
    assert sorted(cluster.asked) == [1, 3]
    assert again.record()["engine"]["shards"]["reused"] == 3


def test_what_workers_warn_of_is_said_once(
    tmp_path: Path, sources: list[str], cluster: Cluster
) -> None:
    cluster.notes = ["store: is damaged.", "store: is old."]
    with pytest.warns(UserWarning, match="store: is") as caught:
        list(run_of(tmp_path / "out").stream(sources))
    assert [str(one.message) for one in caught] == cluster.notes


@pytest.mark.parametrize("total", [1, 9, 10, 11, 19, 20, 21, 1000])
def test_an_even_sample_for_the_report_has_as_many_as_it_may(total: int) -> None:
    sharding = Sharding([str(n) for n in range(total)], 7)
    shards = [sharding[number] for number in range(len(sharding))]
    shown = [int(one.sources[n]) for one in shards for n in shown_of(one, total, most=10)]
    if total <= 10:
        assert shown == list(range(total))
    else:  # the first of each of ten stretches: the smallest n with n / total >= k / 10
        assert shown == [next(n for n in range(total) if 10 * n >= k * total) for k in range(10)]


def test_a_report_that_cannot_show_all_rows_has_thumbnails_of_those_it_shows(
    tmp_path: Path, sources: list[str], cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_run, "MOST_ROWS", 4)
    alone = classifier()
    expected = [one.as_row() for one in alone.stream(sources)]
    run = run_of(tmp_path / "out")
    assert list(run.stream(sources)) == expected
    asked = []

    def thumbnail(sha256: str) -> bytes | None:
        asked.append(sha256)
        return run.thumbnail(sha256)

    path = tmp_path / "report.html"
    page = write_report(path, lambda: iter(expected), run.record(), thumbnail, most_rows=4)
    assert page.rows == page.thumbnails == 4
    for sha256 in asked:
        assert run.thumbnail(sha256) == alone.thumbnail(sha256) is not None
    # No worker was asked for any: it cannot know what the page will show.
    assert list((tmp_path / "out").rglob("*.jpegs")) == []


def test_shards_of_other_sources_are_left_alone_and_said(
    tmp_path: Path, sources: list[str], cluster: Cluster
) -> None:
    list(run_of(tmp_path / "out").stream(sources))
    other = run_of(tmp_path / "out")
    with pytest.warns(UserWarning, match="unfinished work of 1 other run"):
        assert len(list(other.stream(sources[1:]))) == 8
    assert other.record()["engine"]["shards"]["reused"] == 0
    other.finish()
    assert len(list((tmp_path / "out" / "shards").iterdir())) == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"workers": 0}, "--workers must be 1 or more, got 0"),
        ({"shard_size": -1}, "--shard-size must be 1 or more, got -1"),
    ],
)
def test_numbers_below_one_are_refused(
    tmp_path: Path, cluster: Cluster, options: dict[str, int], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        RayRun(SETTINGS, out=tmp_path, work=Work(), **options)


def test_without_ray_the_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sightglass\[ray\]'"):
        RayRun(SETTINGS, out=tmp_path, work=Work())


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("nonsense", "must be HOST:PORT of a Ray cluster's head, or auto, got 'nonsense'"),
        ("ray://head:10001", "must be HOST:PORT"),
        ("head:", "must be HOST:PORT"),
        ("127.0.0.1:99999999", "none answers there"),
        ("127.0.0.1:1", "none answers there"),
    ],
)
def test_an_address_where_no_cluster_is_gets_one_sentence(address: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence), connected(address, None):
        pass


@pytest.mark.parametrize("reply", [[b"HTTP/1.1 400 Bad Request"], [b"\0\0"], []])
def test_a_server_of_something_else_is_no_cluster(reply: list[bytes]) -> None:
    with _server(reply) as address, pytest.raises(InputError, match="is no Ray"):
        check_reachable(address)


def test_a_reply_may_come_in_pieces() -> None:
    with _server([b"\0\0", b"\0", b"\4\0\0"]) as address:
        check_reachable(address)


@contextmanager
def _server(pieces: list[bytes]) -> Iterator[str]:
    """Somebody who says this, piece by piece."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.recv(100)
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(0.02)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join()
