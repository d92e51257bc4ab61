"""The training of prompts: epochs of pictures, the published rates, PromptSRC's average."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from sightglass.distillation.prompts.epoch_weights import gaussian_epoch_weights
from sightglass.distillation.prompts.objective import Objective
from sightglass.distillation.prompts.schedule import warmup_cosine_lr
from sightglass.distillation.prompts.settings import PromptSettings
from sightglass.distillation.trainer import SECONDS_BETWEEN_CHECKPOINTS, Step, train
from sightglass.distillation.training_pictures import PictureBatch, TrainingPictures
from sightglass.encoders.prompted.promptsrc import PromptSRC
from sightglass.errors import ModelError

if TYPE_CHECKING:
    from sightglass.encoders.prompted.host import PromptHost
    from sightglass.encoders.prompted.student import Student

# Source: the training configurations released with KDPL, which are those of Dassl.
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4


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
    who = {**settings.as_record(), "pictures": pictures.digest, "student": frozen}
    course = _PromptCourse(host, student, pictures, objective, settings)
    losses = train(
        course,
        checkpoint=checkpoint,
        identity=who | dict(identity or {}),
        seconds_between_checkpoints=seconds_between_checkpoints,
        watch=watch,
    )
    course.module.finish()
    if student.towers.digest() != frozen:
        raise ModelError(
            f"{student.name}: the student's towers must not change while prompts are trained, and "
            f"they did. Nothing was written; report this."
        )
    return losses


class _PromptCourse:
    """Epochs over the pictures; the rate is one for all steps of an epoch."""

    def __init__(
        self,
        host: PromptHost,
        student: Student,
        pictures: TrainingPictures,
        objective: Objective,
        settings: PromptSettings,
    ) -> None:
        self.module = _Averaged(host, settings)
        self.optimiser = torch.optim.SGD(
            host.parameters(), lr=settings.lr, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
        )
        self._per_epoch = pictures.steps(settings.batch_size)
        self.steps = settings.epochs * self._per_epoch
        self._student, self._pictures = student, pictures
        self._objective, self._settings = objective, settings

    def stretch(self, step: int, memory: Mapping[str, Any]) -> Iterator[PictureBatch]:
        del memory  # the step says it all
        epoch, first = divmod(step, self._per_epoch)
        return self._pictures.batches(
            self._student.image_input,
            batch_size=self._settings.batch_size,
            seed=self._settings.seed,
            epoch=epoch,
            first=first,
        )

    def lr(self, step: int) -> float:
        settings = self._settings
        return warmup_cosine_lr(step // self._per_epoch, lr=settings.lr, epochs=settings.epochs)

    def learn(self, batch: PictureBatch, step: int) -> tuple[float, Mapping[str, float]]:
        del step
        loss = self._objective(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach()), {}

    def remember(self, batch: PictureBatch) -> dict[str, Any]:
        del batch
        return {}

    def end_stretch(self, done: int) -> None:
        self.module.add_epoch(done)


class _Averaged(nn.Module):
    """A host, and for PromptSRC the weighted sum of its prompts over the epochs that are done.

    Source: Khattak et al. 2023, arXiv:2307.06948.
    """

    def __init__(self, host: PromptHost, settings: PromptSettings) -> None:
        super().__init__()
        self.host = host
        self._shares = gaussian_epoch_weights(
            settings.epochs, mean=settings.average_mean, std=settings.average_std
        )
        self._buffer_of: dict[str, str] = {}
        if isinstance(host, PromptSRC):
            for name, tensor in host.state_dict().items():
                self._buffer_of[name] = f"average_{name.replace('.', '_')}"
                self.register_buffer(self._buffer_of[name], torch.zeros_like(tensor))

    def add_epoch(self, epoch: int) -> None:
        state = self.host.state_dict()
        for name, buffer in self._buffer_of.items():
            setattr(self, buffer, getattr(self, buffer) + float(self._shares[epoch]) * state[name])

    def finish(self) -> None:
        if self._buffer_of:
            average = {name: getattr(self, buffer) for name, buffer in self._buffer_of.items()}
            self.host.load_state_dict(average)
