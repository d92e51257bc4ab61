from __future__ import annotations

import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import normalize
from transformers import AutoProcessor, CLIPModel

from adapters.checkpoints import CLIP_MEAN, CLIP_STD, LENGTH, SIDE
from adapters.small_training import (
    NAMES,
    SmallTraining,
    Weights,
    same_bits,
    weights_of,
)
from sightglass.distillation.crops import random_crop
from sightglass.distillation.picture_order import crop_rng, epoch_order
from sightglass.distillation.prompts.general_templates import GENERAL_TEMPLATES
from sightglass.distillation.trainer import Step
from sightglass.distillation.training_pictures import PictureBatch
from sightglass.encoders import hub_network
from sightglass.encoders.hub import load_hub_encoder
from sightglass.encoders.prompted.host import PromptHost
from sightglass.encoders.prompted.hosts import HOST_NAMES
from sightglass.encoders.prompted.towers import ClipTowers
from sightglass.errors import ModelError

# Worked examples: the rate of epochs 0, 1, 2 and the last, at the host's published numbers.
RATES = {
    "coop": [0.00001, 0.002, 0.00199803, 0.00000789],
    "maple": [0.00001, 0.0035, 0.00316578, 0.00120922],
    "promptsrc": [0.00001, 0.0025, 0.00248461, 0.00006118],
}


class Enough(Exception):
    """Ends a run early."""


