"""Whether a class's name says more of a picture than everyday words do.

Classes compete only with each other: of ten numerals one always comes first, also for a picture
that the model takes for a hook. A reference must be better named than that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_same_width
from sightglass.inputs.background import BACKGROUND_WORDS
from sightglass.inputs.labels import LabelSet, name_key
from sightglass.inputs.prompts import class_embeddings

if TYPE_CHECKING:
    from jaxtyping import Bool, Float


def word_embeddings(
    labels: LabelSet,
    templates: Sequence[str],
    encode: Callable[[Sequence[str]], Float[np.ndarray, "n_texts dim"]],
) -> Float[np.ndarray, "n_words dim"]:
    """Unit rows of the everyday words that are no class's name, made as the classes' rows are."""
    return class_embeddings(words_beside(labels), templates, encode)


def words_beside(labels: LabelSet) -> LabelSet:
    """The everyday words that are no class's name, each as a class."""
    taken = {name_key(name) for names in labels.synonyms for name in names}
    words = [word for word in BACKGROUND_WORDS if name_key(word) not in taken]
    return LabelSet.of(words, reserved=())


def better_named(
    image_embeddings: Float[np.ndarray, "n_images dim"],
    *,
    classes: Float[np.ndarray, "n_classes dim"],
    words: Float[np.ndarray, "n_words dim"],
) -> Bool[np.ndarray, " n_images"]:
    """True where the best class is at least as similar to the picture as every word is."""
    where = "better_named"
    for other, name in ((classes, "classes"), (words, "words")):
        check_same_width(image_embeddings, other, where=where, names=("image_embeddings", name))
    wide = image_embeddings.astype(np.float64)
    by_class, by_word = ((wide @ other.T).max(axis=1) for other in (classes, words))
    named: Bool[np.ndarray, " n_images"] = by_class >= by_word
    return named
