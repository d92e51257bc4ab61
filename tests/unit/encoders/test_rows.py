from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.encoders.rows import Inputs, RowByRow


def squared(inputs: Inputs) -> np.ndarray:
    return np.asarray(inputs["x"] ** 2)


def numbers(count: int, width: int = 3) -> list[Inputs]:
    return [{"x": np.full(width, float(index))} for index in range(count)]


@given(count=st.integers(0, 20), size=st.integers(1, 6), workers=st.integers(1, 3))
def test_rows_come_back_in_order_whatever_the_pass(count: int, size: int, workers: int) -> None:
    rows = RowByRow(squared, size=size, workers=workers)(numbers(count))
    assert [row.tolist() for row in rows] == [[index**2.0] * 3 for index in range(count)]


def test_every_pass_has_the_same_size() -> None:
    seen = []

    def forward(inputs: Inputs) -> np.ndarray:
        seen.append(len(inputs["x"]))
        return squared(inputs)

    RowByRow(forward, size=4, workers=2)(numbers(9))
    assert set(seen) == {4}
    assert len(seen) == 1 + 2  # one tries the positions by the first input, two for the other eight


def test_passes_of_one_input_cost_as_many_passes_as_inputs() -> None:
    seen = []

    def forward(inputs: Inputs) -> np.ndarray:
        seen.append(len(inputs["x"]))
        return squared(inputs)

    RowByRow(forward, size=1, workers=2)(numbers(3))
    assert seen == [1, 1, 1]


def test_inputs_of_different_shapes_never_share_a_pass() -> None:
    inputs = [{"x": np.full(1 + index % 3, float(index))} for index in range(10)]
    rows = RowByRow(squared, size=4, workers=2)(inputs)
    assert [row.tolist() for row in rows] == [[index**2.0] * (1 + index % 3) for index in range(10)]


def test_a_network_whose_rows_depend_on_their_place_runs_one_input_at_a_time() -> None:
    sizes = []

    def forward(inputs: Inputs) -> np.ndarray:
        sizes.append(len(inputs["x"]))
        place = np.arange(len(inputs["x"]))[:, None]
        return squared(inputs) + place * 1e-7

    rows = RowByRow(forward, size=4, workers=1)(numbers(5))
    assert [float(row[0]) for row in rows] == [0.0, 1.0, 4.0, 9.0, 16.0]
    assert sizes == [4, 1, 1, 1, 1, 1]


def test_positions_are_tried_once_for_each_shape() -> None:
    sizes = []

    def forward(inputs: Inputs) -> np.ndarray:
        sizes.append(inputs["x"].shape)
        return squared(inputs)

    network = RowByRow(forward, size=2, workers=1)
    for width in (3, 3, 5, 3):
        network(numbers(2, width))
    # Where they are tried, by the first of two inputs, the second has a pass of its own.
    assert sizes == [(2, 3), (2, 3), (2, 3), (2, 5), (2, 5), (2, 3)]


def test_one_input_alone_is_one_pass() -> None:
    sizes = []

    def forward(inputs: Inputs) -> np.ndarray:
        sizes.append(len(inputs["x"]))
        return squared(inputs)

    network = RowByRow(forward, size=4, workers=1)
    assert [row.tolist() for row in network([{"x": np.full(3, 5.0)}])] == [[25.0] * 3]
    assert sizes == [4]


def test_workers_are_prepared_and_the_caller_is_told_when_all_is_done() -> None:
    started, finished = [], []
    network = RowByRow(
        squared,
        size=1,
        workers=2,
        start_worker=lambda: started.append(threading.get_ident()),
        finish=lambda: finished.append(threading.get_ident()),
    )
    network(numbers(6))
    assert threading.get_ident() not in started
    assert 1 <= len(started) <= 2
    assert finished == [threading.get_ident()]


def test_a_failing_network_raises_and_the_caller_is_told_all_the_same() -> None:
    finished = []

    def forward(inputs: Inputs) -> np.ndarray:
        raise ValueError(f"cannot {len(inputs)}")

    network = RowByRow(forward, size=2, workers=2, finish=lambda: finished.append(True))
    with pytest.raises(ValueError, match="cannot 1"):
        network(numbers(3))
    assert finished == [True]
