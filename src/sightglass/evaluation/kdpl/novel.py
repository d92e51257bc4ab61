"""Base-to-novel: learn from one half of the classes, be tested on each half by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sightglass.evaluation.kdpl.dataset import KdplDataset
from sightglass.evaluation.kdpl.halves import base_and_novel
from sightglass.evaluation.kdpl.learning import PromptLearner, learn
from sightglass.evaluation.kdpl.measured import BASE, NOVEL, UNSEEN, About
from sightglass.evaluation.kdpl.methods import Method
from sightglass.evaluation.kdpl.shots import Shots
from sightglass.evaluation.kdpl.source_trained import untrained
from sightglass.evaluation.metrics_json import MetricRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Halves:
    """A data set in two.

    Attributes:
        base: The classes that are learned, and nothing else.
        novel: The others; no picture of these is learned from.
    """

    base: KdplDataset
    novel: KdplDataset


def halves_of(dataset: KdplDataset, *, limit: int | None) -> Halves:
    """Both halves, each with at most ``limit`` test pictures.

    Raises:
        InputError: If a half has no test picture.
    """
    base, novel = base_and_novel(dataset)
    return Halves(base=base.limited(limit), novel=novel.limited(limit))


def base_to_novel(
    learner: PromptLearner,
    method: Method,
    halves: Halves,
    shots: Shots,
    *,
    seed: int,
    about: About,
) -> Iterator[MetricRow]:
    """Learn from shots of the base half; the candidates of each half are its own names only."""
    learned = learn(learner, method, halves.base, shots, seed=seed, setting="base_to_novel")
    for half, metric in ((halves.base, BASE), (halves.novel, UNSEEN)):
        logits = learned.logits(half.test_pictures, half.class_names)
        yield about.row(logits, half, method, protocol=NOVEL, metric=metric, seed=seed)


def halves_untrained(
    learner: PromptLearner, halves: Halves, *, about: About
) -> Iterator[MetricRow]:
    """Both models as they are, on each half with its own names."""
    for half, metric in ((halves.base, BASE), (halves.novel, UNSEEN)):
        yield from untrained(learner, half, protocol=NOVEL, about=about, metric=metric)
