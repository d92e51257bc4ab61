"""The text tower's own lessons: the joint space of its teachers, before any picture is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightglass.distillation.corpus import Corpus, gather_corpus
from sightglass.distillation.encoder.optimiser import make_optimiser, rate
from sightglass.distillation.encoder.recipe import Optimiser, Recipe
from sightglass.distillation.encoder.teacher_settings import PIECES, Words
from sightglass.distillation.text_lesson import TextBatch, text_batches, text_loss
from sightglass.distillation.text_space import TextSpace
from sightglass.distillation.text_teachers import (
    EncoderTeacher,
    TableTeacher,
    TextTeacher,
    read_table,
)
from sightglass.distillation.trainer import Step, train
from sightglass.distillation.word_piece_training import train_word_pieces
from sightglass.encoders.registry import load_encoder
from sightglass.encoders.towers.building import build_text_tower
from sightglass.errors import InputError, PictureError

if TYPE_CHECKING:
    from jaxtyping import Float32

    from sightglass.distillation.encoder.teaching import Teaching
    from sightglass.distillation.pairs.source import PairSource
    from sightglass.encoders.towers.contract import TextTower

CHECKPOINT = "words.safetensors"


def gather_words(recipe: Recipe, sources: Sequence[PairSource], teaching: Teaching) -> Corpus:
    """Every text that the tower learns from or is asked about.

    Raises:
        InputError: If a file cannot be read, or there is no text at all.
    """
    names = [*teaching.names, *teaching.names_of_logits]
    captions: list[str] = []
    for settings, source in zip(recipe.data, sources, strict=True):
        names += source.classes
        # A worded class name is nothing that the name does not say.
        if source.captioned and settings.captions != "class":
            captions += (text for at in range(len(source)) for text in _captions(source, at))
    words = recipe.words
    if words is None:
        return gather_corpus(names=names, captions=captions)
    return gather_corpus(
        names=names,
        captions=captions,
        vocabulary=words.vocabulary,
        wordnet=None if words.wordnet is None else Path(words.wordnet),
        files=[Path(file) for file in words.files],
    )


def _captions(source: PairSource, at: int) -> tuple[str, ...]:
    """A row's captions; none of one that cannot be read, which batches leave out and tell."""
    try:
        return source.captions(at)
    except PictureError:
        return ()


def text_tower(recipe: Recipe, corpus: Corpus | None) -> TextTower:
    """The recipe's text tower; one of word pieces gets its vocabulary from ``corpus``.

    Raises:
        InputError: If a vocabulary is needed and there are no texts to make it from.
    """
    settings = dict(recipe.student.text or {})
    settings.setdefault("dim", recipe.student.dim)
    vocabulary = None
    if settings.get("kind") == "word_table":
        if corpus is None:
            raise InputError(
                "Recipe: a word_table tower needs texts to make its word pieces from, got none. "
                "Give captions, class names, or 'words'."
            )
        size = recipe.words.pieces if recipe.words else PIECES
        vocabulary = train_word_pieces(corpus.texts, size=size)
    return build_text_tower(settings, vocabulary)


def teach_words(
    tower: TextTower,
    recipe: Recipe,
    corpus: Corpus,
    *,
    checkpoint: Path | None,
    watch: Callable[[Step], None] | None = None,
    writes: bool = True,
) -> None:
    """Train ``tower`` in place; a run that is finished or was cut off goes on from its checkpoint.

    Args:
        tower: With random weights.
        recipe: Its ``words`` are done.
        corpus: The texts.
        checkpoint: File to go on from and to write to; None for none.
        watch: Called after every step.
        writes: Whether this process writes checkpoints.

    Raises:
        InputError: If a teacher cannot be read or is not enough.
        ModelError: If a teacher cannot be loaded, or training fails.
    """
    assert recipe.words is not None
    course = _WordCourse(tower, recipe.words, corpus, recipe.seed)
    train(
        course,
        checkpoint=checkpoint,
        identity={
            "corpus": corpus.digest,
            "words": recipe.words.model_dump(mode="json"),
            "tower": {key: value for key, value in tower.settings().items() if key != "config"},
            "seed": recipe.seed,
        },
        watch=watch,
        writes=writes,
    )
    tower.eval()


def read_text_teacher(settings: Any) -> TextTeacher:
    """A teacher that the recipe names.

    Raises:
        InputError: If a table cannot be read.
        ModelError: If a model cannot be loaded.
    """
    if settings.tables:
        tables = [
            read_table(Path(one.path), rows=one.rows, names=one.names) for one in settings.tables
        ]
        # Of a name that is in several, the first table's row stays.
        merged: dict[str, Any] = {}
        for table in tables:
            for key, row in table.by_key.items():
                merged.setdefault(key, row)
        return TableTeacher(name=" and ".join(one.name for one in tables), by_key=merged)
    model = str(settings.model)
    if model.startswith("hf:"):
        tower = build_text_tower({"kind": "transformers", "checkpoint": model, "dim": None})
        return EncoderTeacher.of_tower(tower, name=model)
    return EncoderTeacher.of_encoder(load_encoder(model))  # type: ignore[arg-type]


class _WordCourse:
    """One stretch of steps; targets are computed when the first batch is wanted."""

    def __init__(self, tower: TextTower, words: Words, corpus: Corpus, seed: int) -> None:
        self.module: TextTower = tower
        self.steps = words.steps
        self._words, self._corpus, self._seed = words, corpus, seed
        self._settings = Optimiser(lr=words.lr, weight_decay=0.0)
        self.optimiser = make_optimiser(tower, self._settings)

    @cached_property
    def _targets(self) -> Float32[np.ndarray, "n dim"]:
        words = self._words
        teachers = [read_text_teacher(one) for one in words.teachers]
        # Tables bring the names that the space is fitted on; encoders know every text.
        anchors = None if any(one.tables for one in words.teachers) else self._corpus.names
        weights = [one.weight for one in words.teachers]
        space = TextSpace.fit(teachers, dim=self.module.dim, weights=weights, anchors=anchors)
        return space.rows(self._corpus.texts)

    def stretch(self, step: int, memory: Mapping[str, Any]) -> Iterator[TextBatch]:
        del memory  # a batch follows from its number
        self.module.train()
        made = text_batches(
            self._corpus,
            self._targets,
            batch_size=min(self._words.batch_size, len(self._corpus)),
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
