"""The frozen teachers of a run, ready to be asked about a batch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from sightglass.distillation.encoder.named_settings import named_names, named_teacher
from sightglass.distillation.encoder.word_teachers import digest_of_text_teachers
from sightglass.distillation.npz_file import npz_arrays
from sightglass.distillation.teachers.image_teachers import (
    EncoderImageTeacher,
    OnnxImageTeacher,
    PixelRange,
    TeacherAnswer,
)
from sightglass.distillation.teachers.pair_similarities import joined_rows
from sightglass.distillation.teachers.pair_teachers import PairRows, PairTeacher
from sightglass.distillation.teachers.picture_rows import StoredRows
from sightglass.encoders.registry import load_dual_encoder, load_encoder
from sightglass.errors import InputError, ModelError
from sightglass.inputs.line_files import read_line_file

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, UInt8
    from torch import Tensor

    from sightglass.distillation.encoder.recipe import Phase, Recipe
    from sightglass.distillation.encoder.teacher_settings import ImageTeacher
    from sightglass.distillation.pairs.source import PairSource
    from sightglass.distillation.teachers.batch_pictures import BatchPictures
    from sightglass.distillation.teachers.image_teachers import ImageTeacher as FrozenImageTeacher
    from sightglass.store import Store


class Teaching:
    """All teachers of a recipe.

    Args:
        recipe: Names them.
        sources: Those of the mix, in its order.
        store: Keeps rows of whole pictures and of texts.
        device: Where the student is.

    Raises:
        InputError: If a teacher's settings do not fit it or the data.
        ModelError: If a teacher cannot be loaded.
    """

    def __init__(
        self, recipe: Recipe, sources: Sequence[PairSource], store: Store, device: torch.device
    ) -> None:
        self._device = device
        self._image = _image_teacher(recipe)
        self._names_of_logits = _names_of(recipe.teachers.image)
        self._pairs = []
        for one in recipe.teachers.pairs:
            encoder = load_dual_encoder(one.model)
            kept = StoredRows(encoder, store, sources) if one.cached else None
            self._pairs.append(PairTeacher(encoder, pictures=kept, weight=one.weight))
        self.names = named_names(recipe, sources)
        self._named = named_teacher(recipe, sources, self.names, store)
        self._words = () if recipe.words is None else recipe.words.teachers
        self.shows_images = False

    @property
    def names_of_logits(self) -> tuple[str, ...]:
        """Of the image teacher's classes; empty where nobody gave them."""
        return self._names_of_logits

    @property
    def digests(self) -> dict[str, str]:
        """What decides the answers of each kind of teacher, and what the names are."""
        found = {}
        if self._image is not None:
            found["image_teacher"] = self._image.digest
        if self._pairs:
            joined = " ".join(f"{one.digest} {one.weight!r}" for one in self._pairs)
            found["pair_teachers"] = hashlib.sha256(joined.encode()).hexdigest()
        if self._named is not None:
            found["named_teachers"] = self._named.digest
        if self._words:
            found["text_teachers"] = self.text_teachers
        names = [list(self._names_of_logits), list(self.names)]
        if any(names):
            # Files can be written anew under the names that a recipe knows them by.
            found["class_names"] = hashlib.sha256(json.dumps(names).encode()).hexdigest()
        return found

    @cached_property
    def text_teachers(self) -> str:
        """What decides the rows of those that teach words.

        Raises:
            InputError: If a table cannot be read.
            ModelError: If a model cannot be loaded.
        """
        return digest_of_text_teachers(self._words)

    @cached_property
    def widths(self) -> TeacherAnswer | None:
        """The image teacher's answer to one small grey picture, for its widths."""
        if self._image is None:
            return None
        return self._image.answer(torch.full((1, 64, 64, 3), 127, dtype=torch.uint8))

    @property
    def map_widths(self) -> tuple[int, ...]:
        """Channels of the image teacher's maps."""
        return () if self.widths is None else tuple(one.shape[1] for one in self.widths.maps)

    def begin(self, phase: Phase) -> None:
        """Whether the image teacher is asked in this phase."""
        losses = phase.losses
        self.shows_images = phase.staged or any(
            (
                *(losses.features, losses.logits, losses.maps, losses.last_map),
                *(losses.anchors, losses.anchors_cosine),
            )
        )

    def image(self, crops: UInt8[Tensor, "k height width 3"]) -> TeacherAnswer:
        """The image teacher's answer."""
        assert self._image is not None
        return self._image.answer(crops.to(self._device))

    def pairs(self, pictures: BatchPictures, captions: Sequence[str]) -> PairRows:
        """Rows of the captioned pictures and of their captions, all pair teachers side by side.

        Args:
            pictures: What is shown.
            captions: One of each; empty where there is none.
        """
        paired = np.array([bool(caption) for caption in captions])
        chosen, texts = pictures.where(paired), [caption for caption in captions if caption]
        rows = [one.rows(chosen, texts) for one in self._pairs]
        joined = joined_rows(rows, [one.weight for one in self._pairs])
        return PairRows(joined.images.to(self._device), joined.texts.to(self._device))

    def named(
        self, pictures: BatchPictures
    ) -> tuple[Float[Tensor, "j c"], Bool[Tensor, " k"]] | None:
        """Distributions over ``names`` of the pictures that are known, and which these are."""
        if self._named is None:
            return None
        known = self._named.knows(pictures)
        rows = np.zeros((0, self._named.n_classes), np.float32)
        if known.any():
            rows = self._named.rows(pictures.where(known))
        return torch.from_numpy(rows).to(self._device), torch.from_numpy(known).to(self._device)


def _image_teacher(recipe: Recipe) -> FrozenImageTeacher | None:
    settings = recipe.teachers.image
    if settings is None:
        return None
    if not settings.in_onnx:
        return EncoderImageTeacher(load_encoder(settings.model))
    return OnnxImageTeacher(
        Path(settings.model),
        pixels=PixelRange(top=settings.top, mean=settings.mean, std=settings.std),
        features=settings.features,
        logits=settings.logits,
        maps=settings.maps,
        dtype=torch.bfloat16 if recipe.precision == "bf16" else torch.float32,
    )


def _names_of(settings: ImageTeacher | None) -> tuple[str, ...]:
    """The names of an image teacher's logits."""
    if settings is None or settings.names is None:
        return ()
    path, mark, key = settings.names.partition("#")
    if not mark:
        return tuple(read_line_file(Path(path), where="Image teacher"))
    try:
        found, known = npz_arrays(Path(path), key)
        if key not in found:
            raise ValueError(f"it holds {', '.join(known) or 'nothing'}, not '{key}'")
    except ValueError as error:
        raise InputError(
            f"{settings.names}: names of the image teacher's logits are needed, as FILE.npz#KEY or "
            f"a file with one per line; this cannot be read ({error}). Check the file."
        ) from error
    return tuple(str(name) for name in found[key].tolist())


def check_widths(teaching: Teaching, recipe: Recipe) -> None:
    """Refuse an image teacher without a logit for each of its names.

    Raises:
        ModelError: If their numbers differ.
    """
    answer, names = teaching.widths, teaching.names_of_logits
    if answer is None or answer.logits is None or not names:
        return
    if answer.logits.shape[1] != len(names):
        assert recipe.teachers.image is not None
        raise ModelError(
            f"{recipe.teachers.image.model}: one name per logit is needed, it has "
            f"{answer.logits.shape[1]} logits and {recipe.teachers.image.names} {len(names)} names."
        )
