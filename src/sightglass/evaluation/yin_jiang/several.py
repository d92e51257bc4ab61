"""How many references per class, and what becomes of bad ones: Table 7 and Figure 3."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sightglass.alignments import IMAGE_IMAGE, TEXT_IMAGE, VISION_ONLY
from sightglass.evaluation.metrics import top_k_score
from sightglass.evaluation.yin_jiang.embedded import Embedded
from sightglass.evaluation.yin_jiang.reference_rows import ReferenceRows
from sightglass.evaluation.yin_jiang.told import Told

COUNTS = (1, 2, 4, 8, 16)
ONE_OR_SEVERAL = ("one", "several")
FUSED = "fused"
_SEED = 0
CURVES = (TEXT_IMAGE, IMAGE_IMAGE, VISION_ONLY, FUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Accuracies with one choice of references.

    Attributes:
        kind: ``good``, ``one class bad``, ``all shuffled`` or ``all exchanged``.
        count: At most so many references per class.
        references: How many these are in all.
        top1: By alignment at hand, and of their fusion; in [0, 1].
        used: Alignments that the gate let through, joined by ``+``.
        dropped: What the gate says of each one that it dropped.
    """

    kind: str
    count: int
    references: int
    top1: dict[str, float]
    used: str
    dropped: tuple[str, ...]


def one_and_several(
    told: Told, pictures: Embedded, references: ReferenceRows, *, per_class: int
) -> Iterator[tuple[str, ReferenceRows]]:
    """``one`` reference per class, and ``several``: those brought, with harvested ones beside.

    Args:
        told: The names with which to harvest.
        pictures: Where to harvest.
        references: Of the other tables, brought or harvested.
        per_class: How many to harvest at most; 0 harvests none.
    """
    yield ONE_OR_SEVERAL[0], references.first(1)
    more = None
    if references.by_construction.all():
        more = told.harvest(pictures, per_class=per_class)
    yield ONE_OR_SEVERAL[1], references if more is None else references.beside(more)


def accuracy_by_references(
    told: Told, pictures: Embedded, references: ReferenceRows, *, weighting: str
) -> list[Point]:
    """Figure 3: with 1, 2, 4 … references per class, then with bad ones of the most.

    One class bad: the class whose name is nearest to another's gets that one's references as its
    own. All shuffled: each reference is said to be of a class by chance. All exchanged: each class
    has another's, which no look at the references alone can find out.
    """
    most = int(references.place.max()) + 1
    points = []
    for count in sorted({min(count, most) for count in COUNTS}):
        points.append(
            _point("good", count, told, pictures, references.first(count), weighting=weighting)
        )
    for kind, bad in (
        ("one class bad", one_class_bad(references, told)),
        ("all shuffled", shuffled(references)),
        ("all exchanged", exchanged(references, len(told.names))),
    ):
        points.append(_point(kind, most, told, pictures, bad, weighting=weighting))
    return points


def confusable_pair(told: Told) -> tuple[int, int]:
    """The two classes whose names are nearest to each other; no picture is looked at."""
    similarity = told.classes @ told.classes.T
    np.fill_diagonal(similarity, -np.inf)
    first, second = np.unravel_index(int(similarity.argmax()), similarity.shape)
    return int(first), int(second)


def one_class_bad(references: ReferenceRows, told: Told) -> ReferenceRows:
    """The first of the confusable pair has, in place of its own, the references of the second."""
    victim, other = confusable_pair(told)
    kept = references.at(np.flatnonzero(references.labels != victim))
    foreign = references.at(np.flatnonzero(references.labels == other))
    return kept.beside(foreign.labelled(np.full(len(foreign), victim)))


def shuffled(references: ReferenceRows) -> ReferenceRows:
    """Every reference is said to be of whatever class chance gives it; counts stay."""
    labels = np.random.default_rng(_SEED).permutation(references.labels)
    return references.labelled(labels)


def exchanged(references: ReferenceRows, n_classes: int) -> ReferenceRows:
    """Every class has the references of the class before it: wrong, but of one mind."""
    return references.labelled((references.labels + 1) % n_classes)


def _point(
    kind: str,
    count: int,
    told: Told,
    pictures: Embedded,
    references: ReferenceRows,
    *,
    weighting: str,
) -> Point:
    heads = told.heads(pictures, references)
    plan = heads.plan(heads.every, weighting=weighting)
    top1 = {
        name: top_k_score(similarity, pictures.labels, k=1)
        for name, similarity in heads.similarity.items()
    }
    top1[FUSED] = top_k_score(heads.fused(plan).probabilities, pictures.labels, k=1)
    return Point(
        kind=kind,
        count=count,
        references=len(references),
        top1=top1,
        used="+".join(one.name for one in plan.used),
        dropped=tuple(f"{one.name}: {one.why}" for one in plan.alignments if not one.used),
    )
