"""The teachers of class names that a recipe asks for, over one list of names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np

from sightglass.distillation.prompts.teachers import FusedTeacher
from sightglass.distillation.teachers.named_mixture import MixedTeacher
from sightglass.distillation.teachers.named_teachers import (
    CosineTeacher,
    LabelTeacher,
    SettledTeacher,
)
from sightglass.distillation.teachers.picture_rows import CropRows, StoredRows
from sightglass.encoders.registry import load_dual_encoder
from sightglass.encoders.wording import templates_for
from sightglass.errors import InputError
from sightglass.given import classes_of
from sightglass.inputs.labels import LabelSet
from sightglass.pipeline import ZeroShotClassifier
from sightglass.reports.work import Work

if TYPE_CHECKING:
    from sightglass.distillation.encoder.recipe import Recipe
    from sightglass.distillation.encoder.teacher_settings import NamedTeacher
    from sightglass.distillation.pairs.source import PairSource
    from sightglass.distillation.teachers.named_teachers import NamedTeacher as FrozenNamedTeacher
    from sightglass.store import Store

LABELS = "labels"
# Bytes of distributions that may be settled beforehand: they stay in memory, in each process.
_MOST_SETTLED = 2_000_000_000


def named_names(recipe: Recipe, sources: Sequence[PairSource]) -> tuple[str, ...]:
    """The names that all named teachers speak of.

    Raises:
        InputError: If the teachers name different lists, or there is none at all.
    """
    teachers = recipe.teachers.named
    if not teachers:
        return ()
    given = {one.classes for one in teachers if one.classes is not None}
    if len(given) > 1:
        raise InputError(
            f"Recipe: all named teachers need the same classes, got {len(given)} different lists."
        )
    if given:
        labels, _ = classes_of(given.pop())
        return labels.names
    names = tuple(dict.fromkeys(name for source in sources for name in source.classes))
    if len(names) < 2:
        raise InputError(
            "Recipe: named teachers need class names, got no classes, and the data have none. "
            "Give teachers.named its classes."
        )
    return names


def named_teacher(
    recipe: Recipe, sources: Sequence[PairSource], names: Sequence[str], store: Store
) -> FrozenNamedTeacher | None:
    """All of the recipe's named teachers as one; None where there are none.

    Raises:
        InputError: If a teacher's settings do not fit it or the data, or the fusion's distributions
            would not fit into memory.
        ModelError: If a teacher cannot be loaded.
    """
    _check_settled(recipe, sources, names)
    made: list[FrozenNamedTeacher] = []
    for one in recipe.teachers.named:
        if one.model == LABELS:
            classes = {at: source.classes for at, source in enumerate(sources) if source.classes}
            made.append(LabelTeacher(classes, names, smoothing=one.smoothing, weight=one.weight))
        elif one.references is not None:
            made += [
                SettledTeacher(_fused(one, source, names, store), source=at, weight=one.weight)
                for at, source in enumerate(sources)
            ]
        else:
            encoder = load_dual_encoder(one.model)
            rows = StoredRows(encoder, store, sources) if one.cached else CropRows(encoder)
            wording = templates_for(encoder.card)[0]
            texts = [wording.replace("{}", name) for name in names]
            made.append(
                CosineTeacher(
                    one.model,
                    rows,
                    encoder.encode_texts(texts),
                    logit_scale=one.logit_scale or encoder.card.logit_scale,
                    weight=one.weight,
                )
            )
    return MixedTeacher(made) if made else None


def _check_settled(recipe: Recipe, sources: Sequence[PairSource], names: Sequence[str]) -> None:
    """Refuse, before anything is settled, what would fill the memory."""
    count = sum(one.references is not None for one in recipe.teachers.named)
    pictures = sum(map(len, sources))
    size = count * pictures * len(names) * np.dtype(np.float32).itemsize
    if size > _MOST_SETTLED:
        raise InputError(
            f"Recipe: what named teachers with references say of every picture needs at most "
            f"{_MOST_SETTLED / 1e9:g} GB of memory, got {pictures} pictures x {len(names)} names"
            f"{f' x {count} teachers' if count > 1 else ''} = {size / 1e9:.1f} GB. Give fewer "
            f"names or pictures, or leave out references: the encoder is then asked batch by "
            f"batch."
        )


def _fused(
    settings: NamedTeacher, source: PairSource, names: Sequence[str], store: Store
) -> FusedTeacher:
    """The fusion's distribution of every picture of a source; uniform where one cannot be read.

    Batches replace pictures that cannot be read, so nobody asks for those.
    """
    classifier = ZeroShotClassifier(
        LabelSet.of(names),
        model=settings.model,
        references=None if settings.references is None else Path(settings.references),
        vision_model=settings.vision_model,
        weighting=settings.weighting,
        store=store.path,
    )
    pictures = _Pictures(source)
    work = Work()
    classifier.calibrate(pictures, work)
    rows = np.full((len(source), len(names)), 1 / len(names), np.float32)
    for at, prediction in enumerate(classifier.stream(pictures, work)):
        if prediction.decision is not None:
            rows[at] = prediction.decision.probabilities
    return FusedTeacher(rows, name=f"fusion of {settings.model} over {source.name}")


class _Pictures(Sequence[tuple[str, bytes]]):
    """A source's pictures as the classifier takes them, read when they are looked at."""

    def __init__(self, source: PairSource) -> None:
        self._source = source

    def __len__(self) -> int:
        return len(self._source)

    @overload
    def __getitem__(self, index: int) -> tuple[str, bytes]: ...

    @overload
    def __getitem__(self, index: slice) -> list[tuple[str, bytes]]: ...

    def __getitem__(self, index: int | slice) -> tuple[str, bytes] | list[tuple[str, bytes]]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        row = self._source.read(index)
        return row.where, row.image
