"""Each host in training, beside plain arithmetic: losses, gradients, prompts after three steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from transformers import CLIPModel

from adapters.checkpoints import write_uneven_clip
from adapters.paired_students import NAMES, Pair, plain_tensors, random_pixels
from plain_clip import embed, image_features, text_features, unit
from plain_prompts import RATES, loss, promptsrc, sgd
from plain_prompts.answer import PlainAnswer
from sightglass.distillation.losses.kdpl_loss import kdpl_loss
from sightglass.distillation.prompts.general_templates import GENERAL_TEMPLATES
from sightglass.distillation.prompts.known_classes import frozen_rows
from sightglass.distillation.prompts.promptsrc_regulariser import promptsrc_regulariser
from sightglass.encoders.prompted.host import PromptHost
from sightglass.encoders.prompted.hosts import HOST_NAMES, build_host
from sightglass.encoders.prompted.towers import ClipTowers

pytestmark = pytest.mark.usefixtures("one_thread")

STEPS = 3

each_host = pytest.mark.parametrize("name", HOST_NAMES)
each_size = pytest.mark.parametrize("classes", [2, 5])


def teacher_logits(classes: int, *, step: int, pictures: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(100 + step)
    return 3 * torch.randn(pictures, classes, generator=generator)


def labels(classes: int, *, step: int, pictures: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(200 + step)
    return torch.randint(classes, (pictures,), generator=generator)


def check_training(
    pair: Pair,
    host: PromptHost,
    loss_of: Callable[[int], Tensor],
    plain_loss_of: Callable[[dict[str, Tensor], int], Tensor],
) -> None:
    """Losses, first gradients and prompts after three steps agree; the towers stay as they were."""
    start = plain_tensors(host)
    towers_before = pair.student.towers.digest()
    rate = RATES[host.name]
    expected, expected_losses = sgd.descend(plain_loss_of, start, lr=rate, steps=STEPS)
    _, slopes = sgd.gradients(lambda tensors: plain_loss_of(tensors, 0), start)
    optimiser = torch.optim.SGD(host.parameters(), lr=rate, momentum=0.9, weight_decay=5e-4)
    for step in range(STEPS):
        optimiser.zero_grad()
        value = loss_of(step)
        value.backward()
        assert value.item() == pytest.approx(expected_losses[step], abs=1e-5)
        if step == 0:
            for name, parameter in host.named_parameters():
                assert parameter.grad is not None
                assert slopes[name].abs().max() > 1e-4, f"nothing is learned in {name}"
                torch.testing.assert_close(
                    parameter.grad.double(), slopes[name], atol=1e-5, rtol=1e-4
                )
        optimiser.step()
    for name, parameter in host.named_parameters():
        ours = parameter.detach().double()
        torch.testing.assert_close(ours, expected[name], atol=1e-5, rtol=0)
        # What one step moves can be smaller than 1e-5: the way gone has to agree as well.
        way = expected[name] - start[name]
        assert (ours - expected[name]).norm() < 1e-3 * way.norm(), name
    assert pair.student.towers.digest() == towers_before


def plain_frozen_texts(pair: Pair, names: tuple[str, ...]) -> Tensor:
    """The frozen student's rows of texts: the mean over templates, then made unit length."""
    rows = []
    for template in GENERAL_TEMPLATES:
        ids, ends = pair.sentences(names, template)
        rows.append(text_features(pair.clip, embed(pair.clip, ids), ends))
    return unit(torch.stack(rows).mean(dim=0))


def plain_frozen(pair: Pair, pixels: Tensor, texts: Tensor) -> PlainAnswer:
    images = unit(image_features(pair.clip, pixels))
    return PlainAnswer(pair.clip.logit_scale * images @ texts.T, images, texts)


