"""A training run as a person asks for it, checked and made ready: nothing is trained here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import torch

from sightglass.distillation.prompts.known_classes import classes_for
from sightglass.distillation.prompts.objective import (
    Classes,
    Objective,
    kdpl_objective,
    supervised_objective,
)
from sightglass.distillation.prompts.settings import PromptSettings
from sightglass.distillation.prompts.teachers import Teacher
from sightglass.distillation.training_pictures import TrainingPictures
from sightglass.encoders.prompted.host import PromptHost
from sightglass.encoders.prompted.hosts import build_host
from sightglass.encoders.prompted.student import Student
from sightglass.errors import InputError, closest
from sightglass.inputs.labels import LabelSet, name_key

if TYPE_CHECKING:
    from sightglass.inputs.outcome import Outcome


@dataclass(frozen=True, kw_only=True, eq=False)
class PromptRun:
    """Everything that training needs.

    Attributes:
        student: Frozen.
        settings: Numbers.
        pictures: Usable ones.
        left_out: The rest, and why.
        names: Of the classes, or of the vocabulary.
        teacher: For KDPL; None where the run is only planned.
        told: What run.json says of the teacher and the vocabulary.
        labels: For cross-entropy: one index into ``names`` per picture.
        class_agnostic: Whether ``names`` are a vocabulary, from which each step chooses.
    """

    student: Student
    settings: PromptSettings
    pictures: TrainingPictures
    names: tuple[str, ...]
    left_out: tuple[Outcome, ...] = ()
    teacher: Teacher | None = None
    told: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[int, ...] | None = None
    class_agnostic: bool = False

    def __post_init__(self) -> None:
        """Refuse what does not fit together."""
        kdpl, k = self.settings.loss == "kdpl", self.settings.top_k
        if kdpl != (self.labels is None) or (not kdpl and self.teacher is not None):
            raise InputError(
                "Prompt run: the loss 'kdpl' takes no labels, 'cross_entropy' takes labels and no "
                f"teacher, got '{self.settings.loss}' with "
                f"{'no' if self.teacher is None else 'a'} teacher and "
                f"{'no ' if self.labels is None else ''}labels. Leave out what has no place."
            )
        if self.class_agnostic != (k is not None):
            raise InputError(
                "Prompt run: a vocabulary needs top_k, and classes that are known need none, got "
                f"top_k {k}. Leave out --top-k, or give --vocabulary in place of --classes."
            )
        if k is not None and k > len(self.names):
            raise InputError(
                f"Prompt run: each step keeps top_k names of the vocabulary, {k:,} are more than "
                f"its {len(self.names):,}. Choose fewer with --top-k."
            )

    @cached_property
    def host(self) -> PromptHost:
        """The prompts as they begin; trained in place."""
        return build_host(
            self.settings.host,
            self.student.towers,
            self.student.context_ids(),
            generator=torch.Generator().manual_seed(self.settings.seed),
            depth=self.settings.depth,
        )

    @cached_property
    def classes(self) -> Classes:
        """The classes' tokens."""
        return classes_for(self.host, self.student, self.names)

    @cached_property
    def objective(self) -> Objective:
        """The loss of a batch."""
        if self.labels is not None:
            return supervised_objective(self.host, self.student, self.classes, self.labels)
        if self.teacher is None:
            raise InputError(
                "Prompt run: the loss 'kdpl' needs a teacher, got none. Give one, or plan only."
            )
        return kdpl_objective(
            self.host, self.student, self.classes, self.teacher, top_k=self.settings.top_k
        )

    @property
    def steps(self) -> int:
        """Of the whole run."""
        return self.settings.epochs * self.pictures.steps(self.settings.batch_size)

    @property
    def trainable(self) -> int:
        """How many numbers are learned."""
        return sum(parameter.numel() for parameter in self.host.parameters())


def labels_of_folders(paths: Sequence[str], labels: LabelSet) -> tuple[int, ...]:
    """The class of each picture by the name of the folder that it lies in.

    Args:
        paths: Files.
        labels: The classes; a folder may have any of a class's names.

    Raises:
        InputError: If a folder has the name of no class.
    """
    index = {name_key(name): i for i, names in enumerate(labels.synonyms) for name in names}
    found = []
    for path in paths:
        folder = PurePath(Path(path).absolute()).parent.name
        if name_key(folder) not in index:
            near = closest(folder, [name for names in labels.synonyms for name in names])
            hint = f" Did you mean '{near}'?" if near else ""
            raise InputError(
                f"{path}: cross-entropy needs each picture in a folder that has its class's name, "
                f"'{folder}' is none of the {len(labels.names)} classes.{hint} Rename it, or "
                f"distil without labels: --loss kdpl."
            )
        found.append(index[name_key(folder)])
    return tuple(found)
