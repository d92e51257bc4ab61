"""The training of prompts, from the first step to the last."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from sightglass.distillation.epoch_weights import gaussian_epoch_weights
from sightglass.distillation.objective import Objective
from sightglass.distillation.schedule import warmup_cosine_lr
from sightglass.distillation.settings import PromptSettings
from sightglass.distillation.training_pictures import TrainingPictures
from sightglass.distillation.training_state import TrainingState, restore_state, save_state
from sightglass.encoders.prompted.promptsrc import PromptSRC
from sightglass.errors import ModelError

if TYPE_CHECKING:
    from sightglass.encoders.prompted.host import PromptHost
    from sightglass.encoders.prompted.student import Student

# Source: the training configurations released with KDPL, which are those of Dassl.
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
SECONDS_BETWEEN_CHECKPOINTS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step that is done, for whoever watches.

    Attributes:
        epoch: From 0.
        step: Of the epoch, from 0.
        loss: Of its batch.
        lr: That it was taken with.
    """

    epoch: int
    step: int
    loss: float
    lr: float


def train_prompts(
    host: PromptHost,
    student: Student,
    pictures: TrainingPictures,
    objective: Objective,
    settings: PromptSettings,
    *,
    checkpoint: Path | None = None,
    identity: Mapping[str, Any] | None = None,
    seconds_between_checkpoints: float = SECONDS_BETWEEN_CHECKPOINTS,
    watch: Callable[[Step], None] | None = None,
) -> list[float]:
    """Train ``host`` in place, and return the mean loss of every epoch.

    Stochastic gradient descent with momentum 0.9 and weight decay 5e-4 on the prompt tensors; a
    constant rate of 1e-5 in the first epoch, a cosine after it. The prompts of the last epoch are
    the result; for PromptSRC the Gaussian average of all epochs' prompts. On one machine, with one
    number of threads, the same call ends in the same bits, resumed or not.

    Args:
        host: What is trained; as ``build_host`` made it.
        student: The frozen towers; their weights are hashed before and after.
        pictures: Unlabelled.
        objective: The loss of a batch; ``kdpl_objective`` or ``supervised_objective``.
        settings: Loss, rate, epochs, batches, seed.
        checkpoint: File to go on from and to write to; None for none.
        identity: What else makes this run another than others, beside the settings.
        seconds_between_checkpoints: At least; one is written after every epoch too.
        watch: Called after every step.

    Raises:
        InputError: If the checkpoint is of another run, or a picture has gone meanwhile.
        ModelError: If the checkpoint is damaged, a loss or a prompt is not finite, or a frozen
            weight changed.

    Source:
        Mistretta et al. 2024, arXiv:2407.03056, and the code released with it.
    """
    frozen = student.towers.digest()
    optimiser = torch.optim.SGD(
        host.parameters(), lr=settings.lr, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    who = {**settings.as_record(), "pictures": pictures.digest, "student": frozen}
    who |= dict(identity or {})
    state = TrainingState()
    if checkpoint is not None:
        state = restore_state(checkpoint, host, optimiser, identity=who)
    shares = gaussian_epoch_weights(
        settings.epochs, mean=settings.average_mean, std=settings.average_std
    )
    saved = time.monotonic()
    while state.epoch < settings.epochs:
        lr = warmup_cosine_lr(state.epoch, lr=settings.lr, epochs=settings.epochs)
        for group in optimiser.param_groups:
            group["lr"] = lr
        for batch in pictures.batches(
            student.image_input,
            batch_size=settings.batch_size,
            seed=settings.seed,
            epoch=state.epoch,
            first=state.step,
        ):
            loss = objective(batch)
            value = float(loss.detach())
            _check_finite(value, state)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            _check_prompts(host, state)
            if watch is not None:
                watch(Step(epoch=state.epoch, step=state.step, loss=value, lr=lr))
            state.step += 1
            state.running_loss += value
            if checkpoint and time.monotonic() - saved >= seconds_between_checkpoints:
                save_state(checkpoint, state, host, optimiser, identity=who)
                saved = time.monotonic()
        if isinstance(host, PromptSRC):
            _add_epoch(state, host, float(shares[state.epoch]))
        state.losses.append(state.running_loss / state.step)
        state.epoch, state.step, state.running_loss = state.epoch + 1, 0, 0.0
        if checkpoint:
            save_state(checkpoint, state, host, optimiser, identity=who)
            saved = time.monotonic()
    if state.average:
        host.load_state_dict(state.average)
    if student.towers.digest() != frozen:
        raise ModelError(
            f"{student.name}: the student's towers must not change while prompts are trained, and "
            f"they did. Nothing was written; report this."
        )
    return state.losses


def _add_epoch(state: TrainingState, host: PromptHost, share: float) -> None:
    """Add an epoch's prompts to the average with its share of the whole.

    Source: Khattak et al. 2023, arXiv:2307.06948.
    """
    for name, tensor in host.state_dict().items():
        before = state.average.get(name, torch.zeros_like(tensor))
        state.average[name] = before + share * tensor


def _check_finite(loss: float, state: TrainingState) -> None:
    if not math.isfinite(loss):
        raise ModelError(
            f"Training: the loss must be finite, got {loss} at step {state.step} of epoch "
            f"{state.epoch}. Lower the learning rate, or train in fp32."
        )


def _check_prompts(host: PromptHost, state: TrainingState) -> None:
    """A finite loss can have an infinite gradient; no checkpoint may begin from what it leaves."""
    finite = torch.stack([parameter.isfinite().all() for parameter in host.parameters()])
    if not finite.all():
        raise ModelError(
            f"Training: prompts must be finite, step {state.step} of epoch {state.epoch} made them "
            f"infinite or NaN. Lower the learning rate, or train in fp32."
        )