@each_host
@each_size
def test_three_steps_towards_a_teacher_end_where_plain_arithmetic_ends(
    pair: Pair, name: str, classes: int
) -> None:
    host, names = pair.host(name, seed=classes), NAMES[:classes]

    def loss_of(step: int) -> Tensor:
        answer = pair.ask(host, random_pixels(3, seed=step), names)
        return kdpl_loss(teacher_logits(classes, step=step), answer.logits)

    def plain_loss_of(prompts: dict[str, Tensor], step: int) -> Tensor:
        answer = pair.ask_plainly(name, prompts, random_pixels(3, seed=step), names)
        return loss.kdpl(teacher_logits(classes, step=step).double(), answer.logits)

    check_training(pair, host, loss_of, plain_loss_of)


@each_host
@each_size
def test_three_steps_with_labels_end_where_plain_arithmetic_ends(
    pair: Pair, name: str, classes: int
) -> None:
    host, names = pair.host(name, seed=10 + classes), NAMES[:classes]

    def loss_of(step: int) -> Tensor:
        answer = pair.ask(host, random_pixels(3, seed=step), names)
        return functional.cross_entropy(answer.logits, labels(classes, step=step))

    def plain_loss_of(prompts: dict[str, Tensor], step: int) -> Tensor:
        answer = pair.ask_plainly(name, prompts, random_pixels(3, seed=step), names)
        return loss.cross_entropy(answer.logits, labels(classes, step=step))

    check_training(pair, host, loss_of, plain_loss_of)


@each_size
def test_three_steps_of_promptsrc_with_its_regulariser_end_where_plain_arithmetic_ends(
    pair: Pair, classes: int
) -> None:
    host, names = pair.host("promptsrc", seed=20 + classes), NAMES[:classes]
    towers = pair.student.towers
    texts = frozen_rows(pair.student, names)
    plain_texts = plain_frozen_texts(pair, names)
    torch.testing.assert_close(texts.double(), plain_texts, atol=1e-5, rtol=0)
    frozen = [plain_frozen(pair, random_pixels(3, seed=step), plain_texts) for step in range(STEPS)]

    def loss_of(step: int) -> Tensor:
        pixels = random_pixels(3, seed=step)
        answer = pair.ask(host, pixels, names)
        images = functional.normalize(towers.image_rows(pixels), dim=-1)
        held = promptsrc_regulariser(
            student_texts=answer.texts,
            frozen_texts=texts,
            student_images=answer.images,
            frozen_images=images,
            student_logits=answer.logits,
            frozen_logits=towers.logit_scale * images @ texts.T,
        )
        return kdpl_loss(teacher_logits(classes, step=step), answer.logits) + held

    def plain_loss_of(prompts: dict[str, Tensor], step: int) -> Tensor:
        answer = pair.ask_plainly("promptsrc", prompts, random_pixels(3, seed=step), names)
        divergence = loss.kdpl(teacher_logits(classes, step=step).double(), answer.logits)
        return divergence + promptsrc.regulariser(answer=answer, frozen=frozen[step])

    check_training(pair, host, loss_of, plain_loss_of)


@each_host
def test_only_prompt_tensors_have_gradients(pair: Pair, tmp_path: Path, name: str) -> None:
    model = CLIPModel.from_pretrained(write_uneven_clip(tmp_path))
    towers = ClipTowers(model)
    context = pair.student.context_ids()
    host = build_host(name, towers, context, generator=torch.Generator().manual_seed(0))
    answer = host(towers, random_pixels(3), pair.student.tokens(NAMES))
    kdpl_loss(teacher_logits(5, step=0), answer.logits).backward()
    assert all(parameter.grad is not None for parameter in host.parameters())
    assert all(weight.grad is None for weight in model.parameters())
    assert not any(weight.requires_grad for weight in model.parameters())
    theirs = {weight.data_ptr() for weight in model.parameters()}
    assert not theirs & {parameter.data_ptr() for parameter in host.parameters()}
    assert set(dict(host.named_parameters())) == set(host.state_dict())
