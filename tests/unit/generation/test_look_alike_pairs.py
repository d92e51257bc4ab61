from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.errors import ShapeError
from sightglass.generation.look_alike_pairs import look_alike_pairs, stands_out_above


def unit(rows: list[list[float]]) -> np.ndarray:
    array = np.array(rows, dtype=np.float64)
    return (array / np.linalg.norm(array, axis=1, keepdims=True)).astype(np.float32)


def random_rows(seed: int, count: int, dim: int = 6) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, dim)).tolist())


def by_loops(rows: np.ndarray, yardstick: np.ndarray) -> list[tuple[int, int]]:
    """The rule in plain loops over Python floats."""

    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        return math.fsum(float(x) * float(y) for x, y in zip(a, b, strict=True))

    n = len(yardstick)
    all_pairs = [cosine(yardstick[i], yardstick[j]) for i in range(n) for j in range(i)]
    mean = math.fsum(all_pairs) / len(all_pairs)
    spread = math.sqrt(math.fsum((c - mean) ** 2 for c in all_pairs) / len(all_pairs))
    nearest = []
    for i in range(len(rows)):
        others = [j for j in range(len(rows)) if j != i]
        nearest.append(sorted(others, key=lambda j, i=i: -cosine(rows[i], rows[j]))[:3])
    return [
        (i, j)
        for i in range(len(rows))
        for j in range(i + 1, len(rows))
        if j in nearest[i] and i in nearest[j] and cosine(rows[i], rows[j]) > mean + 2 * spread
    ]


def test_the_threshold_is_two_deviations_above_the_mean() -> None:
    # Cosines of the three pairs: 1, 0, 0. Mean 1/3, deviation sqrt(2)/3.
    rows = unit([[1, 0], [1, 0], [0, 1]])
    assert stands_out_above(rows) == pytest.approx((1 + 2 * math.sqrt(2)) / 3)


def test_near_classes_are_pairs_and_far_ones_are_not() -> None:
    rows = unit([[1, 0, 0], [1, 0.1, 0], [0, 1, 0], [0, 0, 1]])
    # Everyday directions at right angles: the threshold is 0.
    assert look_alike_pairs(rows, yardstick=np.eye(3, dtype=np.float32)) == [(0, 1), (1, 2)]
    # A yardstick of the three pairs (1, 0, 0) asks for more than 1.27.
    assert look_alike_pairs(rows, yardstick=unit([[1, 0, 0], [1, 0, 0], [0, 1, 0]])) == []


def test_a_class_that_is_near_all_is_paired_only_where_it_is_meant() -> None:
    # The hub is the nearest of all five, but has only three nearest itself.
    hub = [[1.0, 1, 1, 1, 1]]
    spokes = [[1 + 0.5 * (i == j) for j in range(5)] for i in range(5)]
    spokes = [[*row[:i], 1.5 + 0.1 * i, *row[i + 1 :]] for i, row in enumerate(spokes)]
    found = look_alike_pairs(unit(hub + spokes), yardstick=np.eye(5, dtype=np.float32))
    assert sum(0 in pair for pair in found) == 3


@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(2, 12))
def test_pairs_agree_with_the_rule_written_as_loops(seed: int, n: int, m: int) -> None:
    rows, yardstick = random_rows(seed, n), random_rows(seed + 1, m)
    assert look_alike_pairs(rows, yardstick=yardstick) == by_loops(rows, yardstick)
    assert look_alike_pairs(rows, yardstick=rows) == by_loops(rows, rows)


@given(st.integers(0, 2**32 - 1), st.permutations(range(8)))
def test_the_order_of_classes_only_renames_pairs(seed: int, order: list[int]) -> None:
    rows, yardstick = random_rows(seed, 8), random_rows(seed + 1, 20)
    turned = look_alike_pairs(rows[order], yardstick=yardstick)
    renamed = sorted(tuple(sorted((order[a], order[b]))) for a, b in turned)
    assert renamed == look_alike_pairs(rows, yardstick=yardstick)


@given(st.integers(0, 2**32 - 1), st.integers(2, 3))
def test_among_two_or_three_classes_none_stands_out_by_their_own_measure(seed: int, n: int) -> None:
    # The largest of N numbers is at most (N - 1) / sqrt(N) deviations above their mean (Samuelson
    # 1968): 1.15 for the 3 pairs of 3 classes.
    rows = random_rows(seed, n)
    assert look_alike_pairs(rows, yardstick=rows) == []


def test_rows_of_another_width_or_too_few_are_refused() -> None:
    with pytest.raises(ShapeError, match="same width"):
        look_alike_pairs(np.eye(3, dtype=np.float32), yardstick=np.eye(4, dtype=np.float32))
    with pytest.raises(ShapeError, match="at least two rows are needed, got 1"):
        look_alike_pairs(np.eye(3, dtype=np.float32), yardstick=np.ones((1, 3), np.float32))
