"""Our training and the plain restatement side by side: the same towers, data and steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize
from transformers import AutoTokenizer, CLIPModel

from adapters.checkpoints import CLIP_MEAN, CLIP_STD, LENGTH
from adapters.small_encoder_runs import (
    CAPTIONS,
    LABELS,
    STEPS,
    WITHOUT_CAPTION,
    WITHOUT_LABEL,
    begin,
    pixels,
    rows_by_step,
)
from plain_encoder.descent import AdamW, Sgd
from plain_encoder.run import PlainRun, PlainStudent
from sightglass.distillation.encoder.ready import Ready
from sightglass.distillation.encoder.recipe import Recipe
from sightglass.distillation.trainer import Step, train

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
SGD = {"kind": "sgd", "lr": 0.01, "weight_decay": 0.1}
ADAMW = {"kind": "adamw", "lr": 0.001, "weight_decay": 0.1}
# A constant that the next norm takes away again: its gradient is rounding alone, of which AdamW
# makes whole steps. It moves the norm's mean, and no answer.
WITHOUT_EFFECT = ("stages.1.0.4.bias", "stages.2.1.running_mean")


@dataclass(frozen=True)
class Batch:
    """What a step is about, said without the package's reader."""

    rows: list[int]
    captions: list[str | None]
    labels: list[int]

    @classmethod
    def of(cls, rows: list[int], *, gaps: bool) -> Batch:
        captions = [None if gaps and row in WITHOUT_CAPTION else CAPTIONS[row] for row in rows]
        labels = [-1 if gaps and row in WITHOUT_LABEL else LABELS[row] for row in rows]
        return cls(rows, captions, labels)

    @property
    def paired(self) -> list[int]:
        return [at for at, caption in enumerate(self.captions) if caption is not None]

    @property
    def said(self) -> list[str]:
        return [caption for caption in self.captions if caption is not None]

    def pixels(self, mean: Any, std: Any) -> Tensor:
        stacked = np.stack([pixels(row) for row in self.rows]).transpose(0, 3, 1, 2) / 255
        shape = (1, 3, 1, 1)
        normal = (stacked - np.reshape(mean, shape)) / np.reshape(std, shape)
        return torch.from_numpy(normal.astype(np.float32))


def seen(student: PlainStudent, batch: Batch) -> Any:
    spec = student.image.image_input
    return student.image(batch.pixels(spec.mean, spec.std))


def read(student: PlainStudent, texts: list[str]) -> Tensor:
    return student.text(student.text.tokenise(texts))


def run_both(
    asked: Recipe,
    folder: Path,
    loss_of: Callable[[PlainStudent, PlainStudent, Batch], Tensor],
    *,
    gaps: bool = False,
) -> tuple[Ready, PlainRun, list[Step]]:
    """Three steps of ours and three plain ones; every number of both is compared."""
    ready, course = begin(asked, folder)
    settings = asked.optimiser
    decay = settings.weight_decay
    run = PlainRun(
        student=PlainStudent(ready.student.image, ready.student.text).train(),
        optimiser=Sgd(decay) if settings.kind == "sgd" else AdamW(decay),
        lr=settings.lr,
        steps=STEPS,
        warmup=settings.warmup_steps,
        clip=math.inf if settings.clip is None else settings.clip,
    )
    run.teacher.train()
    for name in asked.phases[0].freeze:
        for student in (run.student, run.teacher):
            still = student.image.stages if name == "trunk" else getattr(student, name)
            still.requires_grad_(False).eval()
    steps: list[Step] = []
    train(course, clip=settings.clip, watch=steps.append)
    for rows, step in zip(rows_by_step(ready, asked.seed), steps, strict=True):
        batch = Batch.of(rows, gaps=gaps)
        expected = run.step(lambda student, teacher, of=batch: loss_of(student, teacher, of))
        assert step.loss == pytest.approx(expected, rel=1e-5, abs=1e-6)
    leave = leaves_out(run) if settings.kind == "adamw" else {}
    check_same(ready.student.image, run.student.image, leave=leave, of="image")
    check_same(ready.student.text, run.student.text, leave=leave, of="text")
    logs = (run.student.contrastive_log, run.student.distillation_log)
    ours = (ready.student.contrastive_scale, ready.student.distillation_scale)
    for mine, log in zip(ours, logs, strict=True):
        torch.testing.assert_close(mine.log_scale, log, **CLOSE)
    follower = course.module.follower
    if follower is not None:
        check_same(follower.image, run.teacher.image, leave=leave, of="image")
        check_same(follower.text, run.teacher.text, leave=leave, of="text")
    return ready, run, steps


def leaves_out(run: PlainRun) -> dict[str, Tensor]:
    """The few numbers that AdamW moves by rounding, by parameter."""
    tensors = run.student.image.state_dict()
    leave = {f"image.{name}": torch.ones_like(tensors[name]).bool() for name in WITHOUT_EFFECT}
    counted = sum(int(faint.sum()) for faint in run.faint.values())
    assert counted < 0.02 * sum(faint.numel() for faint in run.faint.values())
    return run.faint | leave


def check_same(
    ours: torch.nn.Module, wanted: torch.nn.Module, *, leave: dict[str, Tensor], of: str
) -> None:
    expected = wanted.state_dict()
    assert ours.state_dict().keys() == expected.keys()
    for name, tensor in ours.state_dict().items():
        left_out = leave.get(f"{of}.{name}")
        compared = slice(None) if left_out is None or not tensor.ndim else ~left_out
        torch.testing.assert_close(
            tensor[compared] if tensor.ndim else tensor,
            expected[name][compared] if tensor.ndim else expected[name],
            **CLOSE,
            msg=lambda text, n=name: f"{n}: {text}",
        )


class FrozenClip:
    """A tiny CLIP as transformers itself runs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._model = CLIPModel.from_pretrained(folder).eval()
        self._tokenizer = AutoTokenizer.from_pretrained(folder)

    @torch.no_grad()
    def pictures(self, batch: Batch) -> Tensor:
        seen = self._model.get_image_features(pixel_values=batch.pixels(CLIP_MEAN, CLIP_STD))
        return normalize(seen.pooler_output, dim=1)

    @torch.no_grad()
    def texts(self, texts: list[str]) -> Tensor:
        limits = {"padding": "max_length", "truncation": True, "max_length": LENGTH}
        ids = self._tokenizer(texts, return_tensors="pt", **limits)
        return normalize(self._model.get_text_features(**ids).pooler_output, dim=1)
