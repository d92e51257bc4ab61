from __future__ import annotations

import math

import numpy as np
import pytest

import oracle
from sightglass.errors import ShapeError
from sightglass.fusion import softmax


def test_three_to_one_odds_are_three_quarters() -> None:
    np.testing.assert_allclose(softmax(np.array([[0.0, math.log(3)]])), [[0.25, 0.75]], rtol=1e-7)


@pytest.mark.parametrize("spread", [0.01, 1.0, 30.0])
def test_probabilities_agree_with_plain_loops(spread: float) -> None:
    logits = np.random.default_rng(3).standard_normal((6, 9)) * spread
    expected = [oracle.softmax(row) for row in logits.tolist()]
    # Below 1e-37 a float32 has fewer digits, and none below 1e-45.
    np.testing.assert_allclose(softmax(logits), expected, rtol=1e-6, atol=1e-37)


def test_extreme_logits_neither_overflow_nor_become_nan() -> None:
    # e^-20000 is below the least number there is; e^0 stays 1.
    logits = np.array([[1e4, -1e4, 1e4], [-1e4, -1e4, 1e4], [-1e4, -1e4, -1e4]])
    expected = [[0.5, 0.0, 0.5], [0.0, 0.0, 1.0], [1 / 3, 1 / 3, 1 / 3]]
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        probabilities = softmax(logits)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-7)


def test_one_class_is_certain_and_no_images_give_no_rows() -> None:
    assert softmax(np.array([[-7.0]])).tolist() == [[1.0]]
    assert softmax(np.empty((0, 3))).shape == (0, 3)


def test_probabilities_are_float32_and_the_logits_are_left_alone() -> None:
    logits = np.array([[1.0, 2.0]], np.float32)
    assert softmax(logits).dtype == np.float32
    assert logits.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize("shape", [(3,), (1, 2, 3)])
def test_logits_without_two_axes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError) as caught:
        softmax(np.zeros(shape))
    assert str(caught.value) == (
        f"softmax: logits needs two axes (rows, width), got shape {shape}."
    )
