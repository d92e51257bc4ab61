"""The order of an epoch's pictures, and each picture's own source of chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.distillation.whole_numbers import check_whole

if TYPE_CHECKING:
    from jaxtyping import Int64


def epoch_order(n: int, *, seed: int, epoch: int) -> Int64[np.ndarray, " n"]:
    """The numbers 0 to ``n - 1`` shuffled, by ``seed`` and ``epoch`` alone.

    A run that is resumed in the middle of an epoch finds the order that it left.

    Args:
        n: How many pictures, at least 1.
        seed: The run's, at least 0.
        epoch: Counted from 0.

    Raises:
        InputError: If a number is below its least.
    """
    where = "epoch_order"
    check_whole(n, where=where, name="n", least=1)
    check_whole(seed, where=where, name="seed", least=0)
    check_whole(epoch, where=where, name="epoch", least=0)
    return _stream(seed, epoch).permutation(n)


def crop_rng(seed: int, epoch: int, index: int) -> np.random.Generator:
    """The generator of one picture's crop, by ``seed``, ``epoch`` and ``index`` alone.

    How pictures are batched, which thread crops them and where a run was resumed change nothing.

    Args:
        seed: The run's, at least 0.
        epoch: Counted from 0.
        index: Of the picture in the list of all, not in the epoch's order; from 0.

    Raises:
        InputError: If a number is below 0.
    """
    where = "crop_rng"
    check_whole(seed, where=where, name="seed", least=0)
    check_whole(epoch, where=where, name="epoch", least=0)
    check_whole(index, where=where, name="index", least=0)
    return _stream(seed, epoch, index)


def _stream(seed: int, *key: int) -> np.random.Generator:
    # A key, not more entropy: that is one row of 32-bit words, filled up with zeros, in which a
    # trailing 0 says nothing and a large seed looks like a seed and an epoch.
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
