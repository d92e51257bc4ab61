from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.distillation.words.kernel_ridge import KernelRidge
from sightglass.errors import InputError, ShapeError


def test_one_example_by_hand() -> None:
    # K = [[1]], so c = 6 / (1 + 0.5) = 4, and at distance 1: 4 exp(-2).
    fitted = KernelRidge.fit(np.array([[0.0]]), np.array([[6.0]]), gamma=2.0, ridge=0.5)
    assert fitted.predict(np.array([[1.0], [0.0]])).ravel() == pytest.approx(
        [4 * math.exp(-2), 4.0], abs=1e-12
    )


@pytest.mark.parametrize(("gamma", "ridge"), [(1.0, 0.1), (0.3, 2.0)])
def test_predictions_equal_the_closed_form_written_in_loops(gamma: float, ridge: float) -> None:
    rng = np.random.default_rng(3)
    inputs, outputs = rng.normal(size=(9, 4)), rng.normal(size=(9, 3))
    asked = rng.normal(size=(5, 4))

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return math.exp(-gamma * sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))

    regularised = np.array(
        [
            [kernel(a, b) + (ridge if i == j else 0.0) for j, b in enumerate(inputs)]
            for i, a in enumerate(inputs)
        ]
    )
    inverse = np.linalg.inv(regularised)
    wanted = [
        [
            sum(
                kernel(x, inputs[i]) * inverse[i, j] * outputs[j, column]
                for i in range(9)
                for j in range(9)
            )
            for column in range(3)
        ]
        for x in asked
    ]
    made = KernelRidge.fit(inputs, outputs, gamma=gamma, ridge=ridge).predict(asked)
    assert made == pytest.approx(np.array(wanted), abs=1e-9)


def test_with_hardly_any_ridge_the_examples_are_met() -> None:
    rng = np.random.default_rng(0)
    inputs, outputs = rng.normal(size=(20, 6)), rng.normal(size=(20, 2))
    fitted = KernelRidge.fit(inputs, outputs, ridge=1e-10)
    assert fitted.predict(inputs) == pytest.approx(outputs, abs=1e-6)


@given(seed=st.integers(0, 50), factor=st.floats(-3, 3))
def test_predictions_are_linear_in_the_outputs_and_blind_to_the_examples_order(
    seed: int, factor: float
) -> None:
    rng = np.random.default_rng(seed)
    inputs, first, second = (rng.normal(size=(6, width)) for width in (3, 2, 2))
    asked, order = rng.normal(size=(4, 3)), rng.permutation(6)

    def predict(outputs: np.ndarray, rows: np.ndarray = inputs) -> np.ndarray:
        return KernelRidge.fit(rows, outputs).predict(asked)

    both = predict(first + factor * second)
    assert both == pytest.approx(predict(first) + factor * predict(second), abs=1e-9)
    assert predict(first[order], inputs[order]) == pytest.approx(predict(first), abs=1e-9)


def test_what_cannot_be_is_refused() -> None:
    rows = np.ones((3, 2))
    with pytest.raises(InputError, match="ridge must be a finite number above 0, got 0"):
        KernelRidge.fit(rows, rows, ridge=0.0)
    with pytest.raises(InputError, match="gamma must be a finite number above 0, got nan"):
        KernelRidge.fit(rows, rows, gamma=math.nan)
    with pytest.raises(InputError, match="one output per input, and at least one, are needed"):
        KernelRidge.fit(rows[:0], rows[:0])
    with pytest.raises(InputError, match=re.escape("got inputs (3, 2) and outputs (2, 2)")):
        KernelRidge.fit(rows, rows[:2])
    with pytest.raises(ShapeError, match="need the same width"):
        KernelRidge.fit(rows, rows).predict(np.ones((1, 3)))
