"""A student, its moving average and its optimiser, step by step."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from plain_encoder.descent import AdamW, Gradients, Sgd, clipped, cosine_rate, decaying


class PlainStudent(nn.Module):
    """Copies of two towers, and the logarithms of both scales."""

    def __init__(self, image: nn.Module, text: nn.Module | None) -> None:
        super().__init__()
        self.image, self.text = copy.deepcopy(image), copy.deepcopy(text)
        self.contrastive_log = nn.Parameter(torch.tensor(3.9))
        self.distillation_log = nn.Parameter(torch.tensor(3.9))


@dataclass
class PlainRun:
    """Three lines a step: the teacher follows, the gradient is taken, the weights move.

    Attributes:
        student: Trained in place.
        optimiser: The rule for one parameter.
        lr: The highest rate.
        steps: Of the whole run.
        warmup: Steps of it.
        clip: Longest gradient of all parameters together.
        faint: By parameter, which of its numbers had, at some step, a gradient far below the usual
            one: AdamW divides by that, and makes of its rounding a share of the step.
    """

    student: PlainStudent
    optimiser: Sgd | AdamW
    lr: float
    steps: int
    warmup: int
    clip: float
    taken: int = 0
    teacher: PlainStudent = field(init=False)
    faint: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.teacher = copy.deepcopy(self.student)
        self.decaying = decaying(self.student)

    def step(self, loss_of: Callable[[PlainStudent, PlainStudent], Tensor]) -> float:
        """Take one step; ``loss_of`` is given the student and the teacher."""
        self._follow(self.taken + 1)
        loss = loss_of(self.student, self.teacher)
        gradients = clipped(self._gradients(loss), self.clip)
        rate = cosine_rate(self.taken, lr=self.lr, steps=self.steps, warmup=self.warmup)
        with torch.no_grad():
            for name, weight in self.student.named_parameters():
                gradient = gradients[name]
                if gradient is not None:
                    self._note_faint(name, gradient)
                    decays = name in self.decaying
                    self.optimiser.step(name, weight, gradient, rate, decays=decays)
        self.taken += 1
        return float(loss.detach())

    def _note_faint(self, name: str, gradient: Tensor) -> None:
        sizes = gradient.abs()
        usual = (sizes**2).sum().sqrt() / max(1, int((sizes > 0).sum())) ** 0.5
        found = (sizes > 0) & (sizes < usual / 10_000)
        self.faint[name] = found | self.faint.get(name, torch.zeros_like(found))

    def _follow(self, number: int) -> None:
        """The student as the step before left it goes into the teacher."""
        keeps = min(0.999, (1 + number) / (10 + number))
        with torch.no_grad():
            learned = dict(self.student.named_parameters())
            for name, weight in self.teacher.named_parameters():
                weight.copy_(weight - (1 - keeps) * (weight - learned[name]))

    def _gradients(self, loss: Tensor) -> Gradients:
        learned = dict(self.student.named_parameters())
        wanted = {name: weight for name, weight in learned.items() if weight.requires_grad}
        found = torch.autograd.grad(loss, list(wanted.values()), allow_unused=True)
        return dict.fromkeys(learned) | dict(zip(wanted, found, strict=True))
