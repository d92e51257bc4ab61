"""A limit on what may be spent, checked before each spending."""

from __future__ import annotations

import threading

from sightglass.errors import GenerationError, InputError


class BudgetReached(GenerationError):
    """The next request would be one more than the budget allows; it was not sent."""


class Budget:
    """Counts what is spent and stops before a limit is passed. Safe from several threads.

    Args:
        limit: At most this much may be spent; None sets no limit.
        unit: What is counted, as a message names it.

    Raises:
        InputError: If the limit is negative.
    """

    def __init__(self, limit: int | None, unit: str = "requests") -> None:
        if limit is not None and limit < 0:
            raise InputError(f"Budget: 0 or more {unit} are needed, got {limit}.")
        self.limit = limit
        self.unit = unit
        self._spent = 0
        self._lock = threading.Lock()

    @property
    def spent(self) -> int:
        """How much was spent so far; never more than the limit."""
        return self._spent

    def spend(self, n: int = 1) -> None:
        """Count ``n`` more, to be called just before they are spent.

        Raises:
            BudgetReached: If that would pass the limit; nothing is counted then.
        """
        with self._lock:
            if self.limit is not None and self._spent + n > self.limit:
                raise BudgetReached(
                    f"Budget: what comes next would pass what is allowed ({self.unit}: "
                    f"{self._spent:,} of {self.limit:,} spent). Nothing paid for is lost: raise "
                    f"--budget or run the same command again to go on."
                )
            self._spent += n
