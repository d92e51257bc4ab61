"""Told: the class names that a classifier is given, as rows, with the everyday words beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sightglass.embedding import embed_texts
from sightglass.evaluation.yin_jiang.embedded import Embedded, Encoders
from sightglass.evaluation.yin_jiang.heads import Heads, heads_of
from sightglass.evaluation.yin_jiang.reference_rows import ReferenceRows, harvested
from sightglass.generation.everyday_words import word_embeddings
from sightglass.inputs.labels import LabelSet
from sightglass.inputs.prompts import class_embeddings, class_texts

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    Rows = Float[np.ndarray, "n dim"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Told:
    """Names as rows.

    Attributes:
        names: In the order of every ``n_classes`` axis.
        classes: Unit rows, one per name.
        raw_classes: What the network gives for each name in the first template, of any length.
        words: Unit rows of everyday words that are none of the names.
        text_scale: The encoder card's.
    """

    names: tuple[str, ...]
    classes: Rows
    raw_classes: Rows
    words: Rows
    text_scale: float

    def references(
        self, pictures: Embedded, brought: ReferenceRows | None, *, per_class: int
    ) -> ReferenceRows | None:
        """What was brought; where nothing was, what the pictures themselves yield; or None.

        Args:
            pictures: Unlabelled.
            brought: For these classes, or None.
            per_class: How many to harvest at most; 0 harvests none.
        """
        if brought is not None and len(brought):
            return brought
        return self.harvest(pictures, per_class=per_class)

    def harvest(self, pictures: Embedded, *, per_class: int) -> ReferenceRows | None:
        """References from the pictures, found with these names and no others; None without any."""
        if per_class == 0:
            return None
        found = harvested(
            pictures,
            classes=self.classes,
            words=self.words,
            logit_scale=self.text_scale,
            per_class=per_class,
        )
        return found if len(found) else None

    def heads(self, pictures: Embedded, references: ReferenceRows | None) -> Heads:
        """The alignments of ``pictures`` with these classes."""
        return heads_of(pictures, self.classes, references, text_scale=self.text_scale)


def tell(names: Sequence[str], encoders: Encoders, templates: Sequence[str]) -> Told:
    """Rows of ``names``, by way of the store.

    Args:
        names: At least two, all different.
        encoders: The dual one encodes the texts.
        templates: Sentences with one ``{}`` each.
    """
    labels = LabelSet.of(names, reserved=())

    def encode(texts: Sequence[str]) -> Rows:
        return embed_texts(texts, encoder=encoders.dual, store=encoders.store).rows

    first = [texts[0] for texts in class_texts(labels, templates[:1])]
    return Told(
        names=labels.names,
        raw_classes=embed_texts(first, encoder=encoders.dual, store=encoders.store).raw,
        classes=class_embeddings(labels, templates, encode),
        words=word_embeddings(labels, templates, encode),
        text_scale=encoders.dual.card.logit_scale or 1.0,
    )
