"""Contrastive distillation of two linear towers again, with every gradient written out by hand.

Arrays of numpy in float64; never imports sightglass or torch. What it restates: unit rows of both
towers, InfoNCE with or without smoothing, targets of a teacher that is the student's moving mean
(softmax, or transport plan), a learned scale for each of the two, and stochastic gradient descent
with momentum.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

ALPHA = 0.5
TEACHER_SCALE = 100.0


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def plan(similarities: np.ndarray, regularisation: float = 0.15) -> np.ndarray:
    """Five times rows and columns to 1/n, then rows to 1."""
    n = len(similarities)
    shares = np.exp(similarities / regularisation)
    shares = shares / shares.sum()
    for _ in range(5):
        shares = shares / shares.sum(axis=1, keepdims=True) / n
        shares = shares / shares.sum(axis=0, keepdims=True) / n
    return shares / shares.sum(axis=1, keepdims=True)


def unit(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    return rows / lengths, lengths


@dataclass
class PlainStudent:
    """Image and text weights, the logarithms of both scales, and the teacher's weights.

    ``method`` is one of "info_nce", "smoothed", "self", "otter"; the first two have no teacher.
    """

    image: np.ndarray
    text: np.ndarray
    method: str
    lr: float
    logs: np.ndarray = field(default_factory=lambda: np.array([3.9, 3.9]))
    momentum: list[np.ndarray] = field(init=False)
    teacher: list[np.ndarray] = field(init=False)
    step_number: int = 0

    def __post_init__(self) -> None:
        self.momentum = [np.zeros_like(each) for each in (self.image, self.text, self.logs)]
        self.teacher = [self.image.copy(), self.text.copy()]

    def targets(self, pictures: np.ndarray, captions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        v, _ = unit(pictures @ self.teacher[0])
        t, _ = unit(captions @ self.teacher[1])
        if self.method == "self":
            return softmax(TEACHER_SCALE * v @ t.T), softmax(TEACHER_SCALE * t @ v.T)
        vv, tt = v @ v.T - 100 * np.eye(len(v)), t @ t.T - 100 * np.eye(len(t))
        return plan(vv + tt + v @ t.T), plan(vv + tt + t @ v.T)

    def step(self, pictures: np.ndarray, captions: np.ndarray) -> float:
        n, eye = len(pictures), np.eye(len(pictures))
        self.step_number += 1
        d = min(0.999, (1 + self.step_number) / (10 + self.step_number))
        self.teacher = [
            old - (1 - d) * (old - new)
            for old, new in zip(self.teacher, (self.image, self.text), strict=True)
        ]
        v, v_lengths = unit(pictures @ self.image)
        t, t_lengths = unit(captions @ self.text)
        cosines = v @ t.T
        smoothing = 0.1 if self.method == "smoothed" else 0.0
        hard = (1 - smoothing) * eye + smoothing / (n - 1) * (1 - eye)
        taught = self.method in ("self", "otter")
        parts = [(hard, hard, ALPHA if taught else 1.0, 0)]
        if taught:
            parts.append((*self.targets(pictures, captions), 1 - ALPHA, 1))
        loss, by_cosines, by_logs = 0.0, np.zeros((n, n)), np.zeros(2)
        for to_captions, to_pictures, weight, which in parts:
            scale = np.exp(self.logs[which])
            assert 1 < scale < 100, "beyond its ends a scale has another gradient"
            for target, side in ((to_captions, cosines), (to_pictures, cosines.T)):
                answer = softmax(scale * side)
                logs = np.log(answer)
                if which:  # a divergence: less the entropy of the target
                    logs = logs - np.log(np.where(target > 0, target, 1))
                loss -= weight * (target * logs).sum() / n
                by_logits = weight * (answer - target) / n
                by_logs[which] += (by_logits * side).sum() * scale
                by_cosines += scale * (by_logits if side is cosines else by_logits.T)
        by_v, by_t = by_cosines @ t, by_cosines.T @ v
        # Through the division by the length: the part along the row itself falls away.
        by_v = (by_v - v * (v * by_v).sum(axis=1, keepdims=True)) / v_lengths
        by_t = (by_t - t * (t * by_t).sum(axis=1, keepdims=True)) / t_lengths
        gradients = (pictures.T @ by_v, captions.T @ by_t, by_logs)
        self.momentum = [
            0.9 * momentum + gradient
            for momentum, gradient in zip(self.momentum, gradients, strict=True)
        ]
        self.image = self.image - self.lr * self.momentum[0]
        self.text = self.text - self.lr * self.momentum[1]
        self.logs = self.logs - self.lr * self.momentum[2]
        return float(loss)
