"""The losses, entry by entry, in float64."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from plain_encoder.targets import Rows, hard, kd, otter, softmax


@dataclass(frozen=True, kw_only=True)
class PlainTeacher:
    """What a frozen image network said of some pictures."""

    features: Tensor
    logits: Tensor
    maps: tuple[Tensor, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ruler:
    """Mean and deviation of each channel of a map, over pictures and places."""

    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, maps: Tensor) -> Ruler:
        channels = maps.double().transpose(0, 1).flatten(1)
        mean = channels.sum(1) / channels.shape[1]
        deviation = (((channels - mean[:, None]) ** 2).sum(1) / channels.shape[1]).sqrt()
        std = torch.where(deviation < deviation.max() / 1000, math.inf, deviation)
        return cls(mean=mean[:, None, None], std=std[:, None, None])

    def normal(self, maps: Tensor) -> Tensor:
        return (maps.double() - self.mean) / self.std


def divergence(target: Sequence[float], logits: Tensor) -> Tensor:
    """KL of one row's softmax from its target."""
    wide = logits.double()
    log_shares = wide - wide.max() - (wide - wide.max()).exp().sum().log()
    return sum(
        (wanted * (math.log(wanted) - share))
        for wanted, share in zip(target, log_shares, strict=True)
        if wanted > 0
    )


def entropy(target: Sequence[float]) -> float:
    return -sum(wanted * math.log(wanted) for wanted in target if wanted > 0)


def both_directions(
    targets: tuple[Rows, Rows], cosines: Tensor, scale: Tensor, *, cross_entropy: bool = False
) -> Tensor:
    """The mean over pictures plus the mean over texts."""
    total = torch.zeros((), dtype=torch.float64)
    for target, side in zip(targets, (cosines, cosines.T), strict=True):
        for wanted, row in zip(target, side, strict=True):
            total = total + divergence(wanted, scale * row) / len(side)
            if cross_entropy:
                total = total + entropy(wanted) / len(side)
    return total


def contrastive(cosines: Tensor, scale: Tensor, smoothing: float = 0.0) -> Tensor:
    target = hard(len(cosines), smoothing)
    return both_directions((target, target), cosines, scale, cross_entropy=True)


def soft(kind: str, cosines: Tensor, scale: Tensor, *, images: Tensor, texts: Tensor) -> Tensor:
    """``kd`` or ``otter`` against a teacher's unit rows of pictures and texts."""
    v, t = images.detach().double(), texts.detach().double()
    vt = (v @ t.T).tolist()
    if kind == "kd":
        return both_directions(kd(vt), cosines, scale)
    return both_directions(otter(vt, (v @ v.T).tolist(), (t @ t.T).tolist()), cosines, scale)


def scale_of(log: Tensor) -> Tensor:
    """``clip(exp(T), 1, 100)``."""
    return log.double().exp().clip(1, 100)


def squared_error(mine: Tensor, theirs: Tensor) -> Tensor:
    difference = mine.double() - theirs.double()
    return (difference * difference).sum() / difference.numel()


def cosine_distance(mine: Tensor, theirs: Tensor) -> Tensor:
    total = torch.zeros((), dtype=torch.float64)
    for row, wanted in zip(mine.double(), theirs.double(), strict=True):
        lengths = ((row * row).sum() * (wanted * wanted).sum()).sqrt()
        total = total + 1 - (row * wanted).sum() / lengths
    return total / len(mine)


def logits_loss(mine: Tensor, theirs: Tensor, temperature: float) -> Tensor:
    rows = [
        divergence(softmax((wanted.double() / temperature).tolist()), found / temperature)
        for wanted, found in zip(theirs, mine, strict=True)
    ]
    return temperature**2 * sum(rows) / len(rows)


def anchors_loss(rows: Tensor, names: Tensor, theirs: Tensor, temperature: float) -> Tensor:
    """KL of cosines with names, times 20, from the teacher's softmax."""
    parts = [
        divergence(softmax((wanted.double() / temperature).tolist()), 20 * (names @ row))
        for wanted, row in zip(theirs, rows, strict=True)
    ]
    return sum(parts) / len(parts)


def anchors_cosine_loss(rows: Tensor, names: Tensor, theirs: Tensor, temperature: float) -> Tensor:
    """One minus the cosine with the names' mean under the teacher's softmax."""
    total = torch.zeros((), dtype=torch.float64)
    for wanted, row in zip(theirs, rows.double(), strict=True):
        shares = softmax((wanted.double() / temperature).tolist())
        meant = sum(share * name for share, name in zip(shares, names.double(), strict=True))
        total = total + 1 - (row * meant).sum() / (meant * meant).sum().sqrt()
    return total / len(rows)


def named_loss(
    rows: Tensor, names: Tensor, wanted: Sequence[Sequence[float]], scale: Tensor
) -> Tensor:
    """A mean over all pictures; an empty target is a picture that nobody knows."""
    parts = [
        divergence(target, scale * (names @ row))
        for target, row in zip(wanted, rows, strict=True)
        if target
    ]
    return sum(parts, start=torch.zeros((), dtype=torch.float64)) / len(rows)


def labels_loss(rows: Tensor, names: Tensor, labels: Sequence[int]) -> Tensor:
    wanted = [
        [float(column == label) for column in range(len(names))] if label >= 0 else []
        for label in labels
    ]
    return named_loss(rows, names, wanted, torch.tensor(20.0, dtype=torch.float64))
