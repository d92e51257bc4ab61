"""Every draw's own generator: what is drawn depends on nothing but the seed and the place."""

from __future__ import annotations

import numpy as np

from sightglass.distillation.whole_numbers import check_whole

_VIEW, _CAPTION = 0, 1


def order_seed(seed: int, source: int) -> int:
    """The seed of one source's orders: two sources of one length are shuffled differently."""
    (word,) = _sequence(seed, source).generate_state(1, np.uint64)
    return int(word >> np.uint64(1))


def order_rng(seed: int, epoch: int) -> np.random.Generator:
    """The generator of one epoch's order.

    Args:
        seed: At least 0.
        epoch: Counted from 0.
    """
    return np.random.default_rng(_sequence(seed, epoch))


def view_rng(seed: int, source: int, turn: int, index: int) -> np.random.Generator:
    """The generator of one picture's views.

    Args:
        seed: The run's, at least 0.
        source: Which source of the mix, from 0.
        turn: Which pass over that source, from 0.
        index: Which row of that source, from 0.
    """
    return np.random.default_rng(_sequence(seed, source, turn, index, _VIEW))


def caption_rng(seed: int, source: int, turn: int, index: int) -> np.random.Generator:
    """The generator that draws one of a row's captions; arguments as for ``view_rng``.

    Not the views' generator: how much chance a view takes must not decide the caption.
    """
    return np.random.default_rng(_sequence(seed, source, turn, index, _CAPTION))


def _sequence(seed: int, *key: int) -> np.random.SeedSequence:
    check_whole(seed, where="Pairs", name="seed", least=0)
    for number in key:
        check_whole(number, where="Pairs", name="a place", least=0)
    # A key, not more entropy: see picture_order.
    return np.random.SeedSequence(seed, spawn_key=key)
