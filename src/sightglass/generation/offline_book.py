"""A class book without a language model: look-alikes from embeddings of names and of references."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from sightglass.embedding import embed_pictures, embed_texts
from sightglass.encoders.contract import DualEncoder
from sightglass.encoders.wording import templates_for
from sightglass.generation.look_alike_pairs import look_alike_pairs
from sightglass.inputs.background import BACKGROUND_WORDS
from sightglass.inputs.class_book import ClassBook, ClassEntry, Confusable, Origin
from sightglass.inputs.labels import LabelSet
from sightglass.inputs.prompts import class_embeddings
from sightglass.inputs.references import ReferenceSet
from sightglass.reading import read_picture
from sightglass.store import Store

if TYPE_CHECKING:
    from jaxtyping import Bool, Float


def describe_offline(
    labels: LabelSet,
    *,
    encoder: DualEncoder,
    store: Store,
    references: ReferenceSet | None = None,
) -> ClassBook:
    """Which classes look alike as far as an encoder can tell; no descriptions, no features.

    Two classes are a pair if their texts are near (``look_alike_pairs``, measured by everyday
    words), or if the means of their references are (measured by the other classes' means).

    Args:
        labels: The classes.
        encoder: Its text side reads the names, its image side the references.
        store: Remembers what was encoded.
        references: Pictures of some or all classes.
    """

    def encode(texts: Sequence[str]) -> Float[np.ndarray, "n_texts dim"]:
        return embed_texts(texts, encoder=encoder, store=store).rows

    (template,) = templates_for(encoder.card)
    texts = class_embeddings(labels, (template,), encode)
    everyday = encode([template.replace("{}", word) for word in BACKGROUND_WORDS])
    pairs = set(look_alike_pairs(texts, yardstick=everyday))
    if references is not None:
        means, shown = reference_means(references, encoder=encoder, store=store)
        pairs |= pairs_among(means, shown)
    return _book(labels, sorted(pairs), by=encoder.card.name)


def pairs_among(
    rows: Float[np.ndarray, "n_classes dim"], shown: Bool[np.ndarray, " n_classes"]
) -> set[tuple[int, int]]:
    """Look-alike pairs of the classes that have a row; they are their own yardstick."""
    (indices,) = np.nonzero(shown)
    if len(indices) < 2:
        return set()
    pairs = look_alike_pairs(rows[shown], yardstick=rows[shown])
    return {(int(indices[first]), int(indices[second])) for first, second in pairs}


def reference_means(
    references: ReferenceSet, *, encoder: DualEncoder, store: Store
) -> tuple[Float[np.ndarray, "n_classes dim"], Bool[np.ndarray, " n_classes"]]:
    """One unit row per class, the mean of its references, and which classes have one.

    A reference that cannot be opened is left out with a warning.
    """
    read = [
        read_picture(picture.source, store=store, encoder=encoder)
        for picture in references.pictures
    ]
    for picture in read:
        if not picture.usable:
            warnings.warn(
                f"The reference {picture.outcome.path} is left out: {picture.outcome.detail}.",
                stacklevel=2,
            )
    usable = np.array([picture.usable for picture in read], dtype=bool)
    rows = embed_pictures(read, encoder=encoder, store=store).rows
    sums = np.zeros((references.n_classes, encoder.card.dim))
    np.add.at(sums, references.labels[usable], rows)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    shown = lengths[:, 0] > 0
    means = np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0)
    return means.astype(np.float32), shown


def _book(labels: LabelSet, pairs: Sequence[tuple[int, int]], *, by: str) -> ClassBook:
    origin = Origin(by=by, date=datetime.now(UTC).isoformat(timespec="seconds"))
    return ClassBook(
        source="offline",
        classes=tuple(
            ClassEntry(name=names[0], synonyms=names[1:], origin=origin)
            for names in labels.synonyms
        ),
        confusable=tuple(
            Confusable(classes=(labels.names[first], labels.names[second]), origin=origin)
            for first, second in pairs
        ),
        notes=("Made without a language model: pairs are classes whose embeddings are near.",),
    )
