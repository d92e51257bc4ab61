"""None of the known classes: unknown scores from what the alignments say together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_matrix
from sightglass.errors import InputError, ShapeError, unknown_name
from sightglass.fusion import Fused, entropies

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Float64


def open_set_scores(
    fused: Fused | Float[np.ndarray, "n_images n_classes"],
    *,
    score: str,
    known: Bool[np.ndarray, " n_classes"] | None = None,
) -> Float64[np.ndarray, " n_images"]:
    """How likely each image shows none of the known classes; higher means more likely.

    With S the fused scores of a row:

    - ``"oracle_minmax"``: S stretched to [0, 1] and divided by its sum; 1 less the sum over the
      known classes. The released scripts' score. Where all S tie, every class has the same share.
    - ``"oracle_sum"``: S divided by its sum; 1 less the sum over the known classes.
    - ``"oracle_max"``: S divided by its sum; 1 less the largest of a known class.
    - ``"known_only_max"``, also called ``"mcm"``: S of the known classes only, divided by its sum;
      1 less the largest. On one text-image alignment, maximum concept matching.
    - ``"entropy"``: the same distribution's entropy, as a fraction of the largest possible.

    The first three compare the known classes with unknown ones, whose names (true, or guessed
    ones) the classifier was told; results must say so, see ``PROTOCOLS``. What is left of 1 is
    added up from the other classes, so that rows keep their order however certain they are.

    Args:
        fused: From ``fuse``, or its scores: finite, not negative. A row's scale does not matter.
        score: One of the names above.
        known: Which columns are known classes. None means all of them; the oracle scores need it,
            with at least one unknown class.

    Returns:
        float64 in [0, 1]. A row without any score above 0 (among the known classes, for the last
        two) has 1: nothing speaks for a known class.

    Raises:
        ShapeError: If the scores have no two axes, or ``known`` does not fit them.
        InputError: If the scores are not finite or negative, or ``known`` leaves nothing to
            compare.
        UnknownNameError: If ``score`` is unknown.

    Source:
        ``"oracle_minmax"``: the code released with Yin & Jiang 2024, arXiv:2405.02155;
        ``"oracle_sum"``: ZOC, Esmaeilpour et al. 2022, arXiv:2109.02748; ``"oracle_max"``: LMC, Qu
        et al. 2023, arXiv:2309.12780; ``"mcm"``: Ming et al. 2022, arXiv:2211.13445.

    Example:
        >>> import numpy as np
        >>> known = np.array([True, True, False])
        >>> open_set_scores(np.array([[3.0, 1.0, 4.0]]), score="oracle_sum", known=known).tolist()
        [0.5]
    """
    if score not in OPEN_SET_SCORES:
        raise unknown_name("open-set score", score, OPEN_SET_SCORES)
    scores = _checked_scores(fused.scores if isinstance(fused, Fused) else fused)
    mask = _checked_known(known, scores.shape[1], score=score)
    return _FORMULAS[score](scores, mask)


def _oracle_minmax(scores: np.ndarray, known: np.ndarray) -> np.ndarray:
    risen = scores - scores.min(axis=1, keepdims=True)
    # All tied: 0/0 in the scripts. Sums of the row as it is give every class the same share.
    tied = ~risen.any(axis=1, keepdims=True)
    return _oracle_sum(np.where(tied, scores, risen), known)


def _oracle_sum(scores: np.ndarray, known: np.ndarray) -> np.ndarray:
    return _share(scores, ~known[None, :])


def _oracle_max(scores: np.ndarray, known: np.ndarray) -> np.ndarray:
    best = np.where(known, scores, -1.0).argmax(axis=1)
    return _share(scores, np.arange(scores.shape[1]) != best[:, None])


def _known_only_max(scores: np.ndarray, known: np.ndarray) -> np.ndarray:
    return _oracle_max(_columns(scores, known), np.ones(known.sum(), bool))


def _entropy(scores: np.ndarray, known: np.ndarray) -> np.ndarray:
    inside = _columns(scores, known)
    total = inside.sum(axis=1, keepdims=True)
    distributions = np.divide(inside, total, out=np.zeros_like(inside), where=total > 0)
    fractions = np.minimum(entropies(distributions) / np.log(inside.shape[1]), 1.0)
    return np.where(total[:, 0] > 0, fractions, 1.0)


_FORMULAS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "oracle_minmax": _oracle_minmax,
    "oracle_sum": _oracle_sum,
    "oracle_max": _oracle_max,
    "known_only_max": _known_only_max,
    "mcm": _known_only_max,
    "entropy": _entropy,
}
OPEN_SET_SCORES = tuple(_FORMULAS)
_NEED_UNKNOWN = ("oracle_minmax", "oracle_sum", "oracle_max")


def _columns(scores: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The known columns in one memory layout: sums over classes are then taken in one order."""
    return np.ascontiguousarray(scores[:, known])


def _share(scores: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Which part of each row's sum the counted classes hold; 1 where the sum is 0."""
    total = scores.sum(axis=1)
    part = np.where(counted, scores, 0.0).sum(axis=1)
    share: np.ndarray = np.divide(part, total, out=np.ones_like(total), where=total > 0)
    return share


def _checked_scores(scores: np.ndarray) -> np.ndarray:
    wide = np.ascontiguousarray(scores, np.float64)
    check_matrix(wide, where="open_set_scores", name="fused")
    wrong = np.argwhere(~((wide >= 0) & (wide < np.inf)))
    if len(wrong):
        row, column = wrong[0]
        raise InputError(
            f"open_set_scores: scores must be finite and 0 or more, got {wide[row, column]} in row "
            f"{row}, class {column}. Logits and similarities go to max_cosine_scores."
        )
    return wide


def _checked_known(known: np.ndarray | None, n_classes: int, *, score: str) -> np.ndarray:
    mask = np.ones(n_classes, bool) if known is None else np.asarray(known)
    if mask.shape != (n_classes,) or mask.dtype != bool:
        raise ShapeError(
            f"open_set_scores: known needs True or False for each of {n_classes} classes, got "
            f"{mask.dtype} {mask.shape}."
        )
    n_known = int(mask.sum())
    if score in _NEED_UNKNOWN:
        if not 0 < n_known < n_classes:
            raise InputError(
                f"open_set_scores: '{score}' compares known classes with unknown ones, so known "
                f"must be True for some and False for others, got {n_known} known of {n_classes}. "
                f"Where all classes are known, use 'known_only_max'."
            )
    elif n_known < 2:
        raise InputError(
            f"open_set_scores: '{score}' compares known classes with each other and needs at "
            f"least two, got {n_known}."
        )
    return mask
