"""Several names of one class as one candidate: all of them, joined by "or"."""

from __future__ import annotations

from sightglass.inputs.labels import clean_name

_BETWEEN = ",or "


def any_of(lemmas: str) -> str:
    """All lemmas as one name, with spaces for underscores: "dugong,or Dugong dugon".

    Args:
        lemmas: With a comma and a space between: "dugong, Dugong dugon".

    Returns:
        Nothing (an empty text) where there is no lemma.

    Source:
        Cheng et al. 2021, arXiv:2104.08945, as github.com/facebookresearch/OTTER writes it: no
        space before "or".
    """
    cleaned = (clean_name(lemma) for lemma in lemmas.split(", "))
    return _BETWEEN.join(lemma for lemma in cleaned if lemma)
