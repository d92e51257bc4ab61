from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_rows import classified, failed
from sightglass.reports.shown_rows import ShownRows, in_sample


def drawn(of: int, size: int) -> list[int]:
    return [place for place in range(of) if in_sample(place, of=of, size=size)]


def rows_of(kinds: list[bool]) -> list[dict]:
    """A row per kind: True could not be used."""
    return [
        failed(f"{place}") if kind else classified(f"{place}") for place, kind in enumerate(kinds)
    ]


def shown(kinds: list[bool], most: int | None) -> list[dict]:
    return sample(rows_of(kinds), most)


def sample(rows: list[dict], most: int | None) -> list[dict]:
    labels = Counter(row["label"] for row in rows if row["label"] is not None)
    chosen = ShownRows(labels=labels, failed=len(rows) - labels.total(), most=most)
    return list(chosen.of(iter(rows)))


def labelled(counts: dict[str, int]) -> list[dict]:
    """Rows of labels that take turns as long as they last."""
    turns = sorted((n / count, label) for label, count in counts.items() for n in range(count))
    return [classified(f"{place}", label) for place, (_, label) in enumerate(turns)]


@given(st.integers(1, 200), st.data())
def test_a_sample_draws_one_place_of_each_of_its_parts(of, data):
    size = data.draw(st.integers(1, of))
    # Part k begins at k * of / size, as a fraction: no rounding in common with what is tested.
    edges = [math.ceil(Fraction(part * of, size)) for part in range(size + 1)]
    places = drawn(of, size)

    assert len(places) == size
    assert all(
        first <= place < following
        for place, first, following in zip(places, edges, edges[1:], strict=False)
    )


def test_a_sample_of_all_is_all_and_one_of_none_is_none():
    assert drawn(7, 7) == list(range(7))
    assert drawn(7, 0) == []


@pytest.mark.parametrize("views", [2, 3, 4, 5, 8, 10, 20])
def test_of_pictures_that_come_in_rounds_every_view_is_drawn_as_often(views):
    # One in five, one in ten and one in 20: the first of each part would be one view, or a few.
    for size in (4_000, 2_000, 1_000):
        times = Counter(place % views for place in drawn(20_000, size))
        assert set(times) == set(range(views))
        assert max(times.values()) < 1.3 * size / views
        assert min(times.values()) > 0.7 * size / views


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 60))
def test_rows_up_to_the_limit_are_all_shown(kinds, more):
    assert shown(kinds, len(kinds) + more) == shown(kinds, None) == rows_of(kinds)


@given(st.lists(st.booleans(), min_size=1, max_size=120), st.data())
def test_of_more_exactly_the_limit_is_shown_in_order_and_a_fifth_of_it_can_be_failed(kinds, data):
    most = data.draw(st.integers(0, len(kinds) - 1))
    rows = shown(kinds, most)
    places = [int(row["path"]) for row in rows]
    n_failed = sum(row["label"] is None for row in rows)
    usable = len(kinds) - sum(kinds)

    assert len(rows) == most
    assert places == sorted(set(places))
    # All that could not be used, or a fifth; where the others are few, what they leave.
    assert n_failed == max(min(sum(kinds), most // 5), most - usable)


def test_few_failed_files_are_all_shown_wherever_they_are():
    kinds = [place in {0, 1, 2, 500, 999} for place in range(1000)]
    paths = {row["path"] for row in shown(kinds, 100)}

    assert {"0", "1", "2", "500", "999"} < paths


def test_many_failed_files_are_sampled_over_the_whole_run():
    kinds = [place % 2 == 1 for place in range(10_000)]
    rows = shown(kinds, 500)
    n_failed = Counter(int(row["path"]) // 1000 for row in rows if row["label"] is None)
    others = Counter(int(row["path"]) // 1000 for row in rows if row["label"] is not None)

    # 100 and 400 over ten stretches of a thousand files; a part begins where it may.
    assert set(n_failed) == set(others) == set(range(10))
    assert all(9 <= times <= 11 for times in n_failed.values())
    assert all(39 <= times <= 41 for times in others.values())


def test_a_rare_class_keeps_its_rows_and_unknown_thirty_of_its_own():
    rows = labelled({"cat": 20_000, "dog": 1, "teapot": 29, "unknown": 40})
    chosen = sample(rows, 1000)
    times = Counter(row["label"] for row in chosen)

    assert len(chosen) == 1000
    assert times["dog"] == 1
    assert times["teapot"] == 29
    # An even sample alone would have two.
    assert 30 <= times["unknown"] <= 34
    # The others are spread as evenly as before: 940 over ten stretches.
    stretches = Counter(int(row["path"]) * 10 // len(rows) for row in chosen)
    assert all(90 <= times <= 110 for times in stretches.values())


def test_the_thirty_of_a_class_are_drawn_from_all_of_it():
    rows = [classified(f"{place}", "cat") for place in range(30_000)]
    rows += [classified(f"{place}", "dog") for place in range(300)]
    dogs = [int(row["path"]) for row in sample(rows, 100) if row["label"] == "dog"]
    # 100 rows, two labels: 25 for each before the even sample, and of that none or one.
    assert 25 <= len(dogs) <= 26
    assert set(Counter(place // 60 for place in dogs)) == set(range(5))


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 60), min_size=1),
    st.integers(0, 30),
    st.integers(0, 150),
)
def test_classes_take_at_most_half_of_the_rows_for_themselves_and_have_them(counts, bad, most):
    rows = labelled(counts) + [failed(f"{place}") for place in range(bad)]
    chosen = sample(rows, most)
    times = Counter(row["label"] for row in chosen)
    assert len(chosen) == min(most, len(rows))
    # Room for labels, halved and dealt out; thirty are enough.
    room = min(sum(counts.values()), max(most - min(bad, most // 5), 0))
    each = min(30, room // (2 * len(counts)))
    assert all(times[label] >= min(count, each) for label, count in counts.items())
    ways = iter(rows)
    assert all(row in ways for row in chosen)  # each once, in their order


def test_with_more_classes_than_rows_the_sample_is_even():
    rows = [classified(f"{place}", f"class {place % 500}") for place in range(5000)]
    chosen = sample(rows, 400)
    assert len(chosen) == 400
    stretches = Counter(int(row["path"]) // 1000 for row in chosen)
    assert all(79 <= times <= 81 for times in stretches.values())
