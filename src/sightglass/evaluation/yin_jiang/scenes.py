"""Scene: the pictures of one open-set split, and which classes are known in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sightglass.evaluation.datasets import class_labels
from sightglass.evaluation.splits import open_set_splits
from sightglass.evaluation.yin_jiang.embedded import Embedded
from sightglass.evaluation.yin_jiang.reference_rows import ReferenceRows

if TYPE_CHECKING:
    from jaxtyping import Bool

OPEN_SETS = ("mnist", "svhn", "cifar10", "cifar+10", "cifar+50", "tinyimagenet")
# How many classes a data set must have for the indices of its splits to mean its classes.
_CLASSES = {"mnist": 10, "svhn": 10, "cifar10": 10, "cifar100": 100, "tinyimagenet": 200}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """A data set as the suite holds it.

    Attributes:
        name: As ``find_datasets`` calls it.
        class_names: As the set spells them.
        pictures: Its rows.
        brought: References that a person brought for it, or None.
    """

    name: str
    class_names: tuple[str, ...]
    pictures: Embedded
    brought: ReferenceRows | None = None

    @property
    def names(self) -> list[str]:
        """One distinct name per class."""
        return class_labels(self.class_names)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """One split.

    Attributes:
        split: Its number.
        pictures: Of known and unknown classes; a label is an index into ``names``.
        names: Of all classes that occur, the known ones first.
        n_known: How many of them are known.
        brought: References for ``names``, or None.
    """

    split: int
    pictures: Embedded
    names: tuple[str, ...]
    n_known: int
    brought: ReferenceRows | None

    @property
    def is_unknown(self) -> Bool[np.ndarray, " n_images"]:
        """Which pictures are of no known class; for metrics only."""
        unknown: np.ndarray = self.pictures.labels >= self.n_known
        return unknown


def sources_of_open_set(dataset: str) -> tuple[str, ...]:
    """Which data sets an open-set experiment takes its pictures from."""
    return ("cifar10", "cifar100") if dataset.startswith("cifar+") else (dataset,)


def fits_splits(subject: Subject) -> bool:
    """Whether a data set has as many classes as the splits count."""
    return len(subject.class_names) == _CLASSES[subject.name]


def scenes_of(dataset: str, subjects: Mapping[str, Subject]) -> Iterator[Scene]:
    """The five splits of an open-set experiment, one after another.

    Args:
        dataset: One of ``OPEN_SETS``.
        subjects: By name; holds at least ``sources_of_open_set(dataset)``.
    """
    first, *rest = (subjects[name] for name in sources_of_open_set(dataset))
    for number, split in enumerate(open_set_splits(dataset)):
        known = _part(first, split.known if rest else (*split.known, *split.unknown))
        if not rest:
            yield Scene(split=number, n_known=len(split.known), **known)
            continue
        unknown = _part(rest[0], split.unknown)
        n_known = len(split.known)
        yield Scene(
            split=number,
            n_known=n_known,
            pictures=known["pictures"].beside(unknown["pictures"], first_label=n_known),
            names=(*known["names"], *unknown["names"]),
            brought=_both(known["brought"], unknown["brought"], n_known),
        )


def _part(subject: Subject, classes: Sequence[int]) -> dict[str, Any]:
    """Pictures, names and references of some classes, counted by their place in ``classes``."""
    place = np.full(len(subject.class_names), -1)
    place[list(classes)] = np.arange(len(classes))
    labels = place[subject.pictures.labels]
    rows = np.flatnonzero(labels >= 0)
    names = subject.names
    return {
        "pictures": subject.pictures.at(rows).labelled(labels[rows]),
        "names": tuple(names[index] for index in classes),
        "brought": None if subject.brought is None else subject.brought.of_classes(classes),
    }


def _both(
    known: ReferenceRows | None, unknown: ReferenceRows | None, n_known: int
) -> ReferenceRows | None:
    if known is None or unknown is None:
        return known if unknown is None else unknown.labelled(unknown.labels + n_known)
    return known.beside(unknown.labelled(unknown.labels + n_known))
