from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sightglass.distillation.pairs.windowed_order import windowed_order

groups = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 20)), min_size=1, max_size=12).filter(
    lambda some: sum(rows for rows, _ in some) > 0
)


def order_of(some: list[tuple[int, int]], budget: int, seed: int = 0, epoch: int = 0) -> np.ndarray:
    rows, costs = zip(*some, strict=True)
    return windowed_order(rows, costs, budget=budget, seed=seed, epoch=epoch)


@given(groups, st.integers(0, 60), st.integers(0, 2**40), st.integers(0, 99))
def test_every_row_comes_once_and_the_same_order_each_time(
    some: list[tuple[int, int]], budget: int, seed: int, epoch: int
) -> None:
    order = order_of(some, budget, seed, epoch)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(sum(rows for rows, _ in some)))
    assert np.array_equal(order, order_of(some, budget, seed, epoch))


@given(groups, st.integers(1, 60), st.integers(0, 5))
def test_who_keeps_a_windows_groups_reads_each_group_once(
    some: list[tuple[int, int]], budget: int, seed: int
) -> None:
    owner = [group for group, (rows, _) in enumerate(some) for _ in range(rows)]
    # The groups that are begun and not yet done with are all of one window.
    seen: dict[int, int] = {}
    for row in order_of(some, budget, seed).tolist():
        seen[owner[row]] = seen.get(owner[row], 0) + 1
        under_way = [group for group, count in seen.items() if count < some[group][0]]
        assert sum(some[group][1] for group in under_way) <= max(
            budget, max((some[group][1] for group in under_way), default=0)
        )


def test_a_budget_for_all_is_a_plain_shuffle() -> None:
    # 6 groups of 50: neighbours in the order are of one group in 49 of 299 cases.
    order = order_of([(50, 1)] * 6, budget=6)
    together = np.mean(order[1:] // 50 == order[:-1] // 50)
    assert abs(together - 49 / 299) < 4 * np.sqrt(49 / 299 * 250 / 299 / 299)


def test_groups_that_the_budget_cannot_hold_come_one_after_the_other_each_shuffled() -> None:
    order = order_of([(50, 9)] * 6, budget=5).reshape(6, 50)
    assert all(len(set((part // 50).tolist())) == 1 for part in order)
    assert sorted(part[0] // 50 for part in order) == list(range(6))
    assert all(sorted(part.tolist()) != part.tolist() for part in order)


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    orders = {
        order_of([(10, 4)] * 5, 8, seed, epoch).tobytes()
        for seed in range(10)
        for epoch in range(10)
    }
    assert len(orders) == 100
