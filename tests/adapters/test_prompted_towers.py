from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import CLIPModel

from adapters.checkpoints import LENGTH, write_clip, write_dinov2, write_uneven_clip
from adapters.paired_students import NAMES, Pair, paired, random_pixels
from plain_clip import embed, image_features, text_features
from sightglass.encoders.hub_network import BF16_COSINE_TOLERANCE
from sightglass.encoders.prompted.class_tokens import ClassTokens
from sightglass.encoders.prompted.student import load_student
from sightglass.encoders.prompted.towers import ClipTowers
from sightglass.errors import InputError, ModelError

pytestmark = pytest.mark.usefixtures("one_thread")

WRITERS = {"even": write_clip, "uneven": write_uneven_clip}


@pytest.fixture(scope="module", params=list(WRITERS))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return WRITERS[request.param](tmp_path_factory.mktemp(request.param), seed=3)


@pytest.fixture(scope="module")
def pair(folder: Path) -> Pair:
    return paired(folder)


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_uneven_clip(tmp_path_factory.mktemp("clip"), seed=3)


def text_rows(towers: ClipTowers, tokens: ClassTokens, deep: tuple[Tensor, ...] = ()) -> Tensor:
    return towers.text_rows(towers.embed_tokens(tokens.ids), tokens.ends, deep)


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_rows_without_prompts_equal_those_of_transformers(folder: Path, pair: Pair) -> None:
    model = CLIPModel.from_pretrained(folder).eval()
    pixels = random_pixels(5)
    ids, ends = pair.sentences(NAMES)
    mask = (torch.arange(LENGTH) <= ends[:, None]).long()
    with torch.inference_mode():
        images = model.get_image_features(pixel_values=pixels).pooler_output
        texts = model.get_text_features(input_ids=ids, attention_mask=mask).pooler_output
    towers = pair.student.towers
    torch.testing.assert_close(towers.image_rows(pixels), images, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        text_rows(towers, pair.student.tokens(NAMES)), texts, atol=1e-5, rtol=0
    )


def test_rows_without_prompts_equal_the_plain_restatement(pair: Pair) -> None:
    pixels = random_pixels(5)
    ids, ends = pair.sentences(NAMES)
    towers = pair.student.towers
    images = image_features(pair.clip, pixels).float()
    texts = text_features(pair.clip, embed(pair.clip, ids), ends).float()
    torch.testing.assert_close(towers.image_rows(pixels), images, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        text_rows(towers, pair.student.tokens(NAMES)), texts, atol=1e-5, rtol=0
    )


def test_the_towers_tell_the_sizes_in_the_checkpoint(uneven: Path) -> None:
    towers = load_student(f"hf:{uneven}").towers
    assert (towers.text_width, towers.text_depth) == (24, 4)
    assert (towers.vision_width, towers.vision_depth) == (40, 5)
    assert towers.dim == 48
    assert towers.logit_scale == pytest.approx(20, abs=1e-4)


def test_deeper_vectors_stand_where_the_plain_restatement_puts_them(pair: Pair) -> None:
    towers = pair.student.towers
    deep_texts = normal(towers.text_depth - 1, 2, towers.text_width, seed=1)
    tokens = normal(3, towers.vision_width, seed=2)
    deep_images = normal(towers.vision_depth - 1, 3, towers.vision_width, seed=3)
    ids, ends = pair.sentences(NAMES)
    pixels = random_pixels(2)
    texts = text_features(
        pair.clip, embed(pair.clip, ids), ends, dict(enumerate(deep_texts.double(), start=1))
    )
    images = image_features(
        pair.clip, pixels, tokens.double(), dict(enumerate(deep_images.double(), start=1))
    )
    ours = text_rows(towers, pair.student.tokens(NAMES), tuple(deep_texts))
    torch.testing.assert_close(ours, texts.float(), atol=1e-5, rtol=0)
    ours = towers.image_rows(pixels, tokens, tuple(deep_images))
    torch.testing.assert_close(ours, images.float(), atol=1e-5, rtol=0)


def test_texts_cut_at_the_longest_give_the_rows_of_texts_at_full_length(pair: Pair) -> None:
    towers = pair.student.towers
    cut = pair.student.tokens(NAMES)
    full, ends = pair.sentences(NAMES)
    assert cut.ids.shape[1] == int(ends.max()) + 1 < full.shape[1] == LENGTH
    assert cut.ids.equal(full[:, : cut.ids.shape[1]])
    assert cut.ends.equal(ends)
    torch.testing.assert_close(
        text_rows(towers, cut),
        text_rows(towers, ClassTokens(ids=full, ends=ends)),
        atol=1e-5,
        rtol=0,
    )


def test_what_stands_behind_the_end_token_changes_nothing(pair: Pair) -> None:
    ids, ends = pair.sentences(NAMES)
    behind = torch.arange(LENGTH) > ends[:, None]
    other = torch.where(behind, normal(*ids.shape, seed=1).abs().long(), ids)
    assert not other.equal(ids)
    rows = [
        text_rows(pair.student.towers, ClassTokens(ids=each, ends=ends)) for each in (ids, other)
    ]
    torch.testing.assert_close(rows[0], rows[1], atol=1e-5, rtol=0)


