"""The answer to one shard, as it travels back and as the disk keeps it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sightglass.pipeline import ZeroShotClassifier
from sightglass.reports.prediction import Row
from sightglass.reports.work import Work

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a worker made of some sources.

    Attributes:
        rows: One per source, in order. A ``duplicate`` is one within these sources.
        thumbnails: JPEG bytes by sha256, of the pictures that were asked for.
        tally: What had to be done: numbers of ``Work``, by name.
        seconds: Per stage, as in ``Work``.
        notes: Warnings of ours that were raised on the way, for the person at the other end.
    """

    rows: Sequence[Row]
    thumbnails: Mapping[str, bytes] = field(default_factory=dict)
    tally: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()


TALLIED = ("read", "encoded", "near_ties", "decoded_again")


def answer_of(
    classifier: ZeroShotClassifier,
    sources: Sequence[str],
    shown: Collection[int] = (),
    progress: Callable[[], None] = lambda: None,
) -> Answer:
    """Classify ``sources`` in this process.

    Args:
        classifier: Settled: nothing is calibrated here.
        sources: Paths or URLs.
        shown: Places in ``sources`` of the pictures whose thumbnails are wanted.
        progress: Called in this thread for each source that is taken, at most three batches before
            its turn, and for each row that is made: never while nothing gets on.
    """
    work = Work()
    predictions = classifier.stream(_each(sources, progress), work)
    rows = [prediction.as_row() for prediction in _each(predictions, progress)]
    thumbnails = {}
    for place in shown:
        sha256 = rows[place]["sha256"]
        jpeg = classifier.thumbnail(sha256) if sha256 else None
        if jpeg:
            thumbnails[sha256] = jpeg
    return Answer(
        rows=rows,
        thumbnails=thumbnails,
        tally={name: getattr(work, name) for name in TALLIED},
        seconds=dict(work.seconds),
    )


def _each(items: Iterable[T], progress: Callable[[], None]) -> Iterator[T]:
    for item in items:
        progress()
        yield item


def joined(answers: Sequence[Answer]) -> Answer:
    """The answers to sources that follow each other, as one."""
    tally = {name: sum(one.tally.get(name, 0) for one in answers) for name in TALLIED}
    stages = dict.fromkeys(stage for one in answers for stage in one.seconds)
    return Answer(
        rows=[row for one in answers for row in one.rows],
        thumbnails={sha: jpeg for one in answers for sha, jpeg in one.thumbnails.items()},
        tally=tally,
        seconds={stage: sum(one.seconds.get(stage, 0.0) for one in answers) for stage in stages},
        notes=[note for one in answers for note in one.notes],
    )
