"""References that the class names recognise, but as other classes: folders that were swapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.fusion.agreement import hits_among

if TYPE_CHECKING:
    from jaxtyping import Float, Int

# What the names could get right if every folder were renamed to their liking, at least; and which
# part of that they must get right as it is.
_KNOWING, _LEAST_PART = 0.4, 0.25


def contradiction(
    text_similarity: Float[np.ndarray, "n_references n_classes"],
    labels: Int[np.ndarray, " n_references"],
) -> tuple[str, ...]:
    """A sentence where names and folders speak of different classes; empty where they do not.

    Names that know nothing of the pictures (digits, say) answer the same few classes to all of
    them: then references are believed. Names that tell the folders apart, each as one class, but
    not as the class that the folder bears, know better than the folders.

    If a folder's usual answer were its name, the names would be right for the share of references
    with their folder's usual answer, times the share of folders whose usual answer can be told from
    the others'. Where that is 0.4 or more and the names, as the folders stand, get less than a
    quarter of it, the folders are doubted.

    Args:
        text_similarity: Of references with the class names; finite at the labels.
        labels: The class that each folder bears.

    Source:
        Ours.
    """
    if len(np.unique(labels)) < 2:
        return ()
    hits = hits_among(text_similarity, labels)
    answers = text_similarity.argmax(axis=1)
    usual = {index: int(np.bincount(answers[labels == index]).argmax()) for index in set(labels)}
    agreeing = float(np.mean([usual[label] for label in labels] == answers))
    renamed = agreeing * len(set(usual.values())) / len(usual)
    if renamed < _KNOWING or hits.share >= _LEAST_PART * renamed:
        return ()
    return (
        f"By the class names, {agreeing:.0%} of the references show one other class per folder, "
        f"and only {hits.share:.0%} the class that their folder bears. Are folders swapped or "
        f"named wrongly? Leave-one-out is not trusted here.",
    )
