"""Shots: a few pictures of every class to learn from, the same on every machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightglass.evaluation.kdpl.dataset import KdplDataset, digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Shots:
    """What a prompt learns from.

    Attributes:
        pictures: Paths that can be opened, ascending.
        labels: Class index of each; for the supervised hosts only.
        fewest: Pictures of the class that has fewest.
        digest: Hex sha256 of the relative paths with their labels.
    """

    pictures: tuple[str, ...]
    labels: tuple[int, ...]
    fewest: int
    digest: str


def draw_shots(dataset: KdplDataset, *, per_class: int, seed: int) -> Shots:
    """At most ``per_class`` training pictures of every class; all of a class that has fewer.

    Each class is drawn by a generator of (seed, class index) from its sorted paths. So the base
    half draws what the whole would draw of these classes, fewer shots are a part of more, and
    neither the order of the list nor the folder's place changes anything. To know the classes is
    the published protocol's only use of labels where a prompt is distilled.

    Args:
        dataset: Its ``train`` list is drawn from; not a mere target.
        per_class: At least 1.
        seed: Not negative.
    """
    of_class: list[list[str]] = [[] for _ in dataset.class_names]
    for path, label in dataset.train:
        of_class[label].append(path)
    drawn: list[tuple[str, int]] = []
    for label, paths in enumerate(of_class):
        order = np.random.default_rng((seed, label)).permutation(len(paths))[:per_class]
        ascending = sorted(paths)
        drawn += [(ascending[at], label) for at in order]
    # By path: the order in which pictures are handed over must not depend on the labels.
    drawn.sort()
    return Shots(
        pictures=dataset.paths(path for path, _ in drawn),
        labels=tuple(label for _, label in drawn),
        fewest=min(per_class, *map(len, of_class)),
        digest=digest_of(drawn),
    )
