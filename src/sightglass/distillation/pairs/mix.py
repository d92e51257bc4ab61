"""Several sources as one endless stream, each with its share, exact at every place."""

from __future__ import annotations

import hashlib
import math
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from sightglass.distillation.pairs.chance import order_seed
from sightglass.errors import InputError

if TYPE_CHECKING:
    from jaxtyping import Int64

    from sightglass.distillation.pairs.source import PairSource

_WHERE = "Mix"
# Of one source: rows are read ahead, so two of its passes are under way where one ends.
_ORDERS_KEPT = 2

State = dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the stream.

    Attributes:
        source: Which source, from 0.
        turn: Which pass over that source, from 0.
        at: Which place of that pass's order, from 0.
    """

    source: int
    turn: int
    at: int


class Mix:
    """Sources with weights. Where the stream is, is told by how often each was drawn.

    After ``t`` draws a source with the share ``w`` was drawn ``floor(w t)`` or ``ceil(w t)``
    times, whatever ``t``. Its ``k``-th draw is place ``k mod len`` of its pass ``k // len``: every
    row comes once before any comes again.

    Args:
        sources: At least one.
        weights: Of one source over another: how many times as often it is drawn. None for their
            numbers of rows: every row of every source then comes equally often.

    Raises:
        InputError: If there is no source, or a weight is not above 0.

    Source:
        Of the sources that are behind their share, the one whose next draw is due first: fairness
        as in Baruah, Cohen, Plaxton & Varvel 1996, Proportionate progress, Algorithmica 15. The
        source that is furthest behind, a simpler rule, leaves others behind by more than one draw
        where there are five or more.
    """

    def __init__(
        self, sources: Sequence[PairSource], weights: Sequence[float] | None = None
    ) -> None:
        if not sources:
            raise InputError(f"{_WHERE}: at least one source is needed, got none. Name one.")
        self.sources = tuple(sources)
        self._shares = _whole(sources, weights)
        self._total = sum(self._shares)
        # A draw is due in proportion to this; whole numbers, so that ties are ties.
        common = math.lcm(*self._shares)
        self._due = [common // share for share in self._shares]
        self._orders: list[OrderedDict[tuple[int, int, int], np.ndarray]] = [
            OrderedDict() for _ in sources
        ]
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Rows of all sources together: what is called an epoch."""
        return sum(len(source) for source in self.sources)

    @property
    def digest(self) -> str:
        """Hex digest of the sources, in their order, and of their shares."""
        told = repr(([source.digest for source in self.sources], self._shares))
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def shares(self) -> tuple[float, ...]:
        """What part of all draws each source has; they sum to 1."""
        return tuple(share / self._total for share in self._shares)

    def most_of_one(self, batch_size: int) -> tuple[int, ...]:
        """Of each source, how many rows a batch has at most, however far the run is.

        Where this is more than a source's rows, a batch may have a row twice; where a source's
        share of a batch is more than its rows, some batch does. Of a source that is drawn in whole
        numbers per batch it is that number; of others it may be one more than ever happens.

        Args:
            batch_size: Draws of a batch, of all processes together, at least 1.
        """
        # From floor(w t) to ceil(w (t + batch)); how far w t is above its floor is a multiple of
        # step / total, and so at most (total - step) / total.
        total, found = self._total, []
        for share in self._shares:
            step = math.gcd(share * batch_size, total)
            found.append(min(batch_size, -(-(share * batch_size + total - step) // total)))
        return tuple(found)

    def start(self) -> State:
        """The state before the first draw."""
        return {"drawn": [0] * len(self.sources)}

    def checked(self, state: Mapping[str, Sequence[int]]) -> list[int]:
        """The draws of each source that ``state`` counts, in a list of its own.

        Raises:
            InputError: If it does not count the draws of these sources.
        """
        drawn: list[object] = list(state.get("drawn", ()))
        counts = [one for one in drawn if isinstance(one, int) and one >= 0]
        if not len(counts) == len(drawn) == len(self.sources):
            raise InputError(
                f"{_WHERE}: a state needs the number of draws of each of the {len(self.sources)} "
                f"sources, got {dict(state)}. Go on with the sources that the run began with."
            )
        return counts

    def places(self, state: Mapping[str, Sequence[int]]) -> Iterator[Place]:
        """The stream from ``state`` on, without end.

        Raises:
            InputError: If ``state`` does not count the draws of these sources.
        """
        return self._stream(self.checked(state))

    def _stream(self, drawn: list[int]) -> Iterator[Place]:
        total = sum(drawn)
        while True:
            total += 1
            source = min(
                (
                    number
                    for number, share in enumerate(self._shares)
                    if share * total > drawn[number] * self._total
                ),
                key=lambda number: (drawn[number] + 1) * self._due[number],
            )
            turn, at = divmod(drawn[source], len(self.sources[source]))
            drawn[source] += 1
            yield Place(source, turn, at)

    def order(
        self, seed: int, source: int, turn: int, *, apart: int = 0
    ) -> Int64[np.ndarray, " rows"]:
        """The order of one pass over a source, of which the last two are kept.

        Args:
            seed: The run's.
            source: Which source, from 0.
            turn: Which pass, from 0.
            apart: None of its first ``apart`` rows is among as many last ones of the pass before,
                so that a batch across both has no row twice. Of a source with less than three
                times as many rows it is not so: its orders are the source's own.
        """
        key, kept = (seed, turn, apart), self._orders[source]
        with self._lock:
            if key in kept:
                return kept[key]
            of, own = self.sources[source], order_seed(seed, source)
            order = of.epoch_order(own, turn)
            if turn and apart and len(of) >= 3 * apart:
                # The ends of orders stay as they are, so that the own order before is enough.
                order = _begun_apart(order, of.epoch_order(own, turn - 1)[-apart:])
            kept[key] = order
            while len(kept) > _ORDERS_KEPT:
                kept.popitem(last=False)
            return order


def _begun_apart(
    order: Int64[np.ndarray, " rows"], last: Int64[np.ndarray, " apart"]
) -> Int64[np.ndarray, " rows"]:
    """``order``, whose first rows that are among ``last`` change places with the next others."""
    apart = len(last)
    recent = np.isin(order[: 2 * apart], last)
    # At most as many are recent as there are ``last``: behind the first rows enough are not.
    wrong = np.flatnonzero(recent[:apart])
    right = apart + np.flatnonzero(~recent[apart:])[: len(wrong)]
    begun = order.copy()
    begun[wrong], begun[right] = order[right], order[wrong]
    return begun


def _whole(sources: Sequence[PairSource], weights: Sequence[float] | None) -> list[int]:
    """The weights as whole numbers in the same proportions, exactly as they are written."""
    if weights is None:
        weights = [len(source) for source in sources]
    if len(weights) != len(sources):
        raise InputError(
            f"{_WHERE}: every source needs a weight, got {len(weights)} for {len(sources)}. Give "
            f"all or none."
        )
    for weight in weights:
        if not math.isfinite(weight) or weight <= 0:
            raise InputError(
                f"{_WHERE}: a weight must be a finite number above 0, got {weight}. Leave the "
                f"source out instead."
            )
    # By way of the text: 0.1 is a tenth, not the nearest binary fraction.
    exact = [Fraction(str(weight)) for weight in weights]
    common = math.lcm(*(one.denominator for one in exact))
    whole = [int(one * common) for one in exact]
    divisor = math.gcd(*whole)
    return [one // divisor for one in whole]
