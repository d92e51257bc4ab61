"""Rates, clipping, and the two optimisers, one parameter after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

Gradients = dict[str, Tensor | None]


def cosine_rate(step: int, *, lr: float, steps: int, warmup: int) -> float:
    """The rate of a step, counted from 0."""
    if step < warmup:
        return lr * (step + 1) / warmup
    return lr * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def clipped(gradients: Gradients, longest: float) -> Gradients:
    """All shortened alike, so that together they are no longer than that."""
    length = math.sqrt(
        sum(float((g.double() ** 2).sum()) for g in gradients.values() if g is not None)
    )
    share = min(1.0, longest / length)
    return {name: None if g is None else g * share for name, g in gradients.items()}


def decaying(module: nn.Module) -> set[str]:
    """Names of the weights: no bias, no scale, nothing of a norm."""
    norms = (nn.BatchNorm2d, nn.LayerNorm)
    of_norms = {
        f"{name}.weight" for name, layer in module.named_modules() if isinstance(layer, norms)
    }
    names = {name for name, _ in module.named_parameters()} - of_norms
    return {name for name in names if not name.endswith(("bias", "_log"))}


@dataclass
class Sgd:
    """``v <- 0.9 v + g + decay w``, beginning as the first of these; ``w <- w - lr v``."""

    decay: float
    velocity: dict[str, Tensor] = field(default_factory=dict)

    def step(self, name: str, weight: Tensor, gradient: Tensor, lr: float, *, decays: bool) -> None:
        force = gradient + (self.decay if decays else 0.0) * weight
        before = self.velocity.get(name, torch.zeros_like(weight))
        self.velocity[name] = 0.9 * before + force
        weight -= lr * self.velocity[name]


@dataclass
class AdamW:
    """Kingma & Ba 2015, arXiv:1412.6980, with the decay of arXiv:1711.05101."""

    decay: float
    betas: tuple[float, float] = (0.9, 0.98)
    moments: dict[str, tuple[Tensor, Tensor, int]] = field(default_factory=dict)

    def step(self, name: str, weight: Tensor, gradient: Tensor, lr: float, *, decays: bool) -> None:
        b1, b2 = self.betas
        zero = torch.zeros_like(weight)
        first, second, count = self.moments.get(name, (zero, zero, 0))
        first, second = b1 * first + (1 - b1) * gradient, b2 * second + (1 - b2) * gradient**2
        count += 1
        self.moments[name] = first, second, count
        if decays:
            weight *= 1 - lr * self.decay
        root = (second / (1 - b2**count)).sqrt() + 1e-8
        weight -= lr * first / (1 - b1**count) / root
