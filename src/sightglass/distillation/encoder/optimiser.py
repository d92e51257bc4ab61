"""The optimiser of a recipe, its parameter groups and its learning rate at each step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from sightglass.distillation.encoder.recipe import Optimiser


def make_optimiser(module: nn.Module, settings: Optimiser) -> torch.optim.Optimizer:
    """Weights decay, and nothing else does: no scale, no bias, no normalisation.

    Args:
        module: Every parameter of it that has a gradient now or may get one in a later phase.
        settings: Kind and numbers.
    """
    decaying = [one for one in module.parameters() if one.requires_grad and one.ndim > 1]
    others = [one for one in module.parameters() if one.requires_grad and one.ndim <= 1]
    groups = [
        {"params": decaying, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if settings.kind == "sgd":
        return torch.optim.SGD(groups, lr=settings.lr, momentum=settings.momentum)
    return torch.optim.AdamW(groups, lr=settings.lr, betas=settings.betas)


def rate(step: int, steps: int, settings: Optimiser, *, steps_per_epoch: int) -> float:
    """The learning rate of a step: a linear warm-up, then a cosine to 0 or a constant.

    Args:
        step: From 0.
        steps: Of the whole run.
        settings: Highest rate, warm-up, schedule.
        steps_per_epoch: For a cosine that moves between epochs only.

    Source:
        The cosine per epoch without warm-up is that of the code released with Wu et al. 2022,
        arXiv:2112.09445.
    """
    if step < settings.warmup_steps:
        return settings.lr * (step + 1) / settings.warmup_steps
    if settings.schedule == "constant":
        return settings.lr
    if settings.cosine_per == "epoch":
        epochs = max(1, round(steps / steps_per_epoch))
        done = min(step // steps_per_epoch, epochs - 1) / epochs
    else:
        done = (step - settings.warmup_steps) / max(1, steps - settings.warmup_steps)
    return settings.lr * (1 + math.cos(math.pi * done)) / 2
