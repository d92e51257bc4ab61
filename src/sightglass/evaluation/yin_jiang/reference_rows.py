"""ReferenceRows: reference pictures of classes as rows in both spaces, in the order of choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sightglass.alignments import align_text_image
from sightglass.decisions import background_scores
from sightglass.evaluation.yin_jiang.embedded import Embedded
from sightglass.fusion import softmax
from sightglass.generation.everyday_words import better_named
from sightglass.generation.harvest_rule import choose_references

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

NO_PICTURE = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceRows:
    """References of some or all classes.

    Attributes:
        image: Unit rows in the space of the text-image model.
        vision: The same pictures in the vision-only space, or None.
        labels: Class index of each.
        own: Which of the test pictures each one is; ``NO_PICTURE`` where it is none of them.
        by_construction: Which were made or brought for their class, not chosen by an alignment.
    """

    image: Float[np.ndarray, "n dim"]
    vision: Float[np.ndarray, "n dim_vision"] | None
    labels: Int[np.ndarray, " n"]
    own: Int[np.ndarray, " n"]
    by_construction: Bool[np.ndarray, " n"]

    def __len__(self) -> int:
        """Number of references."""
        return len(self.labels)

    def at(self, rows: Int[np.ndarray, " n_chosen"]) -> ReferenceRows:
        """Only these references, in this order."""
        return ReferenceRows(
            image=self.image[rows],
            vision=None if self.vision is None else self.vision[rows],
            labels=self.labels[rows],
            own=self.own[rows],
            by_construction=self.by_construction[rows],
        )

    def first(self, per_class: int) -> ReferenceRows:
        """At most the first ``per_class`` of every class."""
        return self.at(np.flatnonzero(self.place < per_class))

    def of_classes(self, classes: Sequence[int]) -> ReferenceRows:
        """Those of the classes given, whose labels become their places in ``classes``."""
        place = {label: at for at, label in enumerate(classes)}
        kept = self.at(np.flatnonzero([label in place for label in self.labels.tolist()]))
        return kept.labelled(np.array([place[label] for label in kept.labels.tolist()], np.int64))

    def labelled(self, labels: Int[np.ndarray, " n"]) -> ReferenceRows:
        """The same pictures said to be of other classes."""
        return replace(self, labels=labels)

    def beside(self, other: ReferenceRows) -> ReferenceRows:
        """These, then the other ones."""
        return ReferenceRows(
            image=np.concatenate([self.image, other.image]),
            vision=None
            if self.vision is None or other.vision is None
            else np.concatenate([self.vision, other.vision]),
            labels=np.concatenate([self.labels, other.labels]),
            own=np.concatenate([self.own, other.own]),
            by_construction=np.concatenate([self.by_construction, other.by_construction]),
        )

    @property
    def place(self) -> Int[np.ndarray, " n"]:
        """Of each reference how many of its class come before it."""
        seen: dict[int, int] = {}
        places = []
        for label in self.labels.tolist():
            places.append(seen.get(label, 0))
            seen[label] = places[-1] + 1
        return np.array(places, np.int64)


def brought(rows: Embedded) -> ReferenceRows:
    """References that a person brought, none of them a test picture."""
    return ReferenceRows(
        image=rows.image,
        vision=rows.vision,
        labels=rows.labels,
        own=np.full(len(rows), NO_PICTURE),
        by_construction=np.ones(len(rows), bool),
    )


def harvested(
    pictures: Embedded,
    *,
    classes: Float[np.ndarray, "n_classes dim"],
    words: Float[np.ndarray, "n_words dim"],
    logit_scale: float,
    per_class: int,
) -> ReferenceRows:
    """References among the pictures themselves, by the rule of ``sightglass harvest``.

    Transductive: the pictures are looked at all together, without a label.

    Args:
        pictures: Their labels are not looked at.
        classes: Unit rows of the classes that the classifier is told of.
        words: Unit rows of everyday words that are no class's name.
        logit_scale: The encoder card's.
        per_class: At most this many of each class, 1 or more.
    """
    logits = align_text_image(pictures.image, classes, logit_scale=logit_scale)
    mean = words.mean(axis=0, keepdims=True)
    background = align_text_image(pictures.image, mean, logit_scale=logit_scale)[:, 0]
    harvest = choose_references(
        softmax(logits).astype(np.float32),
        background_scores(logits, background),
        pictures.image if pictures.vision is None else pictures.vision,
        per_class=per_class,
        named=better_named(pictures.image, classes=classes, words=words),
        content=pictures.content,
    )
    own = np.array([row for of_class in harvest.indices for row in of_class], np.int64)
    labels = np.repeat(np.arange(len(classes)), [len(rows) for rows in harvest.indices])
    return ReferenceRows(
        image=pictures.image[own],
        vision=None if pictures.vision is None else pictures.vision[own],
        labels=labels,
        own=own,
        by_construction=np.zeros(len(own), bool),
    )
