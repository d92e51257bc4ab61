"""One run on Ray: the rows that one machine would give, made by many."""

from __future__ import annotations

import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from sightglass.errors import InputError
from sightglass.reports.first_seen import FirstSeen
from sightglass.reports.folder import SHARDS
from sightglass.reports.prediction import Row
from sightglass.reports.shown_rows import MOST_ROWS
from sightglass.reports.work import Work
from sightglass.scale.answers import TALLIED, Answer
from sightglass.scale.cluster import ClusterTally, answers, connected, require_ray
from sightglass.scale.late_thumbnails import late_thumbnails
from sightglass.scale.merging import in_order, with_duplicates
from sightglass.scale.plan import Plan, plan_of
from sightglass.scale.settings import ClassifierSettings
from sightglass.scale.shard_folder import ShardFolder, run_key
from sightglass.scale.shards import SHARD_SIZE, Shard, Sharding

# More than a report of all rows has room for, so that it can choose; 100 MB come back for them.
MOST_THUMBNAILS = 20_000


class RayRun:
    """Classifies on a Ray cluster; used once.

    Args:
        settings: Of the classifier.
        address: ``HOST:PORT`` of a cluster that this machine belongs to, or ``auto``; None starts
            one of this machine alone and ends it with the run.
        workers: At most so many at once, each with one processor; None for all there are.
        shard_size: Sources that a worker takes at once.
        out: Folder of the results; unfinished work lies in ``shards`` in it.
        work: Filled in on the way.

    Attributes:
        classifier: The one on this machine: it calibrates, and knows the references' thumbnails.

    Raises:
        MissingExtraError: If Ray is not installed.
        InputError: As ``ZeroShotClassifier`` does, or for numbers below 1.
    """

    def __init__(
        self,
        settings: ClassifierSettings,
        *,
        address: str | None = None,
        workers: int | None = None,
        shard_size: int = SHARD_SIZE,
        out: Path,
        work: Work,
    ) -> None:
        for name, number in (("--workers", workers), ("--shard-size", shard_size)):
            if number is not None and number < 1:
                raise InputError(f"{name} must be 1 or more, got {number}.")
        require_ray(address)
        self.classifier = settings.classifier()
        self._settings = settings
        self._address = address
        self._workers = workers
        self._shard_size = shard_size
        self._out = out
        self._work = work
        self._tally = ClusterTally()
        self._worker_seconds: dict[str, float] = {}
        self._shards: dict[str, int] = {}
        self._begun = 0.0
        self._first_answer: float | None = None
        self._folder: ShardFolder | None = None
        self._notes: set[str] = set()
        self._late: dict[str, bytes] = {}

    def stream(self, sources: Sequence[str]) -> Iterator[Row]:
        """One row per source, in order, as ``ZeroShotClassifier.stream`` gives them.

        What arrives is on the disk before it is given on: a run that is stopped goes on from
        there; shards with files that could not be read are computed anew. Files that change
        between the two are not noticed.

        Args:
            sources: Paths or URLs, each once.
        """
        classifier, work = self.classifier, self._work
        classifier.calibrate(sources, work)
        with work.timed("classes"):
            plan = plan_of(
                classifier, self._settings, sources, own_stores=self._address is not None
            )
        sharding = Sharding(sources, self._shard_size)
        key = run_key(plan.digest(), sources, self._shard_size)
        folder = self._folder = ShardFolder(self._out, key)
        if folder.others:
            warnings.warn(
                f"{self._out / SHARDS} holds unfinished work of {folder.others} other "
                f"{'run' if folder.others == 1 else 'runs'} (other settings or files). It is left "
                f"alone; remove what is not needed any more.",
                stacklevel=2,
            )
        kept = {number for number in folder.kept() if number < len(sharding)}
        done = {number for number in kept if folder.is_done(number, sharding[number].sources)}
        if kept > done:
            anew = len(kept - done)
            warnings.warn(
                f"{anew:,} {'shard' if anew == 1 else 'shards'} of an earlier run "
                f"{'is' if anew == 1 else 'are'} computed anew: damaged, or with files that could "
                f"not be read then.",
                stacklevel=2,
            )
        self._shards = {"of": len(sharding), "reused": len(done), "size": self._shard_size}
        arriving = self._arriving(plan, sharding, sorted(set(range(len(sharding))) - done))
        try:
            numbers = in_order(len(sharding), done, arriving, self._keep)
            rows = (
                row
                for number in work.timed_each("cluster", numbers)
                for row in folder.rows(number, sharding[number].sources)
            )
            for row in with_duplicates(rows, FirstSeen()):
                work.counts[row["outcome"]] += 1
                if row["label"] is not None:
                    work.labels[row["label"]] += 1
                yield row
        finally:
            arriving.close()
        if sharding.total > MOST_ROWS:
            with work.timed("thumbnails"):
                shards = (sharding[number] for number in range(len(sharding)))
                self._late = late_thumbnails(
                    (row for one in shards for row in folder.rows(one.number, one.sources)),
                    labels=work.labels,
                    failed=work.failed,
                    classifier=classifier,
                    at_hand=self.thumbnail,
                    most_rows=MOST_ROWS,
                )

    def record(self, *, command: Sequence[str] = ()) -> dict[str, Any]:
        """What run.json says: as of one machine, and what the cluster did."""
        tally = self._tally
        return {
            **self.classifier.run_record(self._work, command=command),
            "engine": {
                "name": "ray",
                "address": self._address,
                "workers": tally.workers,
                "nodes": tally.nodes,
                "nodes_that_answered": len(tally.answered),
                "shards": self._shards,
                "begun_again": tally.begun - tally.arrived,
                "seconds_to_first_answer": self._first_answer,
                "worker_seconds": {
                    stage: round(seconds, 4) for stage, seconds in self._worker_seconds.items()
                },
            },
        }

    def thumbnail(self, sha256: str) -> bytes | None:
        """JPEG bytes of a picture or a reference; None if they did not come back."""
        found = None if self._folder is None else self._folder.thumbnail(sha256)
        return found or self._late.get(sha256) or self.classifier.thumbnail(sha256)

    def finish(self) -> None:
        """The results are in place: forget the shards."""
        if self._folder is not None:
            self._folder.remove()

    def _keep(self, number: int, answer: Answer) -> None:
        if self._first_answer is None:
            self._first_answer = round(time.monotonic() - self._begun, 4)
        assert self._folder is not None
        self._folder.save(number, answer)
        for name in TALLIED:
            setattr(self._work, name, getattr(self._work, name) + answer.tally.get(name, 0))
        for note in answer.notes:
            if note not in self._notes:
                self._notes.add(note)
                warnings.warn(note, stacklevel=2)
        for stage, seconds in answer.seconds.items():
            self._worker_seconds[stage] = self._worker_seconds.get(stage, 0.0) + seconds

    def _arriving(
        self, plan: Plan, sharding: Sharding, missing: Sequence[int]
    ) -> Generator[tuple[int, Answer]]:
        if not missing:
            return
        self._begun = time.monotonic()
        with connected(self._address, self._workers) as ray:
            yield from answers(
                ray,
                plan,
                (sharding[number] for number in missing),
                lambda shard: shown_of(shard, sharding.total),
                workers=self._workers,
                tally=self._tally,
            )


def shown_of(shard: Shard, total: int, most: int = MOST_THUMBNAILS) -> list[int]:
    """Places in a shard of the pictures that a report may show: ``most`` of ``total``, or all.

    The run is cut into ``most`` stretches, equal to one picture, and the first of each is taken.
    Of a run whose rows a report cannot all show there are none: nobody knows yet which it will.
    """
    if total > MOST_ROWS:
        return []
    return [
        place - shard.first
        for place in range(shard.first, shard.first + len(shard.sources))
        if place == 0 or place * most // total > (place - 1) * most // total
    ]