def test_selected_classes_keep_their_rows_in_the_order_of_the_selection(pair: Pair) -> None:
    tokens = pair.student.tokens(NAMES)
    order = torch.tensor([4, 0, 2])
    selected = tokens.select(order)
    assert len(selected) == 3
    assert selected.ids.shape[1] < tokens.ids.shape[1]  # the longest name is not among them
    every = text_rows(pair.student.towers, tokens)
    torch.testing.assert_close(
        text_rows(pair.student.towers, selected), every[order], atol=1e-5, rtol=0
    )


def test_a_name_too_long_for_the_tower_is_cut_and_still_ends(pair: Pair) -> None:
    names = ["train " * 40, "cat"]
    ids, ends = pair.sentences(names)
    tokens = pair.student.tokens(names)
    assert ends.tolist()[0] == LENGTH - 1
    assert tokens.ids.equal(ids)
    assert tokens.ends.equal(ends)


def test_no_names_at_all_are_refused(pair: Pair) -> None:
    with pytest.raises(InputError, match="at least one"):
        pair.student.tokens([])


@pytest.mark.parametrize("classes_per_pass", [1, 2, 4])
def test_classes_in_several_passes_give_the_rows_and_gradients_of_one_pass(
    uneven: Path, classes_per_pass: int
) -> None:
    answers = []
    for per_pass in (64, classes_per_pass):
        student = load_student(f"hf:{uneven}", classes_per_pass=per_pass)
        towers, tokens = student.towers, student.tokens(NAMES)
        shift = normal(4, towers.text_width, seed=4).requires_grad_()
        deep = normal(3, 2, towers.text_width, seed=5).requires_grad_()
        embedded = towers.embed_tokens(tokens.ids)
        embedded = torch.cat([embedded[:, :1], embedded[:, 1:5] + shift, embedded[:, 5:]], dim=1)
        rows = towers.text_rows(embedded, tokens.ends, tuple(deep))
        (rows * normal(*rows.shape, seed=6)).sum().backward()
        answers.append((rows.detach(), shift.grad, deep.grad))
    for whole, parts in zip(*answers, strict=True):
        assert whole is not None
        assert whole.abs().max() > 0.1
        torch.testing.assert_close(parts, whole, atol=1e-5, rtol=1e-5)


def test_bf16_towers_give_nearly_the_rows_of_fp32(folder: Path, pair: Pair) -> None:
    reduced = load_student(f"hf:{folder}", precision="bf16")
    pixels = random_pixels(6)
    for narrow, wide in (
        (reduced.towers.image_rows(pixels), pair.student.towers.image_rows(pixels)),
        (
            text_rows(reduced.towers, reduced.tokens(NAMES)),
            text_rows(pair.student.towers, pair.student.tokens(NAMES)),
        ),
    ):
        assert narrow.dtype == torch.float32
        assert not narrow.equal(wide)
        cosines = torch.nn.functional.cosine_similarity(narrow, wide)
        assert cosines.min() > 1 - BF16_COSINE_TOLERANCE


def test_a_gradient_reaches_fp32_prompts_through_bf16_towers(uneven: Path) -> None:
    found = []
    for precision in ("fp32", "bf16"):
        towers = load_student(f"hf:{uneven}", precision=precision).towers
        tokens = normal(3, towers.vision_width, seed=2).requires_grad_()
        rows = towers.image_rows(random_pixels(4), tokens)
        (rows * normal(*rows.shape, seed=6)).sum().backward()
        assert tokens.grad is not None
        assert tokens.grad.dtype == torch.float32
        found.append(tokens.grad.flatten())
    assert torch.nn.functional.cosine_similarity(found[0], found[1], dim=0) > 0.99


def test_no_weight_of_the_towers_asks_for_a_gradient(uneven: Path) -> None:
    model = CLIPModel.from_pretrained(uneven).train()
    assert all(weight.requires_grad for weight in model.parameters())
    ClipTowers(model)
    assert not any(weight.requires_grad for weight in model.parameters())
    assert not any(module.training for module in model.modules())


def test_the_digest_of_the_towers_follows_every_weight_and_nothing_else(uneven: Path) -> None:
    model = CLIPModel.from_pretrained(uneven)
    towers = ClipTowers(model)
    before = towers.digest()
    assert ClipTowers(CLIPModel.from_pretrained(uneven)).digest() == before
    towers.image_rows(random_pixels(1))
    assert towers.digest() == before
    for weight in model.parameters():
        last = weight.data.view(-1)[-1]
        kept = last.clone()
        last += 0.001
        assert towers.digest() != before
        last.copy_(kept)
    assert towers.digest() == before


def test_a_student_that_is_no_clip_is_refused_in_one_sentence(tmp_path: Path) -> None:
    write_dinov2(tmp_path)
    with pytest.raises(ModelError, match=r"this one is 'dinov2'\. Choose another student"):
        load_student(f"hf:{tmp_path}")
    with pytest.raises(ModelError, match="mini: a student's prompts go into"):
        load_student("mini")
