from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.errors import GenerationError, InputError
from sightglass.generation.budget import Budget, BudgetReached


def test_a_budget_is_spent_to_the_last_request_and_not_beyond() -> None:
    budget = Budget(2)
    budget.spend()
    budget.spend()
    with pytest.raises(BudgetReached) as caught:
        budget.spend()
    assert budget.spent == 2
    assert str(caught.value) == (
        "Budget: what comes next would pass what is allowed (requests: 2 of 2 spent). Nothing paid "
        "for is lost: raise --budget or run the same command again to go on."
    )
    assert isinstance(caught.value, GenerationError)


def test_without_a_limit_everything_is_counted_and_nothing_refused() -> None:
    budget = Budget(None, unit="pictures")
    budget.spend(1000)
    budget.spend()
    assert budget.spent == 1001


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(InputError, match="0 or more pictures are needed, got -1"):
        Budget(-1, unit="pictures")


@given(st.integers(0, 20), st.lists(st.integers(1, 5), max_size=15))
def test_what_is_spent_never_passes_the_limit(limit: int, wishes: list[int]) -> None:
    budget = Budget(limit)
    granted = 0
    for wish in wishes:
        if granted + wish <= limit:
            budget.spend(wish)
            granted += wish
        else:
            with pytest.raises(BudgetReached):
                budget.spend(wish)
        assert budget.spent == granted <= limit


def test_many_threads_together_get_exactly_what_is_allowed() -> None:
    budget = Budget(500)

    def tries(_: int) -> int:
        granted = 0
        for _ in range(200):
            try:
                budget.spend()
            except BudgetReached:
                continue
            granted += 1
        return granted

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(tries, range(8))) == 500
    assert budget.spent == 500
