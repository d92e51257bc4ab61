"""Stochastic gradient descent with momentum and weight decay, in plain arithmetic."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

MOMENTUM, WEIGHT_DECAY = 0.9, 5e-4


def gradients(
    loss_of: Callable[[dict[str, Tensor]], Tensor], prompts: dict[str, Tensor]
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss and its derivative by every prompt tensor."""
    leaves = {name: value.detach().clone().requires_grad_() for name, value in prompts.items()}
    loss = loss_of(leaves)
    found = torch.autograd.grad(loss, list(leaves.values()))
    return loss.detach(), dict(zip(leaves, found, strict=True))


def descend(
    loss_of: Callable[[dict[str, Tensor], int], Tensor],
    prompts: dict[str, Tensor],
    *,
    lr: float,
    steps: int,
) -> tuple[dict[str, Tensor], list[float]]:
    """Prompts after ``steps`` steps, and the loss before each of them.

    velocity <- 0.9 velocity + (gradient + 5e-4 weight), beginning as 0; weight <- weight - lr
    velocity.
    """
    velocity = {name: torch.zeros_like(value) for name, value in prompts.items()}
    losses = []
    for step in range(steps):
        loss, gradient = gradients(lambda tensors, now=step: loss_of(tensors, now), prompts)
        losses.append(float(loss))
        for name, weight in prompts.items():
            force = gradient[name] + WEIGHT_DECAY * weight
            velocity[name] = MOMENTUM * velocity[name] + force
        prompts = {name: weight - lr * velocity[name] for name, weight in prompts.items()}
    return prompts, losses
