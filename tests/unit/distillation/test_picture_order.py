from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sightglass.distillation.crops import random_crop
from sightglass.distillation.picture_order import crop_rng, epoch_order
from sightglass.errors import InputError

seeds, epochs = st.integers(0, 2**63), st.integers(0, 1000)


@given(st.integers(1, 300), seeds, epochs)
def test_an_epoch_has_every_picture_once_and_the_same_order_each_time(
    n: int, seed: int, epoch: int
) -> None:
    order = epoch_order(n, seed=seed, epoch=epoch)
    assert order.dtype == np.int64
    assert sorted(order) == list(range(n))
    assert np.array_equal(order, epoch_order(n, seed=seed, epoch=epoch))


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    orders = {
        tuple(epoch_order(50, seed=seed, epoch=epoch))
        for seed, epoch in itertools.product(range(20), range(20))
    }
    assert len(orders) == 400


def test_every_picture_is_as_often_first_as_any_other() -> None:
    firsts = [epoch_order(4, seed=0, epoch=epoch)[0] for epoch in range(1000)]
    # 250 of 1000 each; three standard deviations are 41.
    assert all(209 <= count <= 291 for count in np.bincount(firsts, minlength=4))


@given(seeds, epochs, st.integers(0, 10**9))
def test_a_picture_has_the_same_chance_each_time(seed: int, epoch: int, index: int) -> None:
    first, again = (crop_rng(seed, epoch, index).random(4) for _ in range(2))
    assert np.array_equal(first, again)


def test_no_two_pictures_epochs_or_seeds_share_a_stream() -> None:
    numbers = [0, 1, 2, 5, 2**32, 2**32 + 1]
    places = itertools.product(numbers, [0, 1, 2], [0, 1, 2])
    firsts = {crop_rng(*place).bit_generator.random_raw() for place in places}
    assert len(firsts) == 6 * 9


def test_an_order_shares_its_stream_with_no_crop() -> None:
    # Those that one list of numbers as entropy would confuse: (7, 0) and (7, 0, 0), which differ by
    # a trailing 0; and a seed of two words, 5 and 1, with the seed 5 and the epoch 1.
    for seed, epoch, place in [(7, 0, (7, 0, 0)), (2**32 + 5, 3, (5, 1, 3))]:
        order = epoch_order(50, seed=seed, epoch=epoch)
        assert not np.array_equal(order, crop_rng(*place).permutation(50))


def test_a_picture_is_cropped_alike_in_any_batch_and_after_a_resumption() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (6, 40, 40, 3), dtype=np.uint8)
    pictures = [Image.fromarray(each) for each in noise]

    def crop(index: int) -> bytes:
        return random_crop(pictures[index], (8, 8), crop_rng(1, 2, index)).tobytes()

    order = epoch_order(6, seed=1, epoch=2).tolist()
    straight = {index: crop(index) for index in order}
    backwards = {index: crop(index) for index in reversed(order)}
    resumed = {index: crop(index) for index in order[4:]}
    assert straight == backwards
    assert all(straight[index] == pixels for index, pixels in resumed.items())


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda: epoch_order(0, seed=0, epoch=0),
            "epoch_order: n must be a whole number of at least 1, got 0.",
        ),
        (
            lambda: epoch_order(3, seed=-1, epoch=0),
            "epoch_order: seed must be a whole number of at least 0, got -1.",
        ),
        (
            lambda: epoch_order(3, seed=0, epoch=0.5),
            "epoch_order: epoch must be a whole number of at least 0, got 0.5.",
        ),
        (
            lambda: crop_rng(0, 0, -2),
            "crop_rng: index must be a whole number of at least 0, got -2.",
        ),
        (
            lambda: crop_rng(-1, 0, 0),
            "crop_rng: seed must be a whole number of at least 0, got -1.",
        ),
        (
            lambda: crop_rng(0, -1, 0),
            "crop_rng: epoch must be a whole number of at least 0, got -1.",
        ),
    ],
)
def test_numbers_out_of_range_are_refused(ask: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        ask()
    assert str(caught.value) == message
