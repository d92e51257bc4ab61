from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.read_ahead import ahead, batches


@given(st.lists(st.integers()), st.integers(1, 4), st.integers(1, 10))
def test_results_come_in_the_order_of_the_items(
    items: list[int], threads: int, window: int
) -> None:
    assert list(ahead(lambda n: n * n, items, threads=threads, window=window)) == [
        n * n for n in items
    ]


def test_never_more_than_the_window_wait() -> None:
    taken = 0

    def source() -> object:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield number

    results = ahead(lambda n: n, source(), threads=2, window=5)
    for given_out in range(1, 20):
        next(results)
        assert taken - given_out < 5
    results.close()


def test_an_error_comes_out_where_its_result_would() -> None:
    def fail_at_three(n: int) -> int:
        if n == 3:
            raise ValueError("three")
        return n

    results = ahead(fail_at_three, range(9), threads=2, window=4)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)


def test_closing_early_drops_what_has_not_begun() -> None:
    begun: list[int] = []

    def work(n: int) -> int:
        begun.append(n)
        time.sleep(0.02)
        return n

    results = ahead(work, range(50), threads=1, window=40)
    assert next(results) == 0
    results.close()
    assert len(begun) < 20  # of the 40 in the window; on a busy machine a few more than one


def test_several_items_are_worked_on_at_once() -> None:
    meeting = threading.Barrier(2, timeout=5)
    assert list(ahead(lambda _: meeting.wait() >= 0, range(4), threads=2, window=4)) == [True] * 4


@given(st.lists(st.integers(), max_size=40), st.integers(1, 7))
def test_batches_keep_order_and_lose_nothing(items: list[int], size: int) -> None:
    made = list(batches(items, size))
    assert [item for batch in made for item in batch] == items
    assert all(len(batch) == size for batch in made[:-1])
    assert all(made)


def test_a_slow_item_does_not_stop_later_ones_from_starting() -> None:
    started: list[int] = []

    def work(n: int) -> int:
        started.append(n)
        time.sleep(0.2 if n == 0 else 0)
        return n

    results = ahead(work, range(8), threads=2, window=8)
    next(results)
    assert len(started) > 2
    results.close()
