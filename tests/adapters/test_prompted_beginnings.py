"""Each host as it begins: how many numbers it has, and which."""

from __future__ import annotations

import pytest
import torch
from transformers import CLIPConfig, CLIPModel

from adapters.paired_students import NAMES, Pair, plain_tensors, random_pixels
from plain_clip import embed, image_features, text_features, unit
from sightglass.encoders.prompted.hosts import HOST_NAMES, build_host
from sightglass.encoders.prompted.towers import ClipTowers

pytestmark = pytest.mark.usefixtures("one_thread")

each_host = pytest.mark.parametrize("name", HOST_NAMES)


# Trainable numbers at ViT-B/32's size: text width 512, vision width 768, rows of 512, 12 blocks.
PUBLISHED_COUNTS = {
    # 4 tokens of 512.
    "coop": 2_048,
    # CoOp's 2,048; 512 -> 32: 512 * 32 + 32 = 16,416; 32 -> 512: 32 * 512 + 512 = 16,896.
    "cocoop": 35_360,
    # 12 blocks of 8 tokens of 768.
    "vpt": 73_728,
    # 9 blocks of 2 tokens of 512 = 9,216; 9 couplings of 512 * 768 + 768 = 393,984, 3,545,856.
    "maple": 3_555_072,
    # 9 blocks of 4 tokens of 512 = 18,432, and of 768 = 27,648.
    "promptsrc": 46_080,
}


@pytest.fixture(scope="module")
def published_size() -> ClipTowers:
    with torch.device("meta"):  # shapes only
        model = CLIPModel(CLIPConfig(projection_dim=512))
    for tower in (model.text_model, model.vision_model):
        assert len(tower.encoder.layers) == 12
    model.logit_scale = torch.nn.Parameter(torch.tensor(4.6052))
    model.text_model.embeddings.token_embedding.to_empty(device="cpu")
    return ClipTowers(model)


@each_host
def test_as_many_numbers_are_trained_as_published(published_size: ClipTowers, name: str) -> None:
    context, generator = torch.arange(4), torch.Generator().manual_seed(0)
    host = build_host(name, published_size, context, generator=generator)
    assert sum(parameter.numel() for parameter in host.parameters()) == PUBLISHED_COUNTS[name]


def test_promptsrc_across_data_sets_trains_three_blocks(published_size: ClipTowers) -> None:
    context, generator = torch.arange(4), torch.Generator().manual_seed(0)
    host = build_host("promptsrc", published_size, context, generator=generator, depth=3)
    # 3 blocks of 4 tokens of 512 and of 768.
    assert sum(parameter.numel() for parameter in host.parameters()) == 15_360


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        # 4 text blocks, 5 vision blocks; the papers' depths are 12 (VPT) and 9.
        ("vpt", {"visual": (8, 40), "deep_visual": (4, 8, 40)}),
        ("maple", {"context": (2, 24), "deep_context": (3, 2, 24), "couplings.3.weight": (40, 24)}),
        (
            "promptsrc",
            {
                "context": (4, 24),
                "deep_context": (3, 4, 24),
                "visual": (4, 40),
                "deep_visual": (4, 4, 40),
            },
        ),
    ],
)
def test_towers_with_fewer_blocks_than_the_paper_have_tokens_in_every_block(
    pair: Pair, name: str, shapes: dict[str, tuple[int, ...]]
) -> None:
    found = {key: tuple(value.shape) for key, value in pair.host(name).state_dict().items()}
    assert shapes.items() <= found.items()
    assert "couplings.4.weight" not in found


@pytest.mark.parametrize(
    ("name", "words"), [("coop", 4), ("cocoop", 4), ("promptsrc", 4), ("maple", 2)]
)
def test_a_context_begins_as_the_words_a_photo_of_a(pair: Pair, name: str, words: int) -> None:
    (ids, *_), _ = pair.sentences(["cat"])
    expected = embed(pair.clip, ids[1 : 1 + words])  # behind the start token
    assert plain_tensors(pair.host(name))["context"].equal(expected)


def test_coop_at_its_beginning_is_clip_with_the_template(pair: Pair) -> None:
    pixels = random_pixels(4)
    images = unit(image_features(pair.clip, pixels))
    ids, ends = pair.sentences(NAMES)
    texts = unit(text_features(pair.clip, embed(pair.clip, ids), ends))
    expected = pair.clip.logit_scale * images @ texts.T
    ours = pair.ask(pair.host("coop"), pixels, NAMES).logits
    torch.testing.assert_close(ours.double(), expected, atol=1e-5, rtol=1e-5)


def test_texts_of_vpt_are_those_of_coop_at_its_beginning(pair: Pair) -> None:
    tokens, towers = pair.student.tokens(NAMES), pair.student.towers
    vpt, coop = (pair.host(name).text_rows(towers, tokens) for name in ("vpt", "coop"))
    torch.testing.assert_close(vpt, coop, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("name", "tensors"),
    [("vpt", ["visual", "deep_visual"]), ("maple", ["deep_context"]), ("promptsrc", ["visual"])],
)
def test_tokens_that_are_no_words_begin_with_a_spread_of_two_hundredths(
    published_size: ClipTowers, name: str, tensors: list[str]
) -> None:
    context, generator = torch.arange(4), torch.Generator().manual_seed(0)
    host = build_host(name, published_size, context, generator=generator)
    for tensor in tensors:
        values = host.state_dict()[tensor]
        # Of 3,000 to 70,000 values; five standard errors of the smallest sample.
        assert values.std().item() == pytest.approx(0.02, abs=0.02 * 5 / (2 * 3000) ** 0.5)
        assert abs(values.mean().item()) < 0.02 * 5 / 3000**0.5


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("cocoop", {"meta.0": 512, "meta.2": 32}),
        ("maple", {"couplings.0": 512, "couplings.8": 512}),
    ],
)
def test_linear_layers_begin_evenly_within_one_over_the_root_of_their_inputs(
    published_size: ClipTowers, name: str, layers: dict[str, int]
) -> None:
    context, generator = torch.arange(4), torch.Generator().manual_seed(0)
    state = build_host(name, published_size, context, generator=generator).state_dict()
    for layer, inputs in layers.items():
        bound = inputs**-0.5
        for tensor in (state[f"{layer}.weight"], state[f"{layer}.bias"]):
            assert 0.8 * bound < tensor.abs().max() <= bound
        # Of an even spread within +-b: b / sqrt(3).
        assert state[f"{layer}.weight"].std().item() == pytest.approx(bound / 3**0.5, rel=0.03)


@each_host
def test_the_same_seed_begins_the_same_host(pair: Pair, name: str) -> None:
    first, again, other = (pair.host(name, seed=seed).state_dict() for seed in (7, 7, 8))
    assert all(first[key].equal(again[key]) for key in first)
    has_chance = name != "coop"
    assert any(not first[key].equal(other[key]) for key in first) == has_chance


@each_host
def test_a_host_begins_from_its_own_generator_whatever_the_global_one_is_at(
    pair: Pair, name: str
) -> None:
    torch.manual_seed(1)
    first = pair.host(name).state_dict()
    torch.manual_seed(2)
    again = pair.host(name).state_dict()
    assert all(first[key].equal(again[key]) for key in first)
