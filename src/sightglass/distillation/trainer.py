"""The loop that trains prompts and encoders alike: steps, checkpoints, and going on after a cut."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import nn

from sightglass.distillation.training_state import TrainingState, restore_state, save_state
from sightglass.errors import ModelError

Batch_contra = TypeVar("Batch_contra", contravariant=True)

SECONDS_BETWEEN_CHECKPOINTS = 30.0
# Writing checkpoints may cost this share of the time at most, however large the model is.
_LARGEST_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step that is done, for whoever watches.

    Attributes:
        epoch: From 0; of a run in phases, the phase.
        step: Of the epoch, from 0.
        of_run: The same step counted from the beginning of the run, from 0.
        loss: Of its batch.
        lr: That it was taken with.
        parts: What the loss is made of, by name; empty where it is one thing.
    """

    epoch: int
    step: int
    of_run: int
    loss: float
    lr: float
    parts: Mapping[str, float] = field(default_factory=dict)


class Course(Protocol[Batch_contra]):
    """What is trained, with what, and how a batch teaches."""

    @property
    def module(self) -> nn.Module:
        """Every tensor that changes; what its ``state_dict`` holds is kept in checkpoints."""

    @property
    def optimiser(self) -> torch.optim.Optimizer:
        """Of the learned ones."""

    @property
    def steps(self) -> int:
        """Of the whole run."""

    def stretch(self, step: int, memory: Mapping[str, Any]) -> Iterator[Any]:
        """The batches from ``step`` to the end of its stretch: an epoch, or a phase.

        Args:
            step: Of the whole run, from 0.
            memory: What ``remember`` gave after the step before; empty at the beginning.
        """

    def lr(self, step: int) -> float:
        """The learning rate of a step."""

    def learn(self, batch: Batch_contra, step: int) -> tuple[float, Mapping[str, float]]:
        """Leave a batch's gradients in the parameters; the loss, and its parts by name."""

    def remember(self, batch: Batch_contra) -> dict[str, Any]:
        """What JSON must keep so that ``stretch`` goes on behind this batch."""

    def end_stretch(self, done: int) -> None:
        """Called when stretch number ``done`` (from 0) has had its last step."""


def train(
    course: Course[Any],
    *,
    checkpoint: Path | None = None,
    identity: Mapping[str, Any] | None = None,
    seconds_between_checkpoints: float = SECONDS_BETWEEN_CHECKPOINTS,
    clip: float | None = None,
    watch: Callable[[Step], None] | None = None,
    resumed: Callable[[TrainingState], None] | None = None,
    writes: bool = True,
) -> list[float]:
    """Take every step of ``course``, and return the mean loss of every stretch.

    On one machine, with one number of threads, the same course ends in the same bits, resumed or
    not.

    Args:
        course: Trained in place.
        checkpoint: File to go on from and to write to; None for none.
        identity: What makes this run another than others; a checkpoint must have the same.
        seconds_between_checkpoints: At least, and more where writing takes long; 0 for one before
            every step. One is written after every stretch too.
        clip: Largest length of the gradient of all parameters together; None for any.
        watch: Called after every step.
        resumed: Called once before the first step, with where the run stands.
        writes: Whether this process writes checkpoints; of several, one does.

    Raises:
        InputError: If the checkpoint is of another run.
        ModelError: If the checkpoint is damaged, or a loss or a parameter is not finite.
    """
    who = dict(identity or {})
    state = TrainingState()
    if checkpoint is not None:
        state = restore_state(checkpoint, course.module, course.optimiser, identity=who)
    if resumed is not None:
        resumed(state)
    keeps = checkpoint if writes else None
    wait, saved = seconds_between_checkpoints, time.monotonic()

    def keep(path: Path) -> None:
        nonlocal wait, saved
        began = time.monotonic()
        save_state(path, state, course.module, course.optimiser, identity=who)
        saved = time.monotonic()
        if wait:
            wait = max(seconds_between_checkpoints, (saved - began) / _LARGEST_SHARE)

    while state.step < course.steps:
        for batch in course.stretch(state.step, state.memory):
            # Not after a step: behind the last one of a stretch there is more to do first.
            if keeps is not None and time.monotonic() - saved >= wait:
                keep(keeps)
            lr = course.lr(state.step)
            for group in course.optimiser.param_groups:
                group["lr"] = lr
            course.optimiser.zero_grad()
            loss, parts = course.learn(batch, state.step)
            _check_loss(loss, state)
            if clip is not None:
                nn.utils.clip_grad_norm_(course.module.parameters(), clip)
            course.optimiser.step()
            _check_parameters(course.module, state)
            if watch is not None:
                place = {"epoch": len(state.losses), "step": state.steps_of_stretch}
                watch(Step(**place, of_run=state.step, loss=loss, lr=lr, parts=parts))
            state.step += 1
            state.steps_of_stretch += 1
            state.running_loss += loss
            state.memory = course.remember(batch)
        course.end_stretch(len(state.losses))
        state.losses.append(state.running_loss / state.steps_of_stretch)
        state.steps_of_stretch, state.running_loss = 0, 0.0
        if keeps is not None:
            keep(keeps)
    return state.losses


def _check_loss(loss: float, state: TrainingState) -> None:
    if not math.isfinite(loss):
        raise ModelError(
            f"Training: the loss must be finite, got {loss} at {_place(state)}. Lower the learning "
            f"rate, or train in fp32."
        )


def _check_parameters(module: nn.Module, state: TrainingState) -> None:
    """A finite loss can have an infinite gradient; no checkpoint may begin from what it leaves."""
    learned = [parameter.detach() for parameter in module.parameters() if parameter.requires_grad]
    # The length of a tensor is infinite or NaN where one of its numbers is: one look at all.
    lengths = torch.stack([length.float() for length in torch._foreach_norm(learned)])
    if not lengths.isfinite().all():
        raise ModelError(
            f"Training: parameters must be finite, {_place(state)} made them infinite or NaN. "
            f"Lower the learning rate, or train in fp32."
        )


def _place(state: TrainingState) -> str:
    return f"step {state.steps_of_stretch} of epoch {len(state.losses)}"
