"""What class names say of pictures: by one row per class, or by rows that each picture shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sightglass.alignments.text_image import text_image_cosines
from sightglass.embedding import embed_texts
from sightglass.encoders.contract import ConditionedEncoder, DualEncoder
from sightglass.encoders.embeddings import Embeddings
from sightglass.encoders.wording import templates_for
from sightglass.inputs.background import BACKGROUND_WORDS
from sightglass.inputs.labels import LabelSet
from sightglass.inputs.prompts import class_embeddings, class_texts
from sightglass.store import Store

if TYPE_CHECKING:
    from jaxtyping import Float, Float64

    Rows = Float[np.ndarray, "n dim"]


@dataclass(frozen=True, kw_only=True, eq=False)
class FixedTexts:
    """Texts whose rows are the same for every picture.

    Attributes:
        embeddings: Unit rows, one per class.
    """

    embeddings: Embeddings

    @property
    def fingerprint(self) -> str:
        """Of the encoder whose pictures these can be compared with."""
        return self.embeddings.fingerprint

    @property
    def mean_row(self) -> Float[np.ndarray, "1 dim"]:
        """The mean of the rows, not made unit length: its cosine is the mean of theirs."""
        mean: Float[np.ndarray, "1 dim"] = self.embeddings.rows.mean(axis=0, keepdims=True)
        return mean

    def cosines(self, images: Rows) -> Float64[np.ndarray, "n n_classes"]:
        """Of every picture's unit row with every class."""
        return text_image_cosines(images, self._wide)

    @cached_property
    def _wide(self) -> Float64[np.ndarray, "n_classes dim"]:
        # A thousand classes take as long to convert as a batch takes to compare with them.
        return self.embeddings.rows.astype(np.float64)

    def mean_cosines(self, images: Rows) -> Float64[np.ndarray, " n"]:
        """The mean over the classes."""
        return text_image_cosines(images, self.mean_row)[:, 0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConditionedTexts:
    """Texts whose rows each picture shapes: they are made anew for every picture.

    Attributes:
        encoder: Makes them.
        texts: Of each class.
    """

    encoder: ConditionedEncoder
    texts: Sequence[Sequence[str]]

    @property
    def fingerprint(self) -> str:
        """Of the encoder whose pictures these can be compared with."""
        return self.encoder.fingerprint

    def cosines(self, images: Rows) -> Float64[np.ndarray, "n n_classes"]:
        """Of every picture's unit row with every class, as this picture shapes it."""
        return self.encoder.cosines(images, self.texts)

    def mean_cosines(self, images: Rows) -> Float64[np.ndarray, " n"]:
        """The mean over the classes."""
        mean: Float64[np.ndarray, " n"] = self.cosines(images).mean(axis=1)
        return mean


Texts = FixedTexts | ConditionedTexts


def texts_of(
    labels: LabelSet,
    *,
    encoder: DualEncoder,
    store: Store,
    templates: Sequence[str],
    extra: Sequence[Sequence[str]] = (),
) -> Texts:
    """The classes' texts, ready to be compared with pictures.

    Args:
        labels: The classes; all names of one count alike.
        encoder: Of texts and pictures.
        store: Remembers rows that do not depend on a picture.
        templates: From ``templates_for``.
        extra: Per class, whole sentences.
    """
    if isinstance(encoder, ConditionedEncoder):
        return ConditionedTexts(encoder=encoder, texts=class_texts(labels, templates, extra=extra))

    def encode(texts: Sequence[str]) -> Rows:
        return embed_texts(texts, encoder=encoder, store=store).rows

    rows = class_embeddings(labels, templates, encode, extra=extra)
    return FixedTexts(embeddings=Embeddings(rows=rows, fingerprint=encoder.fingerprint))


def everyday_texts(*, encoder: DualEncoder, store: Store) -> Texts:
    """The everyday words, which the unknown score compares with, each in one plain sentence."""
    (template,) = templates_for(encoder.card)
    texts = [template.replace("{}", word) for word in BACKGROUND_WORDS]
    if isinstance(encoder, ConditionedEncoder):
        return ConditionedTexts(encoder=encoder, texts=[[text] for text in texts])
    return FixedTexts(embeddings=embed_texts(texts, encoder=encoder, store=store))
