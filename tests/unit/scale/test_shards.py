from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.errors import InputError
from sightglass.scale.shards import Sharding, packed_sources, unpacked_sources

NAMES = st.lists(st.text(st.characters(codec=None), min_size=1))  # lone surrogates too


def test_ten_sources_in_shards_of_four_are_four_four_and_two() -> None:
    sharding = Sharding([str(number) for number in range(10)], 4)
    assert len(sharding) == 3
    assert [list(sharding[n].sources) for n in range(3)] == [
        ["0", "1", "2", "3"],
        ["4", "5", "6", "7"],
        ["8", "9"],
    ]
    assert [sharding[n].first for n in range(3)] == [0, 4, 8]


@given(NAMES, st.integers(1, 9))
def test_shards_hold_every_source_once_and_in_order(sources: list[str], size: int) -> None:
    sharding = Sharding(sources, size)
    found = []
    for number in range(len(sharding)):
        shard = sharding[number]
        assert shard.first == len(found)
        assert 1 <= len(shard.sources) <= size
        found += shard.sources
    assert found == sources


def test_a_shard_of_no_sources_is_refused() -> None:
    with pytest.raises(InputError, match="--shard-size must be 1 or more, got 0"):
        Sharding(["a"], 0)


@given(NAMES)
def test_names_come_back_from_packing_as_they_were(sources: list[str]) -> None:
    assert unpacked_sources(packed_sources(sources)) == sources


def test_sorted_paths_take_a_tenth_when_packed() -> None:
    paths = [f"/data/photographs/2024/holiday/{number:08d}.jpg" for number in range(1024)]
    assert len(packed_sources(paths)) < 0.1 * sum(map(len, paths))
