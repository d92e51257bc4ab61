from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from adapters.paired_students import NAMES, Pair, random_pixels
from sightglass.encoders.prompted.hosts import HOST_NAMES

pytestmark = pytest.mark.usefixtures("one_thread")

hosts = st.sampled_from(HOST_NAMES)
seeds = st.integers(0, 1000)


@given(name=hosts, seed=seeds, order=st.permutations(range(len(NAMES))))
def test_classes_in_another_order_have_their_logits_in_that_order(
    pair: Pair, name: str, seed: int, order: list[int]
) -> None:
    host, pixels = pair.host(name, seed=seed), random_pixels(3, seed=seed)
    with torch.no_grad():
        straight = pair.ask(host, pixels, NAMES).logits
        turned = pair.ask(host, pixels, [NAMES[index] for index in order]).logits
    torch.testing.assert_close(turned, straight[:, order], atol=1e-5, rtol=1e-5)


@given(name=hosts, seed=seeds, kept=st.sets(st.integers(0, 4), min_size=1))
def test_the_other_classes_do_not_change_the_logit_of_a_class(
    pair: Pair, name: str, seed: int, kept: set[int]
) -> None:
    host, pixels = pair.host(name, seed=seed), random_pixels(3, seed=seed)
    indices = sorted(kept)
    tokens = pair.student.tokens(NAMES)
    with torch.no_grad():
        every = host(pair.student.towers, pixels, tokens).logits
        some = host(pair.student.towers, pixels, tokens.select(torch.tensor(indices))).logits
    torch.testing.assert_close(some, every[:, indices], atol=1e-5, rtol=1e-5)


@given(name=hosts, seed=seeds, batch=st.lists(st.integers(0, 5), min_size=1, max_size=7))
def test_the_other_pictures_of_a_batch_do_not_change_the_logits_of_a_picture(
    pair: Pair, name: str, seed: int, batch: list[int]
) -> None:
    host, pixels = pair.host(name, seed=seed), random_pixels(6, seed=seed)
    with torch.no_grad():
        every = pair.ask(host, pixels, NAMES).logits
        some = pair.ask(host, pixels[batch], NAMES).logits
    torch.testing.assert_close(some, every[batch], atol=1e-5, rtol=1e-5)


@given(name=hosts, seed=seeds)
@settings(max_examples=25)
def test_rows_have_unit_length_and_logits_are_the_scale_times_their_cosines(
    pair: Pair, name: str, seed: int
) -> None:
    host, pixels = pair.host(name, seed=seed), random_pixels(2, seed=seed)
    with torch.no_grad():
        answer = pair.ask(host, pixels, NAMES)
    lengths = torch.cat([answer.images.norm(dim=-1), answer.texts.norm(dim=-1).flatten()])
    torch.testing.assert_close(lengths, torch.ones_like(lengths), atol=1e-5, rtol=0)
    texts = answer.texts.expand(2, -1, -1)  # CoCoOp's are already one set per picture
    cosines = functional.cosine_similarity(answer.images[:, None], texts, dim=-1)
    torch.testing.assert_close(answer.logits, 20 * cosines, atol=2e-5, rtol=0)
