"""How far a number would move with other pictures of the same kind: percentile intervals.

All functions draw the same pictures for the same ``n``, ``resamples`` and ``seed``, so intervals
of different metrics over the same pictures belong together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from sightglass.errors import EvaluationError, InputError, ShapeError
from sightglass.evaluation.metrics.auroc import auroc_of
from sightglass.evaluation.metrics.calibration import calibration_gaps, error_of_gaps
from sightglass.evaluation.metrics.false_positives import fpr_of
from sightglass.evaluation.metrics.oscr import oscr_of
from sightglass.evaluation.metrics.score_counts import scored_images

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

    Interval = tuple[float, float]

RESAMPLES = 1000
LEVEL = 0.95


def interval(
    statistic: Callable[[Int[np.ndarray, " n_images"]], float],
    n: int,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval:
    """The percentile bootstrap over pictures.

    Pictures are drawn with replacement, as many as there are; the interval holds the middle
    ``level`` of the values that the statistic takes on such draws.

    Args:
        statistic: Takes the indices of the pictures that were drawn. NaN means that it has no
            value for this draw (say, no unknown picture in it); such draws are left out.
        n: How many pictures there are.
        resamples: How often to draw.
        seed: Of the random draws; the same seed gives the same interval.
        level: Share of the values inside, above 0 and below 1.

    Returns:
        The lower and the upper end.

    Raises:
        InputError: If a number is out of range.
        EvaluationError: If the statistic has no value for any draw.

    Source:
        Efron 1979, "Bootstrap methods: another look at the jackknife".
    """
    values = [statistic(drawn) for drawn in _draws(n, resamples=resamples, seed=seed)]
    return _middle(np.array(values, dtype=np.float64), level)


def mean_interval(
    values: Float[np.ndarray, " n_images"],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval:
    """``interval`` of the mean of one value per picture, such as a hit or a miss.

    Raises:
        ShapeError: If ``values`` has another shape.
        InputError: As ``interval``.
    """
    wide = np.asarray(values, dtype=np.float64)
    if wide.ndim != 1:
        raise ShapeError(f"mean_interval: values need shape (n_images,), got {wide.shape}.")

    def mean(drawn: Int[np.ndarray, " n_images"]) -> float:
        return float(wide[drawn].mean())

    return interval(mean, len(wide), resamples=resamples, seed=seed, level=level)


def share_interval(
    hits: int, n: int, *, resamples: int = RESAMPLES, seed: int = 0, level: float = LEVEL
) -> Interval:
    """``interval`` of the share of hits among ``n`` pictures, however many these are.

    How many hits are among ``n`` pictures drawn with replacement follows the binomial
    distribution, so that a draw costs one number and not ``n``. It has its own draws: its ends
    differ from those of ``mean_interval`` by chance.

    Args:
        hits: Not negative, at most ``n``.
        n: At least 1.
        resamples: As ``interval``.
        seed: As ``interval``.
        level: As ``interval``.

    Raises:
        InputError: If a number is out of range.
    """
    if n < 1 or resamples < 1 or not 0 <= hits <= n:
        raise InputError(
            f"share_interval: at least one picture and one resample are needed, and hits from 0 to "
            f"the number of pictures, got {n}, {resamples} and {hits}."
        )
    drawn = np.random.default_rng(seed).binomial(n, hits / n, size=resamples)
    return _middle(drawn / n, level)


def calibration_interval(
    probabilities: Float[np.ndarray, "n_images n_classes"],
    labels: Int[np.ndarray, " n_images"],
    *,
    bins: int = 15,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval:
    """``interval`` of ``expected_calibration_error``, whose probabilities are read only once.

    The error of a draw is biased upwards, more so with few pictures per bin: the interval may lie
    above the error itself.

    Raises:
        ShapeError: As ``expected_calibration_error``.
        InputError: As ``expected_calibration_error`` and ``interval``.
    """
    bin_of, gaps = calibration_gaps(probabilities, labels, bins=bins)

    def error(drawn: Int[np.ndarray, " n_images"]) -> float:
        return error_of_gaps(bin_of[drawn], gaps[drawn])

    return interval(error, len(gaps), resamples=resamples, seed=seed, level=level)


def open_set_intervals(
    is_unknown: Bool[np.ndarray, " n_images"],
    unknown_scores: Float[np.ndarray, " n_images"],
    correct: Bool[np.ndarray, " n_images"] | None = None,
    *,
    tpr: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> dict[str, Interval]:
    """``interval`` of all open-set metrics at once; scores are sorted only once.

    Args:
        is_unknown: True for pictures of unknown classes.
        unknown_scores: Higher means more likely unknown.
        correct: Whether a known picture's class was right; None leaves OSCR out.
        tpr: For ``fpr_at_tpr``, known as positive.
        resamples: As ``interval``.
        seed: As ``interval``.
        level: As ``interval``.

    Returns:
        The intervals of ``auroc``, ``fpr`` and, with ``correct``, ``oscr``.

    Raises:
        ShapeError: As ``auroc_score``.
        InputError: As ``auroc_score`` and ``interval``.
    """
    images = scored_images(is_unknown, unknown_scores, correct, where="open_set_intervals")
    values: dict[str, list[float]] = {"auroc": [], "fpr": []}
    if correct is not None:
        values["oscr"] = []
    for drawn in _draws(len(images.rank), resamples=resamples, seed=seed):
        counts = images.counts(drawn)
        values["auroc"].append(auroc_of(counts))
        values["fpr"].append(fpr_of(counts, tpr=tpr))
        if correct is not None:
            values["oscr"].append(oscr_of(counts))
    return {name: _middle(np.array(taken), level) for name, taken in values.items()}


def _draws(n: int, *, resamples: int, seed: int) -> Iterator[Int[np.ndarray, " n_images"]]:
    if n < 1 or resamples < 1:
        raise InputError(
            f"interval: at least one picture and one resample are needed, got {n} and {resamples}."
        )
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        yield rng.integers(0, n, size=n)


def _middle(values: Float[np.ndarray, " n_resamples"], level: float) -> Interval:
    if not 0 < level < 1:
        raise InputError(f"interval: level must be above 0 and below 1, got {level}.")
    told = values[~np.isnan(values)]
    if not len(told):
        raise EvaluationError(
            f"interval: none of {len(values)} draws gave a value. Measure more pictures."
        )
    low, high = np.quantile(told, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
