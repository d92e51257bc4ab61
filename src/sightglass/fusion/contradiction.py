"""References that the class names recognise, but as other classes: folders that were swapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.fusion.agreement import hits_among

if TYPE_CHECKING:
    from jaxtyping import Float, Int

# Of the references, and of the classes: a majority.
_MOST = 0.5


def contradiction(
    text_similarity: Float[np.ndarray, "n_references n_classes"],
    labels: Int[np.ndarray, " n_references"],
) -> tuple[str, ...]:
    """A sentence where names and folders speak of different classes; empty where they do not.

    Names that know nothing of the pictures (digits, say) answer the same few classes to all of
    them: then references are believed. Names that tell the folders apart, each as one class, but
    not as the class that the folder bears, know better than the folders.

    Args:
        text_similarity: Of references with the class names; finite at the labels.
        labels: The class that each folder bears.

    Source:
        Ours.
    """
    hits = hits_among(text_similarity, labels)
    if not len(labels) or hits.above_chance:
        return ()
    answers = text_similarity.argmax(axis=1)
    classes = np.unique(labels)
    usual = {index: int(np.bincount(answers[labels == index]).argmax()) for index in classes}
    agreeing = np.mean(
        [usual[label] == answer for label, answer in zip(labels, answers, strict=True)]
    )
    different = len(set(usual.values())) / len(classes)
    if len(classes) < 2 or agreeing <= _MOST or different <= _MOST:
        return ()
    return (
        f"By the class names, {agreeing:.0%} of the references show one other class per folder, "
        f"and only {hits.share:.0%} the class that their folder bears. Are folders swapped or "
        f"named wrongly? Leave-one-out is not trusted here.",
    )
