"""Groups of rows that are loaded once and kept as long as there is room for them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class GroupCache(Generic[T]):
    """The groups that were asked for last, as many as fit; safe to use from several threads.

    Args:
        capacity: What all kept groups may cost together, but for the one that was loaded last.
        cost: Of one group.
    """

    def __init__(self, capacity: int, cost: Callable[[T], int]) -> None:
        self._capacity = capacity
        self._cost = cost
        self._lock = threading.Lock()
        self._groups: OrderedDict[int, Future[T]] = OrderedDict()

    def get(self, number: int, load: Callable[[], T]) -> T:
        """The group with this number; threads that want it meanwhile wait for one loading.

        What ``load`` raises is raised in all of them, and tried again next time.
        """
        with self._lock:
            future = self._groups.get(number)
            if future is not None:
                self._groups.move_to_end(number)
            else:
                mine = self._groups[number] = Future()
        if future is not None:
            return future.result()
        try:
            group = load()
        except BaseException as error:
            with self._lock:
                self._groups.pop(number, None)
            mine.set_exception(error)
            raise
        mine.set_result(group)
        with self._lock:
            self._make_room(keep=number)
        return group

    def _make_room(self, *, keep: int) -> None:
        """Drop the groups that were not asked for the longest."""
        costs = {
            number: self._cost(future.result())
            for number, future in self._groups.items()
            if future.done()
        }
        total = sum(costs.values())
        for number, cost in costs.items():
            if total <= self._capacity:
                return
            if number != keep:
                del self._groups[number]
                total -= cost
