from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pair_layouts import MemorySource
from sightglass.distillation.pairs.mix import Mix, Place
from sightglass.errors import InputError

lengths = st.lists(st.integers(1, 12), min_size=1, max_size=8)
weights = st.integers(1, 100) | st.sampled_from([0.1, 0.3, 0.7, 1.5, 33.3])


def mix_of(rows: Sequence[int], weights: Sequence[float] | None = None) -> Mix:
    return Mix([MemorySource(str(at), count) for at, count in enumerate(rows)], weights)


def drawn(mix: Mix, count: int, state: dict[str, list[int]] | None = None) -> list[Place]:
    return list(itertools.islice(mix.places(state or mix.start()), count))


@given(st.lists(weights, min_size=1, max_size=9), st.integers(1, 150))
def test_at_every_moment_each_source_is_within_one_draw_of_its_share(
    weights: list[float], count: int
) -> None:
    mix = mix_of([3] * len(weights), weights)
    exact = [Fraction(str(weight)) for weight in weights]
    counts = [0] * len(weights)
    for total, place in enumerate(drawn(mix, count), start=1):
        counts[place.source] += 1
        for number, weight in enumerate(exact):
            assert abs(counts[number] - total * weight / sum(exact)) < 1


def test_the_source_that_is_furthest_behind_would_leave_others_by_more_than_one() -> None:
    # Why the rule is another: three small sources beside three large ones, in plain loops.
    shares, counts = [1, 1, 1, 29, 29, 29], [0] * 6
    total, worst = sum([1, 1, 1, 29, 29, 29]), Fraction(0)
    for time in range(1, 181):
        behind = [share * time - count * total for share, count in zip(shares, counts, strict=True)]
        counts[behind.index(max(behind))] += 1
        for share, count in zip(shares, counts, strict=True):
            worst = max(worst, abs(Fraction(share * time, total) - count))
    assert worst > 1


def test_three_to_one_is_drawn_three_to_one() -> None:
    # By hand: at four draws the shares are 3 and 1; the second is due last, by the fourth draw.
    places = drawn(mix_of([100, 100], [0.3, 0.1]), 12)
    assert [place.source for place in places] == [0, 0, 0, 1] * 3


def test_equal_sources_take_turns_from_the_first_on() -> None:
    assert [place.source for place in drawn(mix_of([5, 5, 5]), 9)] == [0, 1, 2] * 3


@given(lengths)
def test_without_weights_an_epoch_has_every_row_of_every_source_once(rows: list[int]) -> None:
    mix = mix_of(rows)
    assert len(mix) == sum(rows)
    places = drawn(mix, 2 * sum(rows))
    expected = {Place(source, 0, at) for source, count in enumerate(rows) for at in range(count)}
    assert set(places[: sum(rows)]) == expected
    again = {Place(place.source, 1, place.at) for place in expected}
    assert set(places[sum(rows) :]) == again


@given(lengths, st.data())
def test_a_source_is_walked_pass_by_pass_in_order(rows: list[int], data: st.DataObject) -> None:
    some = data.draw(st.lists(weights, min_size=len(rows), max_size=len(rows)))
    of: dict[int, list[tuple[int, int]]] = {}
    for place in drawn(mix_of(rows, some), 150):
        of.setdefault(place.source, []).append((place.turn, place.at))
    for source, found in of.items():
        walk = [(turn, at) for turn in range(151) for at in range(rows[source])]
        assert found == walk[: len(found)]


@given(lengths, st.data(), st.integers(0, 120))
def test_a_mix_goes_on_from_its_counts_as_if_it_had_not_stopped(
    rows: list[int], data: st.DataObject, at: int
) -> None:
    some = data.draw(st.none() | st.lists(weights, min_size=len(rows), max_size=len(rows)))
    whole = drawn(mix_of(rows, some), 200)
    counts = [sum(place.source == number for place in whole[:at]) for number in range(len(rows))]
    state = json.loads(json.dumps({"drawn": counts}))
    assert drawn(mix_of(rows, some), 200 - at, state) == whole[at:]
    assert state == {"drawn": counts}  # and what it was given is left as it was


def test_shares_are_the_weights_over_their_sum() -> None:
    assert mix_of([9, 9, 9], [0.5, 0.25, 1.25]).shares == (0.25, 0.125, 0.625)
    assert mix_of([1, 3]).shares == (0.25, 0.75)


