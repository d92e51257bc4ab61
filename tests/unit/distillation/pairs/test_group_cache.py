from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.distillation.pairs.group_cache import GroupCache


@given(st.lists(st.integers(0, 6), max_size=60), st.integers(0, 12))
def test_the_groups_asked_for_last_are_kept_as_far_as_there_is_room(
    asked: list[int], room: int
) -> None:
    cache: GroupCache[int] = GroupCache(room, lambda cost: cost)
    loaded: list[int] = []
    kept: list[int] = []  # plain loops: the oldest first; group g costs g

    for number in asked:
        before = len(loaded)
        assert cache.get(number, lambda number=number: loaded.append(number) or number) == number
        assert (len(loaded) > before) == (number not in kept)
        kept = [one for one in kept if one != number]
        if len(loaded) > before:
            while kept and sum(kept) + number > room:
                # What costs nothing goes as well, where it is the oldest.
                kept.pop(0)
        kept.append(number)


def test_threads_that_want_one_group_wait_for_one_loading() -> None:
    cache: GroupCache[str] = GroupCache(10, len)
    begun, go, loads = threading.Event(), threading.Event(), []

    def load() -> str:
        loads.append(1)
        begun.set()
        go.wait(30)
        return "group"

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(cache.get, 1, load)
        begun.wait(30)
        others = [pool.submit(cache.get, 1, load) for _ in range(7)]
        # Another group need not wait for it.
        assert cache.get(2, lambda: "other") == "other"
        go.set()
        assert {one.result() for one in (first, *others)} == {"group"}
    assert len(loads) == 1


def test_what_loading_raises_is_raised_and_tried_again() -> None:
    cache: GroupCache[str] = GroupCache(10, len)

    def fail() -> str:
        raise OSError("gone")

    for _ in range(2):
        with pytest.raises(OSError, match="gone"):
            cache.get(1, fail)
    assert cache.get(1, lambda: "back") == "back"


def test_one_group_larger_than_all_the_room_is_kept_until_the_next() -> None:
    cache: GroupCache[str] = GroupCache(3, len)
    loads = []
    for number in (1, 1, 2, 1):
        cache.get(number, lambda number=number: loads.append(number) or "large")
    assert loads == [1, 2, 1]
