"""Small students, a batch for them, and the whole batch's loss written plainly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from sightglass.distillation.parallel.contrastive_step import Outputs, backward
from sightglass.distillation.parallel.processes import Processes

PICTURES, SIDE, WORDS, WIDTH = 12, 4, 5, 6
RATE, STEPS = 0.05, 3
# Pictures of each part of each process; without a caption are, by the batch's seed: all of the
# first process, some of the first and all of the second, some of both.
CUT = ((4, 3), (2, 3))
WITHOUT_CAPTION = ((0, 1, 2, 3, 4, 5, 6), (1, 7, 8, 9, 10, 11), (2, 9))


class Student(nn.Module):
    """Two towers, a head that is asked about single pictures, a scale, and one unused number."""

    def __init__(self, *, seed: int = 0, dropout: float = 0.0, norm: bool = False) -> None:
        super().__init__()
        torch.manual_seed(seed)
        convolution = [nn.Conv2d(3, 8, 3, padding=1), *([nn.BatchNorm2d(8)] if norm else [])]
        self.trunk = nn.Sequential(
            *convolution, nn.Tanh(), nn.Dropout(dropout), nn.Flatten(), nn.Linear(128, 16)
        )
        self.image_head = nn.Linear(16, WIDTH)
        self.own_head = nn.Linear(16, 2)
        self.words = nn.Sequential(
            nn.Linear(WORDS, 16), nn.Tanh(), nn.Dropout(dropout), nn.Linear(16, WIDTH)
        )
        self.log_scale = nn.Parameter(torch.tensor(1.5))
        self.unused = nn.Parameter(torch.tensor(1.0))


@dataclass(frozen=True)
class Batch:
    """Pictures, which of them have a caption, the captions, and what single pictures are asked."""

    pixels: Tensor
    paired: Tensor
    captions: Tensor
    wanted: Tensor

    def part(self, first: int, size: int) -> Batch:
        rows = slice(first, first + size)
        before = int(self.paired[:first].sum())
        until = before + int(self.paired[rows].sum())
        return Batch(
            self.pixels[rows], self.paired[rows], self.captions[before:until], self.wanted[rows]
        )


def make_batch(*, seed: int = 1, without_caption: Sequence[int] | None = None) -> Batch:
    if without_caption is None:
        without_caption = WITHOUT_CAPTION[seed]
    generator = torch.Generator().manual_seed(seed)
    paired = torch.ones(PICTURES, dtype=torch.bool)
    paired[list(without_caption)] = False
    return Batch(
        torch.randn(PICTURES, 3, SIDE, SIDE, generator=generator),
        paired,
        torch.randn(int(paired.sum()), WORDS, generator=generator),
        torch.randn(PICTURES, 2, generator=generator),
    )


def cut(batch: Batch, sizes: Sequence[int], *, first: int = 0) -> list[Batch]:
    parts = []
    for size in sizes:
        parts.append(batch.part(first, size))
        first += size
    return parts


def embed(student: Student, part: Batch) -> Outputs:
    features = student.trunk(part.pixels)
    texts = None
    if len(part.captions):
        texts = functional.normalize(student.words(part.captions).float(), dim=1)
    return Outputs(
        images=functional.normalize(student.image_head(features).float(), dim=1),
        texts=texts,
        paired=part.paired,
        own=(student.own_head(features) - part.wanted).square().mean(),
    )


def info_nce(student: Student, images: Tensor, texts: Tensor | None, paired: Tensor) -> Tensor:
    """Both directions, entry by entry: minus the log of each pair's share of its row and column."""
    if texts is None:
        return images.new_zeros(())
    scores = student.log_scale.exp() * images[paired] @ texts.T
    total = images.new_zeros(())
    for at in range(len(scores)):
        row = scores[at].exp().sum() / scores[at, at].exp()
        column = scores[:, at].exp().sum() / scores[at, at].exp()
        total = total + (row.log() + column.log()) / len(scores)
    return total


def plain_loss(student: Student, parts: Sequence[Batch]) -> Tensor:
    """The loss of all parts in one graph; random numbers are drawn part by part."""
    answers = [embed(student, part) for part in parts]
    texts = [answer.texts for answer in answers if answer.texts is not None]
    pictures = sum(len(part.pixels) for part in parts)
    own = sum(
        (answer.own * len(part.pixels) for answer, part in zip(answers, parts, strict=True)),
        start=torch.zeros(()),
    )
    compared = info_nce(
        student,
        torch.cat([answer.images for answer in answers]),
        torch.cat(texts) if texts else None,
        torch.cat([part.paired for part in parts]),
    )
    return own / pictures + compared


def our_gradient(
    student: Student,
    parts: Sequence[Batch],
    processes: Processes | None = None,
    *,
    embedding: Callable[[Batch], Outputs] | None = None,
    comparing: Callable[[Tensor, Tensor | None, Tensor], Tensor] | None = None,
) -> float:
    """Leave the gradient that is under test in the student, and return the loss."""
    return backward(
        parts,
        embedding or partial(embed, student),
        comparing or partial(info_nce, student),
        module=student,
        sizes=[len(part.pixels) for part in parts],
        shared=[student.log_scale],
        processes=processes,
    )


def plain_gradient(student: Student, parts: Sequence[Batch]) -> float:
    loss = plain_loss(student, parts)
    loss.backward()
    return loss.item()


def gradients(student: nn.Module) -> dict[str, Tensor | None]:
    return {
        name: None if one.grad is None else one.grad.clone()
        for name, one in student.named_parameters()
    }


def descend(
    student: Student, leave_gradient: Callable[[int], float]
) -> tuple[list[float], dict[str, Tensor]]:
    """Losses of three steps down the slope, and every tensor after them."""
    optimiser = torch.optim.SGD(student.parameters(), lr=RATE, weight_decay=0.01)
    losses = []
    for step in range(STEPS):
        optimiser.zero_grad()
        losses.append(leave_gradient(step))
        optimiser.step()
    return losses, {name: one.detach().clone() for name, one in student.state_dict().items()}