@pytest.fixture(scope="module")
def small(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> SmallTraining:
    return SmallTraining.make(tmp_path_factory.mktemp("training"))


@pytest.fixture(scope="module")
def plain(small: SmallTraining) -> PlainRun:
    return PlainRun(small)


class PlainRun:
    """The training again: its own loop and formulas, gradients by torch, networks of transformers.

    Only the prompted student's forward pass is ours.
    """

    def __init__(self, small: SmallTraining) -> None:
        self.small = small
        self.scale = small.student.towers.logit_scale
        self.tokens = small.student.tokens(NAMES)
        self.teacher = CLIPModel.from_pretrained(small.teacher_folder).eval()
        self.frozen = CLIPModel.from_pretrained(small.folder / "student").eval()
        names = [name.replace("_", " ") for name in NAMES]
        with torch.no_grad():
            sentences = [f"a photo of a {name}." for name in names]
            self.teacher_texts = normalize(self.texts(self.teacher, sentences), dim=1)
            total = torch.zeros(len(names), 16)
            for template in GENERAL_TEMPLATES:
                total += self.texts(self.frozen, [template.format(name) for name in names])
            self.frozen_texts = normalize(total, dim=1)

    def texts(self, network: CLIPModel, texts: list[str]) -> torch.Tensor:
        processor = AutoProcessor.from_pretrained(self.small.teacher_folder)
        inputs = processor(
            text=texts, padding=True, truncation=True, max_length=LENGTH, return_tensors="pt"
        )
        return network.get_text_features(**inputs).pooler_output

    def pixels(self, chosen: list[int], epoch: int) -> torch.Tensor:
        mean, std, planes = np.array(CLIP_MEAN), np.array(CLIP_STD), []
        for index in chosen:
            with Image.open(self.small.pictures.paths[index]) as image:
                crop = random_crop(image.convert("RGB"), (SIDE, SIDE), crop_rng(1, epoch, index))
            planes.append(((crop / 255 - mean) / std).transpose(2, 0, 1))
        return torch.from_numpy(np.stack(planes).astype(np.float32))

    def loss(self, host: PromptHost, pixels: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            seen = self.teacher.get_image_features(pixel_values=pixels).pooler_output
            p_teacher = (self.scale * normalize(seen, dim=1) @ self.teacher_texts.T).softmax(dim=1)
            seen = self.frozen.get_image_features(pixel_values=pixels).pooler_output
            f_0 = normalize(seen, dim=1)
            p_0 = (self.scale * f_0 @ self.frozen_texts.T).softmax(dim=1)
        answer = host(self.small.student.towers, pixels, self.tokens)
        p = answer.logits.softmax(dim=1)
        forwards = (p_teacher * (p_teacher / p).log()).sum() / len(p)
        backwards = (p * (p / p_teacher).log()).sum() / len(p)
        loss = 0.5 * forwards + 0.5 * backwards
        if host.name == "promptsrc":
            loss = loss + 25 * (answer.texts - self.frozen_texts).abs().mean()
            loss = loss + 10 * (answer.images - f_0).abs().mean()
            loss = loss + (p_0 * (p_0 / p).log()).sum() / p.numel()
        return loss

    def run(
        self, host: PromptHost, *, epochs: int, batch_size: int, lr: float, steps: int = 1000
    ) -> Weights:
        """The prompts after ``steps``, or the result after the last epoch."""
        n = len(self.small.pictures)
        learned, ends = dict(host.named_parameters()), []
        speed = {name: torch.zeros_like(parameter) for name, parameter in learned.items()}
        for epoch in range(epochs):
            rate = 1e-5 if epoch == 0 else lr * (1 + math.cos(math.pi * (epoch - 1) / epochs)) / 2
            order = epoch_order(n, seed=1, epoch=epoch).tolist()
            for at in range(0, n - batch_size + 1, batch_size):
                host.zero_grad()
                self.loss(host, self.pixels(order[at : at + batch_size], epoch)).backward()
                with torch.no_grad():
                    for name, parameter in learned.items():
                        speed[name] = 0.9 * speed[name] + parameter.grad + 5e-4 * parameter
                        parameter.sub_(rate * speed[name])
                steps -= 1
                if steps == 0:
                    return weights_of(host)
            ends.append(weights_of(host))
        if host.name != "promptsrc":
            return ends[-1]
        mean, std = 0.75 * epochs, 0.05 * epochs
        shares = [math.exp(-(((e - mean) / std) ** 2) / 2) for e in range(1, epochs + 1)]
        return {
            name: sum(w * end[name] for w, end in zip(shares, ends, strict=True)) / sum(shares)
            for name in learned
        }


def furthest(first: Weights, second: Weights) -> float:
    return max(float((first[name] - second[name]).abs().max()) for name in second)


@pytest.mark.parametrize("name", HOST_NAMES)
def test_three_steps_and_a_whole_run_equal_a_plain_loop(
    small: SmallTraining, plain: PlainRun, name: str
) -> None:
    numbers = {"epochs": 3, "batch_size": 4, "lr": 0.0002}
    three, whole = small.host(name), small.host(name)

    def watch(step: Step) -> None:
        if (step.epoch, step.step) == (1, 0):
            raise Enough

    with pytest.raises(Enough):
        small.train(three, watch=watch, **numbers)
    small.train(whole, **numbers)
    # 11 pictures are two steps of 4 in each epoch: the third step is the first after the warm-up.
    after_three = plain.run(small.host(name), steps=3, **numbers)
    after_all = plain.run(small.host(name), **numbers)
    assert furthest(weights_of(three), after_three) < 1e-6
    assert furthest(weights_of(whole), after_all) < 1e-6
    begun = weights_of(small.host(name))
    assert furthest(begun, after_three) > 1e-4
    assert furthest(begun, after_all) > 1e-3


def test_momentum_and_weight_decay_by_hand(small: SmallTraining) -> None:
    # All pictures at once, so one step per epoch; the loss is the sum of prompts, its gradient 1.
    host = small.host("coop")
    value = float(host.context.detach()[2, 5])
    speed = 0.0
    # After the warm-up 0.5 (1 + cos) / 2 at 0, 1 and 2 quarters of pi.
    for rate in (1e-5, 0.5, 0.25 * (1 + math.sqrt(0.5)), 0.25):
        speed = 0.9 * speed + 1 + 5e-4 * value
        value -= rate * speed
    small.train(host, objective=lambda _: host.context.sum(), epochs=4, batch_size=11, lr=0.5)
    assert float(host.context.detach()[2, 5]) == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("name", RATES)
def test_the_rate_is_the_published_one_and_changes_between_epochs_only(
    small: SmallTraining, name: str
) -> None:
    host, seen = small.host(name), []
    small.train(
        host,
        objective=lambda _: sum(parameter.sum() for parameter in host.parameters()),
        watch=seen.append,
        lr=None,
        epochs=None,
        batch_size=5,
    )
    epochs = seen[-1].epoch + 1
    assert [(step.epoch, step.step) for step in seen] == [
        (epoch, step) for epoch in range(epochs) for step in range(2)
    ]
    rates = [{step.lr for step in seen if step.epoch == epoch} for epoch in range(epochs)]
    assert all(len(one) == 1 for one in rates)
    found = [next(iter(rates[epoch])) for epoch in (0, 1, 2, epochs - 1)]
    assert found == pytest.approx(RATES[name], abs=5e-9)


def test_an_epochs_loss_is_the_mean_of_its_steps(small: SmallTraining) -> None:
    seen: list[Step] = []
    losses = small.train(small.host("coop"), watch=seen.append, batch_size=3)
    assert losses == pytest.approx(
        [np.mean([step.loss for step in seen if step.epoch == epoch]) for epoch in range(3)]
    )
    assert losses[-1] < losses[0]


def recorded_batches(small: SmallTraining, *, epochs: int) -> list[list[PictureBatch]]:
    """Every batch that an objective was given, by epoch."""
    host = small.host("coop")
    batches: list[list[PictureBatch]] = [[] for _ in range(epochs)]
    at: list[PictureBatch] = []

    def objective(batch: PictureBatch) -> torch.Tensor:
        at.append(batch)
        return host.context.sum()

    small.train(
        host,
        objective=objective,
        watch=lambda step: batches[step.epoch].append(at.pop()),
        epochs=epochs,
        batch_size=3,
    )
    return batches


def test_every_epoch_and_every_picture_has_crops_of_its_own(small: SmallTraining) -> None:
    epochs = recorded_batches(small, epochs=4)
    crops = [
        (int(index), crop.tobytes())
        for batches in epochs
        for batch in batches
        for index, crop in zip(batch.indices, batch.crops, strict=True)
    ]
    # 11 pictures in threes: 9 in each epoch.
    assert len(crops) == len({pixels for _, pixels in crops}) == 4 * 9
    assert {index for index, _ in crops} == set(range(11))
    shown = [tuple(int(i) for batch in batches for i in batch.indices) for batches in epochs]
    assert len(set(shown)) == 4
    assert all(len(set(one)) == 9 for one in shown)


def test_no_row_of_a_picture_is_kept_from_step_to_step(
    small: SmallTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    students, teachers = [], []
    rows_of, encode = ClipTowers.image_rows, type(small.teacher_encoder).encode_images

    def image_rows(self: ClipTowers, pixels: torch.Tensor, *rest: object) -> torch.Tensor:
        students.extend(one.numpy().tobytes() for one in pixels)
        return rows_of(self, pixels, *rest)

    def encode_images(self: object, pictures: list[np.ndarray]) -> object:
        teachers.extend(one.tobytes() for one in pictures)
        return encode(self, pictures)

    monkeypatch.setattr(ClipTowers, "image_rows", image_rows)
    monkeypatch.setattr(type(small.teacher_encoder), "encode_images", encode_images)
    small.train(small.host("coop"), epochs=5)
    # Five epochs of 8 pictures, every one a new crop, and each side computed all of them.
    assert len(students) == len(set(students)) == len(teachers) == len(set(teachers)) == 40


@pytest.mark.parametrize("name", HOST_NAMES)
def test_towers_stay_as_they_are_and_only_prompts_have_gradients(
    small: SmallTraining, name: str
) -> None:
    network = CLIPModel.from_pretrained(small.folder / "student").train()
    open_to_all = replace(small, student=replace(small.student, towers=ClipTowers(network)))
    before = {key: weight.clone() for key, weight in network.state_dict().items()}
    digest = open_to_all.student.towers.digest()
    host = open_to_all.host(name)
    begun = weights_of(host)
    open_to_all.train(host)
    assert same_bits(before, network.state_dict())
    assert open_to_all.student.towers.digest() == digest
    assert not network.training
    assert all(not weight.requires_grad and weight.grad is None for weight in network.parameters())
    assert all(parameter.grad is not None for parameter in host.parameters())
    assert all(not torch.equal(begun[key], value) for key, value in weights_of(host).items())


@pytest.mark.parametrize("tower", ["visual_projection", "text_projection"])
def test_a_tower_that_changes_while_prompts_are_trained_is_an_error(
    small: SmallTraining, tower: str
) -> None:
    network = CLIPModel.from_pretrained(small.folder / "student")
    shaken = replace(small, student=replace(small.student, towers=ClipTowers(network)))
    host = shaken.host("coop")

    def objective(_: PictureBatch) -> torch.Tensor:
        getattr(network, tower).weight[0, 0] += 1e-3
        return host.context.sum()

    with pytest.raises(ModelError, match="towers must not change while prompts are trained"):
        shaken.train(host, objective=objective)


def test_the_teacher_is_not_trained_and_sees_its_texts_once(
    small: SmallTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks, texts, modes = [], [], []
    load, encode = hub_network.load_model, type(small.teacher_encoder).encode_texts

    def load_model(checkpoint: object) -> torch.nn.Module:
        networks.append(load(checkpoint))
        # The widest door there is: weights that ask for gradients.
        networks[-1].requires_grad_(True)
        return networks[-1]

    def encode_texts(self: object, some: list[str]) -> object:
        texts.append(list(some))
        return encode(self, some)

    monkeypatch.setattr("sightglass.encoders.hub.load_model", load_model)
    monkeypatch.setattr(type(small.teacher_encoder), "encode_texts", encode_texts)
    encoder = load_hub_encoder(str(small.teacher_folder), precision="fp32")
    watched = replace(small, teacher_encoder=encoder)
    host = watched.host("maple")
    objective = watched.objective(host)
    (network,) = networks
    before = hash_of(network)
    watched.train(host, objective=objective, watch=lambda _: modes.append(network.training))
    assert hash_of(network) == before
    assert modes == [False] * 6
    assert all(weight.grad is None for weight in network.parameters())
    assert texts == [[f"a photo of a {name.replace('_', ' ')}." for name in NAMES]]


def hash_of(network: torch.nn.Module) -> str:
    total = hashlib.sha256()
    for weight in network.state_dict().values():
        total.update(weight.numpy().tobytes())
    return total.hexdigest()


def ends_of_epochs(
    small: SmallTraining, host: PromptHost, **settings: object
) -> dict[int, Weights]:
    """The prompts as each epoch left them."""
    ends: dict[int, Weights] = {}

    def watch(step: Step) -> None:
        ends[step.epoch] = weights_of(host)

    small.train(host, watch=watch, **settings)
    return ends


@pytest.mark.parametrize("average", [(3.0, 1.0), (1.5, 10.0), None])
def test_promptsrc_ends_as_the_gaussian_average_of_the_epochs_ends(
    small: SmallTraining, average: tuple[float, float] | None
) -> None:
    host = small.host("promptsrc")
    ends = ends_of_epochs(small, host, epochs=5, average=average)
    # The published average is 15 give or take 1 of 20 epochs; of 5 a quarter of both.
    mean, std = average or (3.75, 0.25)
    shares = [math.exp(-(((e - mean) / std) ** 2) / 2) for e in (1, 2, 3, 4, 5)]
    for name, tensor in weights_of(host).items():
        expected = sum(
            share * ends[epoch][name].double() for epoch, share in enumerate(shares)
        ) / math.fsum(shares)
        torch.testing.assert_close(tensor.double(), expected, rtol=0, atol=1e-6)
        assert float((tensor - ends[4][name]).abs().max()) > 1e-4


@pytest.mark.parametrize("name", ["coop", "cocoop", "vpt", "maple"])
def test_the_other_hosts_end_as_the_last_epoch_left_them(small: SmallTraining, name: str) -> None:
    host = small.host(name)
    ends = ends_of_epochs(small, host)
    assert same_bits(weights_of(host), ends[2])
    assert not same_bits(ends[1], ends[2])


@pytest.mark.parametrize("name", ["vpt", "maple", "promptsrc"])
def test_a_host_without_deeper_tokens_is_trained_too(small: SmallTraining, name: str) -> None:
    host = small.host(name, depth=1)
    begun = weights_of(host)
    small.train(host, depth=1, checkpoint=small.folder / f"{name}-1.safetensors")
    moved = {key for key, value in weights_of(host).items() if not torch.equal(begun[key], value)}
    assert moved == {key for key, value in begun.items() if value.numel()}


@pytest.mark.parametrize("factor", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_an_error_that_says_where(
    small: SmallTraining, factor: float
) -> None:
    host, calls = small.host("coop"), 0

    def objective(_: PictureBatch) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return host.context.sum() * (factor if calls == 4 else 1)

    with pytest.raises(ModelError, match=r"loss must be finite, got \S+ at step 1 of epoch 1\. "):
        small.train(host, objective=objective)
    assert all(tensor.isfinite().all() for tensor in weights_of(host).values())


def test_a_finite_loss_that_makes_prompts_nan_is_an_error_too(small: SmallTraining) -> None:
    host = small.host("coop")

    def objective(_: PictureBatch) -> torch.Tensor:
        # sqrt at 0: the value is 0, the derivative infinite.
        return (host.context - host.context.detach()).abs().sum().sqrt()

    with pytest.raises(ModelError, match="parameters must be finite, step 0 of epoch 0"):
        small.train(host, objective=objective)
