"""The two losses of every host, one picture at a time."""

from __future__ import annotations

import torch
from torch import Tensor

from plain_clip import softmax


def kdpl(teacher_logits: Tensor, student_logits: Tensor) -> Tensor:
    """Half of both divergences, averaged over pictures. Source: arXiv:2407.03056."""
    total = torch.zeros((), dtype=torch.float64)
    for teacher, student in zip(teacher_logits, student_logits, strict=True):
        p_t, p_s = softmax(teacher), softmax(student)
        forward = (p_t * (p_t / p_s).log()).sum()
        backward = (p_s * (p_s / p_t).log()).sum()
        total = total + 0.5 * forward + 0.5 * backward
    return total / len(student_logits)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean over pictures of -ln of the probability of the right class."""
    total = torch.zeros((), dtype=torch.float64)
    for row, label in zip(logits, labels.tolist(), strict=True):
        total = total - softmax(row)[label].log()
    return total / len(logits)
