"""What each host answers, beside its plain restatement in tests/plain_prompts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from adapters.checkpoints import write_clip
from adapters.paired_students import NAMES, Pair, paired, plain_tensors, random_pixels
from plain_clip import embed, text_features, unit
from plain_prompts.answer import PlainAnswer
from sightglass.encoders.prompted.cocoop import CoCoOp
from sightglass.encoders.prompted.host import Answer
from sightglass.encoders.prompted.hosts import HOST_NAMES
from sightglass.errors import UnknownNameError

pytestmark = pytest.mark.usefixtures("one_thread")

each_host = pytest.mark.parametrize("name", HOST_NAMES)
each_size = pytest.mark.parametrize("classes", [2, 5])


def check_answer(ours: Answer, plain: PlainAnswer) -> None:
    torch.testing.assert_close(ours.logits.double(), plain.logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours.images.double(), plain.images, atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.texts.double(), plain.texts, atol=1e-5, rtol=0)


@each_host
@each_size
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_host_answers_as_its_plain_restatement(
    pair: Pair, name: str, classes: int, seed: int
) -> None:
    host = pair.host(name, seed=seed)
    pixels = random_pixels(4, seed=seed)
    plain = pair.ask_plainly(name, plain_tensors(host), pixels, NAMES[:classes])
    check_answer(pair.ask(host, pixels, NAMES[:classes]), plain)


@each_host
def test_a_host_whose_prompts_have_moved_far_answers_as_its_plain_restatement(
    pair: Pair, name: str
) -> None:
    host = pair.host(name)
    with torch.no_grad():
        for index, parameter in enumerate(host.parameters()):
            generator = torch.Generator().manual_seed(index)
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    pixels = random_pixels(4)
    plain = pair.ask_plainly(name, plain_tensors(host), pixels, NAMES)
    check_answer(pair.ask(host, pixels, NAMES), plain)


@pytest.mark.parametrize("name", ["vpt", "maple", "promptsrc"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_host_of_any_depth_answers_as_its_plain_restatement(
    pair: Pair, name: str, depth: int
) -> None:
    host = pair.host(name, depth=depth)
    blocks = {"vpt": "deep_visual", "maple": "deep_context", "promptsrc": "deep_visual"}[name]
    assert len(host.state_dict()[blocks]) == depth - 1
    pixels = random_pixels(3)
    plain = pair.ask_plainly(name, plain_tensors(host), pixels, NAMES)
    check_answer(pair.ask(host, pixels, NAMES), plain)


def test_maple_without_the_words_of_a_would_answer_otherwise(pair: Pair) -> None:
    host = pair.host("maple")
    pixels = random_pixels(3)
    ours = pair.ask(host, pixels, NAMES).logits.double()
    prompts = plain_tensors(host)
    right = pair.ask_plainly("maple", prompts, pixels, NAMES).logits
    ids, ends = pair.sentences(NAMES)
    without = torch.cat([ids[:, :3], ids[:, 5:]], dim=1)  # start, two learned, then the name
    wrong_features = text_features(
        pair.clip,
        torch.cat(
            [
                embed(pair.clip, without[:, :1]),
                prompts["context"].expand(len(ids), -1, -1),
                embed(pair.clip, without[:, 3:]),
            ],
            dim=1,
        ),
        ends - 2,
        dict(enumerate(prompts["deep_context"], start=1)),
    )
    images = pair.ask_plainly("maple", prompts, pixels, NAMES).images
    wrong = pair.clip.logit_scale * images @ unit(wrong_features).T
    assert (ours - right).abs().max() < 1e-4
    assert (ours - wrong).abs().max() > 0.1


@each_host
def test_every_token_of_every_block_counts(pair: Pair, name: str) -> None:
    host = pair.host(name)
    answer = pair.ask(host, random_pixels(2), NAMES)
    functional.cross_entropy(answer.logits, torch.tensor([0, 1])).backward()
    tokens = [p for key, p in host.named_parameters() if "context" in key or "visual" in key]
    assert tokens
    for tensor in tokens:
        assert tensor.grad is not None
        assert tensor.grad.abs().amax(dim=-1).min() > 1e-5


def test_cocoop_pairs_each_class_with_its_picture(pair: Pair) -> None:
    host = pair.host("cocoop")
    assert isinstance(host, CoCoOp)
    towers, tokens = pair.student.towers, pair.student.tokens(NAMES)
    images = host.image_rows(towers, random_pixels(5))
    everything = host.text_rows_for(towers, tokens, images)  # (5 pictures, 5 classes, dim)
    expected = torch.stack([everything[index, index] for index in range(5)])
    assert not torch.allclose(everything[0], everything[1], atol=1e-3)
    paired_rows = host.paired_text_rows(towers, tokens, images)
    torch.testing.assert_close(paired_rows, expected, atol=1e-5, rtol=0)


def test_cocoop_with_a_silent_meta_net_is_coop(pair: Pair) -> None:
    cocoop, coop = pair.host("cocoop"), pair.host("coop")
    with torch.no_grad():
        cocoop.state_dict()["meta.2.weight"].zero_()
        cocoop.state_dict()["meta.2.bias"].zero_()
    pixels = random_pixels(3)
    expected = pair.ask(coop, pixels, NAMES).logits
    torch.testing.assert_close(
        pair.ask(cocoop, pixels, NAMES).logits, expected, atol=1e-5, rtol=1e-5
    )


def test_a_host_that_learns_no_texts_takes_their_rows_as_given(pair: Pair) -> None:
    host, towers, tokens = pair.host("vpt"), pair.student.towers, pair.student.tokens(NAMES)
    assert [name for name in HOST_NAMES if not pair.host(name).learns_texts] == ["vpt"]
    pixels = random_pixels(3)
    given = host(towers, pixels, tokens, texts=host.text_rows(towers, tokens))
    assert given.logits.equal(pair.ask(host, pixels, NAMES).logits)


@each_host
def test_a_host_at_the_published_logit_scale_answers_as_its_plain_restatement(
    tmp_path: Path, name: str
) -> None:
    even = paired(write_clip(tmp_path, seed=9))
    host, pixels = even.host(name), random_pixels(3)
    ours = even.ask(host, pixels, NAMES).logits.double()
    plain = even.ask_plainly(name, plain_tensors(host), pixels, NAMES).logits
    # The scale here is 100: float32 holds logits of that size to 1e-5 times themselves.
    torch.testing.assert_close(ours, plain, atol=5e-5, rtol=1e-5)


def test_an_unknown_host_is_told_with_the_known_ones(pair: Pair) -> None:
    with pytest.raises(UnknownNameError, match="promptsrc"):
        pair.host("couple")