def test_each_source_and_each_pass_has_its_own_order() -> None:
    mix = mix_of([200, 200])
    orders = [mix.order(7, source, turn) for source in (0, 1) for turn in (0, 1, 2)]
    for order in orders:
        assert sorted(order.tolist()) == list(range(200))
    assert len({order.tobytes() for order in orders}) == 6
    assert not np.array_equal(mix.order(8, 0, 0), orders[0])
    for again, order in zip(
        [mix_of([200, 200]).order(7, *key) for key in itertools.product((0, 1), (0, 1, 2))],
        orders,
        strict=True,
    ):
        assert np.array_equal(again, order)


@given(lengths, st.data(), st.integers(1, 40))
def test_most_of_one_is_never_exceeded_and_at_most_one_too_many(
    rows: list[int], data: st.DataObject, batch_size: int
) -> None:
    some = data.draw(st.lists(weights, min_size=len(rows), max_size=len(rows)))
    mix = mix_of(rows, some)
    told, found = mix.most_of_one(batch_size), [0] * len(rows)
    places = mix.places(mix.start())
    for _ in range(30):
        drawn = [next(places).source for _ in range(batch_size)]
        for source in range(len(rows)):
            found[source] = max(found[source], drawn.count(source))
    for most, real, share in zip(told, found, mix.shares, strict=True):
        assert real <= most <= min(batch_size, share * batch_size + 2)
        # Thirty batches have at least their share on average.
        assert most <= real + 2


def test_most_of_one_by_hand() -> None:
    assert mix_of([8]).most_of_one(6) == (6,)
    # Equal sources in batches of three: two and one, one and two.
    assert mix_of([3, 3]).most_of_one(3) == (2, 2)
    # 3 : 1 in fours: three and one, always.
    assert mix_of([9, 9], [3, 1]).most_of_one(4) == (3, 1)
    # 1 : 2 in twos: two thirds of a draw, and two more may be due, 4/3 rounded up.
    assert mix_of([9, 9], [1, 2]).most_of_one(2) == (2, 2)


@given(st.integers(1, 9), st.integers(3, 7), st.integers(0, 5), st.integers(1, 4))
def test_a_pass_begins_without_the_last_rows_of_the_one_before(
    apart: int, times: int, seed: int, turn: int
) -> None:
    rows = apart * times
    source = MemorySource("a", rows)
    before, order = (Mix([source]).order(seed, 0, at, apart=apart) for at in (turn - 1, turn))
    assert sorted(order.tolist()) == list(range(rows))
    assert not set(before[-apart:].tolist()) & set(order[:apart].tolist())
    # And no more is changed than that, as orders keep together what is near in a file.
    own = Mix([source]).order(seed, 0, turn)
    recent = set(before[-apart:].tolist())
    moved = sum(index in recent for index in own[:apart].tolist())
    assert int((order != own).sum()) == 2 * moved
    assert np.array_equal(order[2 * apart :], own[2 * apart :])


def test_orders_of_less_than_three_times_the_rows_are_the_sources_own() -> None:
    mix = mix_of([11])
    assert np.array_equal(mix.order(1, 0, 3, apart=4), mix.order(1, 0, 3))


def test_the_digest_tells_other_sources_other_orders_and_other_shares_apart() -> None:
    a, b = MemorySource("a", 3), MemorySource("b", 3)
    mixes = [Mix([a, b]), Mix([b, a]), Mix([a, b], [1, 2]), Mix([a])]
    assert len({mix.digest for mix in mixes}) == 4
    assert Mix([a, b], [2, 2]).digest == Mix([a, b]).digest  # three rows each: the same draws


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], "Mix: every source needs a weight, got 1 for 2. Give all or none."),
        ([1, 0], "Mix: a weight must be a finite number above 0, got 0. Leave the source out"),
        ([1, float("nan")], "Mix: a weight must be a finite number above 0, got nan."),
        ([1, -2], "Mix: a weight must be a finite number above 0, got -2."),
    ],
)
def test_weights_that_make_no_sense_are_refused(weights: list[float], message: str) -> None:
    with pytest.raises(InputError) as caught:
        mix_of([1, 1], weights)
    assert str(caught.value).startswith(message)


def test_a_mix_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="at least one source is needed, got none"):
        Mix([])


@pytest.mark.parametrize(
    "state", [{}, {"drawn": [1]}, {"drawn": [1, 2, 3]}, {"drawn": [1, -1]}, {"drawn": [1, 0.5]}]
)
def test_a_state_of_another_mix_is_refused_at_once(state: dict[str, list[int]]) -> None:
    with pytest.raises(InputError, match="the number of draws of each of the 2 sources"):
        mix_of([2, 2]).places(state)
