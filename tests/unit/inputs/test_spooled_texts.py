from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.inputs.spooled_texts import SpooledTexts

TEXTS = st.lists(st.text(st.characters(exclude_categories=())), max_size=12)


@given(TEXTS, st.slices(12))
def test_a_spooled_list_is_the_list(texts: list[str], part: slice) -> None:
    spooled = SpooledTexts(iter(texts))
    assert list(spooled) == list(spooled) == texts
    assert spooled == texts
    assert len(spooled) == len(texts)
    assert bool(spooled) == bool(texts)
    assert spooled[part] == texts[part]
    assert [spooled[at] for at in range(-len(texts), len(texts))] == texts + texts


@given(TEXTS)
def test_sorted_is_every_text_once_by_code_points(texts: list[str]) -> None:
    spooled = SpooledTexts.sorted(iter(texts + texts[:2]))
    assert list(spooled) == sorted(set(texts))
    assert spooled == SpooledTexts(sorted(set(texts)))


def test_code_points_are_not_the_order_of_utf_16() -> None:
    # U+1F408 is D83D DC08 in UTF-16, which would put it before U+FF21.
    assert list(SpooledTexts.sorted(["\U0001f408", "\uff21", "\udcff", "a"])) == [
        "a",
        "\udcff",
        "\uff21",
        "\U0001f408",
    ]


def test_an_index_beyond_the_end_is_the_error_that_lists_raise() -> None:
    spooled = SpooledTexts(["a", "b"])
    for index in (2, -3):
        with pytest.raises(IndexError):
            spooled[index]


def test_it_equals_sequences_of_the_same_texts_and_nothing_else() -> None:
    spooled = SpooledTexts(["a", "b"])
    assert spooled == ("a", "b")
    assert ["a", "b"] == spooled  # noqa: SIM300 - a list asks the other side
    assert spooled != ["b", "a"]
    assert spooled != ["a"]
    assert spooled != "ab"
    assert spooled != 2


def test_it_says_what_it_is_without_listing_a_million() -> None:
    assert repr(SpooledTexts([])) == "SpooledTexts([])"
    assert repr(SpooledTexts("abc")) == "SpooledTexts(['a', 'b', 'c'])"
    assert repr(SpooledTexts("abcd")) == "SpooledTexts(['a', 'b', 'c', …])"


def test_it_can_be_read_in_two_places_at_once() -> None:
    spooled = SpooledTexts(str(number) for number in range(1_200))
    assert all(a == b for a, b in zip(spooled, spooled, strict=True))


def test_no_text_stays_in_memory() -> None:
    def texts() -> Iterator[str]:
        return (f"photos/holiday/{(number * 7_919) % 20_000:09d}.jpg" for number in range(20_000))

    SpooledTexts.sorted("ab")
    tracemalloc.start()
    found = SpooledTexts.sorted(texts())
    n = sum(1 for _ in found)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n == len(found) == 20_000
    assert peak < 20_000 * 20  # the texts alone are four times as much
