"""The text tower's own lessons: the joint space of its teachers, before any picture is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightglass.distillation.encoder.optimiser import make_optimiser, rate
from sightglass.distillation.encoder.recipe import Optimiser, Recipe
from sightglass.distillation.encoder.teacher_settings import Words
from sightglass.distillation.encoder.word_teachers import read_text_teacher
from sightglass.distillation.trainer import Step, train
from sightglass.distillation.words.text_lesson import TextBatch, text_batches, text_loss
from sightglass.distillation.words.text_space import TextSpace
from sightglass.encoders.towers.building import build_text_tower
from sightglass.errors import InputError

if TYPE_CHECKING:
    from jaxtyping import Float32

    from sightglass.distillation.encoder.word_texts import WordTexts
    from sightglass.encoders.towers.contract import TextTower

CHECKPOINT = "words.safetensors"


def text_tower(recipe: Recipe, vocabulary: bytes | None) -> TextTower:
    """The recipe's text tower; one of word pieces gets ``vocabulary``, others bring their own.

    Raises:
        InputError: If a vocabulary is needed and there is none.
    """
    settings = dict(recipe.student.text or {})
    settings.setdefault("dim", recipe.student.dim)
    own = settings.get("kind") == "word_table"
    if own and vocabulary is None:
        raise InputError(
            "Recipe: a word_table tower needs texts to make its word pieces from, got none. "
            "Give captions, class names, or 'words'."
        )
    return build_text_tower(settings, vocabulary if own else None)


def teach_words(
    tower: TextTower,
    recipe: Recipe,
    texts: WordTexts,
    *,
    teachers: str,
    checkpoint: Path | None,
    watch: Callable[[Step], None] | None = None,
    writes: bool = True,
) -> None:
    """Train ``tower`` in place; a run that is finished or was cut off goes on from its checkpoint.

    Args:
        tower: With random weights.
        recipe: Its ``words`` are done.
        texts: What is learned; gathered only where steps are left.
        teachers: What decides their rows: ``digest_of_text_teachers``.
        checkpoint: File to go on from and to write to; None for none.
        watch: Called after every step.
        writes: Whether this process writes checkpoints.

    Raises:
        InputError: If a teacher cannot be read or is not enough.
        ModelError: If a teacher cannot be loaded, or training fails.
    """
    assert recipe.words is not None
    course = _WordCourse(tower, recipe.words, texts, recipe.seed)
    train(
        course,
        checkpoint=checkpoint,
        identity={
            "corpus": texts.digest,
            "text_teachers": teachers,
            "words": recipe.words.model_dump(mode="json"),
            "tower": {key: value for key, value in tower.settings().items() if key != "config"},
            "seed": recipe.seed,
        },
        watch=watch,
        writes=writes,
    )
    tower.eval()


class _WordCourse:
    """One stretch of steps; targets are computed when the first batch is wanted."""

    def __init__(self, tower: TextTower, words: Words, texts: WordTexts, seed: int) -> None:
        self.module: TextTower = tower
        self.steps = words.steps
        self._words, self._texts, self._seed = words, texts, seed
        self._settings = Optimiser(lr=words.lr, weight_decay=0.0)
        self.optimiser = make_optimiser(tower, self._settings)

    @cached_property
    def _targets(self) -> Float32[np.ndarray, "n dim"]:
        words = self._words
        teachers = [read_text_teacher(one) for one in words.teachers]
        # Tables bring the names that the space is fitted on; encoders know every text.
        anchors = None if any(one.tables for one in words.teachers) else self._texts.corpus.names
        weights = [one.weight for one in words.teachers]
        space = TextSpace.fit(teachers, dim=self.module.dim, weights=weights, anchors=anchors)
        return space.rows(self._texts.corpus.texts)

    def stretch(self, step: int, memory: Mapping[str, Any]) -> Iterator[TextBatch]:
        del memory  # a batch follows from its number
        self.module.train()
        corpus = self._texts.corpus
        made = text_batches(
            corpus,
            self._targets,
            batch_size=min(self._words.batch_size, len(corpus)),
            seed=self._seed,
            first_step=step,
        )
        for _, batch in zip(range(self.steps - step), made, strict=False):
            yield batch

    def lr(self, step: int) -> float:
        return rate(step, self.steps, self._settings, steps_per_epoch=1)

    def learn(self, batch: TextBatch, step: int) -> tuple[float, Mapping[str, float]]:
        del step
        loss = text_loss(self.module, batch.texts, batch.targets)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach()), {}

    def remember(self, batch: TextBatch) -> dict[str, Any]:
        del batch
        return {}

    def end_stretch(self, done: int) -> None:
        del done
