"""An encoder's training as the shared trainer takes it: phases, batches, one schedule."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sightglass.distillation.encoder.learner import Learner
from sightglass.distillation.encoder.lesson import Lesson
from sightglass.distillation.encoder.optimiser import make_optimiser, rate
from sightglass.distillation.encoder.views import cutter
from sightglass.distillation.pairs.pair_batches import PairBatch, batches

if TYPE_CHECKING:
    from sightglass.distillation.encoder.name_rows import NameRows
    from sightglass.distillation.encoder.recipe import Phase, Recipe
    from sightglass.distillation.encoder.teaching import Teaching
    from sightglass.distillation.pairs.ledger import Ledger
    from sightglass.distillation.pairs.mix import Mix
    from sightglass.distillation.parallel.processes import Processes
    from sightglass.encoders.towers.student import DualStudent


class EncoderCourse:
    """Phases of a recipe, one after the other, on one schedule.

    Args:
        recipe: What is done.
        student: What is trained, in place.
        mix: Where rows come from.
        teaching: Frozen teachers.
        names: Text rows of class names.
        processes: This process among those that train together.
        ledger: Where bad pictures are told.
    """

    def __init__(
        self,
        recipe: Recipe,
        student: DualStudent,
        mix: Mix,
        teaching: Teaching,
        names: NameRows,
        *,
        processes: Processes,
        ledger: Ledger,
    ) -> None:
        self._ledger = ledger
        self._recipe, self._mix, self._student = recipe, mix, student
        self._teaching, self._processes, self._names = teaching, processes, names
        self.module = Learner(student, recipe, teaching.map_widths)
        self._lesson = Lesson(recipe, self.module, teaching, names, processes)
        self.optimiser = make_optimiser(student, recipe.optimiser)
        self._lengths = [phase.steps(len(mix), recipe.batch_size) for phase in recipe.phases]
        self.steps = sum(self._lengths)
        self._phase = recipe.phases[0]

    @property
    def pictures(self) -> int:
        """How many are seen in the whole run, each as often as it comes."""
        return self.steps * self._recipe.batch_size

    def stretch(self, step: int, memory: Mapping[str, Any]) -> Iterator[PairBatch]:
        """The batches of the phase that ``step`` belongs to, from there on."""
        recipe, number, left = self._recipe, 0, step
        while left >= self._lengths[number]:
            left -= self._lengths[number]
            number += 1
        self._begin(recipe.phases[number])
        spec = self._student.image.image_input
        size = (self._phase.size, self._phase.size) if self._phase.size else spec.size
        views = [
            cutter(recipe.views.get(one.path, recipe.view), size, resample=spec.resample)
            for one in recipe.data
        ]
        made = batches(
            self._mix,
            batch_size=recipe.batch_size,
            seed=recipe.seed,
            state=memory.get("mix"),
            view=views,
            part=(self._processes.rank, self._processes.count),
            short_side=_short_side(size, recipe),
            ledger=self._ledger,
        )
        # Threads read ahead of the last batch too, and are to end with the stretch.
        with contextlib.closing(made):
            for _ in range(self._lengths[number] - left):
                yield next(made)

    def _begin(self, phase: Phase) -> None:
        self._phase = phase
        self.module.train()
        self._teaching.begin(phase)
        self._names.forget()
        image = self._student.image
        for name, tower in {"image": image, "text": self._student.text}.items():
            if tower is not None:
                tower.requires_grad_(name not in phase.freeze)
                tower.train(name not in phase.freeze)
        if "trunk" in phase.freeze:
            for part in image.children():
                if part is not image.head:
                    part.requires_grad_(False)
                    part.eval()
        self.module.follow_modes()

    def lr(self, step: int) -> float:
        """One schedule over all phases."""
        per_epoch = max(1, len(self._mix) // self._recipe.batch_size)
        return rate(step, self.steps, self._recipe.optimiser, steps_per_epoch=per_epoch)

    def learn(self, batch: PairBatch, step: int) -> tuple[float, Mapping[str, float]]:
        """Gradients of a batch; before them, the averages take in the step before."""
        # Dropout by the step and the process alone: a run that goes on draws what it would have
        # drawn, and processes do not all drop the same.
        torch.manual_seed(_mixed(self._recipe.seed, step, self._processes.rank))
        if step:
            self.module.average(step)
        self.module.follow(step + 1)
        return self._lesson.learn(batch, self._phase)

    def remember(self, batch: PairBatch) -> dict[str, Any]:
        """Where in the data the next batch begins."""
        return {"mix": batch.state}

    def end_stretch(self, done: int) -> None:
        """The resulting average takes in the last step of all."""
        if done + 1 == len(self._recipe.phases):
            self.module.average(self.steps)


def _mixed(*numbers: int) -> int:
    """One number that follows from several and looks like none of them."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)


def _short_side(size: tuple[int, int], recipe: Recipe) -> int:
    """Pixels on the short side below which the smallest crop of any source would be blurred."""
    views = [recipe.view, *recipe.views.values()]
    return math.ceil(
        max(max(size) / math.sqrt(one.area[0] * math.exp(-one.aspect)) for one in views)
    )
