"""Prompt training small enough to run whole: two tiny checkpoints and a dozen pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from adapters.checkpoints import write_clip
from sightglass.distillation.prompts.known_classes import classes_for
from sightglass.distillation.prompts.objective import Classes, Objective, kdpl_objective
from sightglass.distillation.prompts.settings import PromptSettings
from sightglass.distillation.prompts.teachers import ClipTeacher
from sightglass.distillation.prompts.training import train_prompts
from sightglass.distillation.trainer import Step
from sightglass.distillation.training_pictures import TrainingPictures, usable_pictures
from sightglass.encoders.hub import HubDualEncoder, load_hub_encoder
from sightglass.encoders.prompted.host import PromptHost
from sightglass.encoders.prompted.hosts import build_host
from sightglass.encoders.prompted.student import Student, load_student

NAMES = ("cat", "red_train", "dog", "bridge", "tower")
Weights = dict[str, torch.Tensor]


def write_photos(folder: Path, count: int) -> list[str]:
    """Distinct blocks of colour with noise, in shapes of all kinds."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, paths = np.random.default_rng(count), []
    for number in range(count):
        blocks = rng.integers(0, 256, (5, 4, 3), dtype=np.uint8)
        size = (40 + 7 * (number % 5), 70 - 6 * (number % 4))
        image = np.asarray(Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC))
        noisy = image // 2 + rng.integers(0, 128, image.shape, dtype=np.uint8)
        path = folder / f"{number:03}.png"
        Image.fromarray(noisy.astype(np.uint8)).save(path)
        paths.append(str(path))
    return paths


def weights_of(host: PromptHost) -> Weights:
    """A copy of what is learned."""
    return {name: tensor.detach().clone() for name, tensor in host.state_dict().items()}


def same_bits(first: Weights, second: Weights) -> bool:
    """Whether two hosts are one."""
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


@dataclass(frozen=True, kw_only=True)
class SmallTraining:
    """A student, a teacher and the pictures between them."""

    folder: Path
    student: Student
    teacher_folder: Path
    teacher_encoder: HubDualEncoder
    pictures: TrainingPictures
    known: dict[str, Classes] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path, *, pictures: int = 11) -> SmallTraining:
        """Written into ``folder``."""
        student, teacher = write_clip(folder / "student"), write_clip(folder / "teacher", seed=3)
        usable, left_out = usable_pictures(write_photos(folder / "photos", pictures))
        assert not left_out
        encoder = load_hub_encoder(str(teacher), precision="fp32")
        assert isinstance(encoder, HubDualEncoder)
        return cls(
            folder=folder,
            student=load_student(f"hf:{student}"),
            teacher_folder=teacher,
            teacher_encoder=encoder,
            pictures=usable,
        )

    def teacher(self, names: Sequence[str] = NAMES) -> ClipTeacher:
        """The other checkpoint, by one sentence per class."""
        texts = [f"a photo of a {name.replace('_', ' ')}." for name in names]
        return ClipTeacher(
            name="teacher",
            encoder=self.teacher_encoder,
            classes=self.teacher_encoder.encode_texts(texts),
        )

    def host(self, name: str, *, seed: int = 0, depth: int | None = None) -> PromptHost:
        """A host as it begins."""
        return build_host(
            name,
            self.student.towers,
            self.student.context_ids(),
            generator=torch.Generator().manual_seed(seed),
            depth=depth,
        )

    def objective(self, host: PromptHost, *, top_k: int | None = None) -> Objective:
        """The divergence from the teacher."""
        return kdpl_objective(host, self.student, self.classes(host), self.teacher(), top_k=top_k)

    def classes(self, host: PromptHost) -> Classes:
        """Of the five names; the same for every host of one kind, so computed once."""
        if host.name not in self.known:
            self.known[host.name] = classes_for(host, self.student, NAMES)
        return self.known[host.name]

    def train(
        self,
        host: PromptHost,
        *,
        objective: Objective | None = None,
        watch: Callable[[Step], None] | None = None,
        checkpoint: Path | None = None,
        identity: dict[str, Any] | None = None,
        seconds: float = 0.0,
        **settings: Any,
    ) -> list[float]:
        """A short run; with a checkpoint it is written after every step."""
        chosen = {"batch_size": 4, "epochs": 3, "lr": 0.01} | settings
        return train_prompts(
            host,
            self.student,
            self.pictures,
            objective or self.objective(host, top_k=chosen.get("top_k")),
            PromptSettings.of(host.name, **chosen),
            checkpoint=checkpoint,
            identity=identity,
            seconds_between_checkpoints=seconds,
            watch=watch,
        )
