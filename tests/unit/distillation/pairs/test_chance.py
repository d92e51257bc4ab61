from __future__ import annotations

import itertools

import pytest

from sightglass.distillation.pairs.chance import caption_rng, order_rng, order_seed, view_rng
from sightglass.distillation.picture_order import crop_rng
from sightglass.errors import InputError


def test_no_two_places_share_a_stream_and_each_has_the_same_one_each_time() -> None:
    places = list(itertools.product([0, 1, 2**32 + 1], [0, 1], [0, 1], [0, 1, 2**32]))
    firsts = [
        of(*place).bit_generator.random_raw() for of in (view_rng, caption_rng) for place in places
    ]
    assert len(set(firsts)) == 2 * 36
    assert firsts[:36] == [view_rng(*place).bit_generator.random_raw() for place in places]
    others = [order_rng(*place[:2]).bit_generator.random_raw() for place in places[::4]]
    others += [crop_rng(*place[:3]).bit_generator.random_raw() for place in places[::2]]
    assert not set(others) & set(firsts)


def test_sources_are_shuffled_by_seeds_of_their_own() -> None:
    seeds = {order_seed(seed, source) for seed in range(30) for source in range(30)}
    assert len(seeds) == 900
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_place_below_zero_is_refused() -> None:
    with pytest.raises(InputError, match="Pairs: seed must be a whole number of at least 0"):
        view_rng(-1, 0, 0, 0)
    with pytest.raises(InputError, match="Pairs: a place must be a whole number of at least 0"):
        view_rng(0, 0, 0, -1)
