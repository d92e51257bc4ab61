from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.decisions import near_ties
from sightglass.decisions.unknown import LEAST_ODDS
from sightglass.errors import ShapeError


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def answers(rows: np.ndarray, classes: np.ndarray, background: np.ndarray, scale: float) -> list:
    """Best class of each row, or -1 where it does not rise far enough above the background."""
    logits = scale * rows @ classes.T
    rise = logits.max(axis=1) - (scale * rows @ background.T)[:, 0]
    return np.where(rise > np.log(LEAST_ODDS), logits.argmax(axis=1), -1).tolist()


@given(st.integers(0, 10**6), st.integers(2, 12), st.sampled_from([3, 16, 64]))
def test_no_row_that_is_trusted_changes_its_answer_within_the_rounding(
    seed: int, n_classes: int, dim: int
) -> None:
    rng = np.random.default_rng(seed)
    rows, classes = unit(rng.normal(size=(40, dim))), unit(rng.normal(size=(n_classes, dim)))
    background = classes.mean(axis=0, keepdims=True) * 0.3
    length = 0.05
    moved = rows + length * unit(rng.normal(size=rows.shape))
    # The worst direction of all: the whole length may lie along the difference of two classes.
    tied = near_ties(
        20 * moved @ classes.T,
        (20 * moved @ background.T)[:, 0],
        classes,
        background,
        logit_scale=20,
        rounding=length * np.sqrt(dim),
    )
    exact = answers(rows, classes, background, 20)
    rounded = answers(moved, classes, background, 20)
    assert [a for a, t in zip(exact, tied, strict=True) if not t] == [
        b for b, t in zip(rounded, tied, strict=True) if not t
    ]


def test_the_bound_is_scale_times_rounding_times_distance_over_the_root_of_the_width() -> None:
    # Classes at right angles are sqrt(2) apart; 10 * 0.1 * sqrt(2) / sqrt(4) = 0.70711.
    classes = np.eye(4)[:2]
    background = np.zeros((1, 4))
    logits = np.array([[9.0, 9.0 - 0.7072], [9.0, 9.0 - 0.7070]])
    tied = near_ties(logits, np.zeros(2), classes, background, logit_scale=10, rounding=0.1)
    assert tied.tolist() == [False, True]


def test_a_row_at_the_edge_of_unknown_is_not_trusted() -> None:
    # The class is at distance 1 from the background's zero row: 10 * 0.1 * 1 / 2 = 0.5.
    edge = np.log(LEAST_ODDS)
    logits = np.array([[edge + 0.51, -9.0], [edge + 0.49, -9.0], [edge - 0.49, -9.0]])
    tied = near_ties(
        logits, np.zeros(3), np.eye(4)[:2], np.zeros((1, 4)), logit_scale=10, rounding=0.1
    )
    assert tied.tolist() == [False, True, True]


def test_equal_classes_tie_without_harm() -> None:
    # Twice the same row: the lead is zero whatever the picture's row, rounded or not.
    classes = np.array([[1.0, 0.0], [1.0, 0.0]])
    tied = near_ties(
        np.array([[9.0, 9.0]]), np.zeros(1), classes, np.zeros((1, 2)), logit_scale=9, rounding=0.1
    )
    assert tied.tolist() == [False]


def test_widths_must_fit() -> None:
    with pytest.raises(ShapeError, match="class_embeddings and background need the same width"):
        near_ties(
            np.zeros((1, 2)),
            np.zeros(1),
            np.eye(4)[:2],
            np.zeros((1, 3)),
            logit_scale=1,
            rounding=0.1,
        )
