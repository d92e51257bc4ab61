"""What a text tower learns in a step: texts in changing words, and where their rows should lie."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from sightglass.checks import check_matrix
from sightglass.distillation.losses.info_nce import info_nce_loss
from sightglass.distillation.picture_order import epoch_order
from sightglass.distillation.whole_numbers import check_whole
from sightglass.errors import InputError
from sightglass.inputs.templates import check_templates

if TYPE_CHECKING:
    from jaxtyping import Float, Float32, Int64

    from sightglass.distillation.words.corpus import Corpus
    from sightglass.encoders.towers.contract import TextTower

_WHERE = "Text lesson"
LOGIT_SCALE = 20.0
CONTRAST = 0.1
# The bare name thrice: it is what every target was made of, and what people type.
TEMPLATES = (
    "{}",
    "{}",
    "{}",
    "a photo of a {}",
    "a photo of the {}",
    "a photo of a {}.",
    "a photo of {}",
    "a picture of a {}",
    "an image that shows a {}",
    "a close view of a {}",
    "a blurred photo of a {}",
    "a small {}",
    "this is a {}",
    "there is a {} in the picture",
    "the {}",
    "several of the kind {}",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextBatch:
    """The texts of one step.

    Attributes:
        step: Counted from 0.
        texts: As the tower reads them: names in a template, sentences as they stand.
        targets: (n, dim) unit rows: those of the bare names, whatever the template.
    """

    step: int
    texts: tuple[str, ...]
    targets: Float32[torch.Tensor, "n dim"]


def text_batches(
    corpus: Corpus,
    targets: Float32[np.ndarray, "n dim"],
    *,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    templates: Sequence[str] = TEMPLATES,
) -> Iterator[TextBatch]:
    """Batches without end, by ``seed`` and the number of the step alone.

    Every text comes once in an epoch, in an order of the epoch's own; a batch may lie across the
    end of one. A run that is resumed at a step sees what it would have seen.

    Args:
        corpus: The texts.
        targets: One unit row per text, in the order of ``corpus.texts``.
        batch_size: At least 2 and at most the number of texts.
        seed: The run's, at least 0.
        first_step: Of the first batch; counted from 0.
        templates: Each with one ``{}``; one that is there twice is drawn twice as often.

    Raises:
        InputError: If a number is out of range, there is not one target per text, or a template is
            none.
    """
    check_matrix(targets, where=_WHERE, name="targets")
    check_whole(batch_size, where=_WHERE, name="batch_size", least=2)
    check_whole(seed, where=_WHERE, name="seed", least=0)
    check_whole(first_step, where=_WHERE, name="first_step", least=0)
    check_templates(templates)
    if len(targets) != len(corpus) or batch_size > len(corpus):
        raise InputError(
            f"{_WHERE}: one target per text and at most as many texts in a batch as there are, are "
            f"needed, got {len(corpus)} texts, {len(targets)} targets and batches of {batch_size}."
        )
    wordings, texts = tuple(templates), corpus.texts

    @functools.lru_cache(maxsize=2)
    def order(epoch: int) -> Int64[np.ndarray, " n"]:
        return epoch_order(len(texts), seed=seed, epoch=epoch)

    def batch(step: int) -> TextBatch:
        places = [divmod(step * batch_size + at, len(texts)) for at in range(batch_size)]
        indices = [int(order(epoch)[place]) for epoch, place in places]
        drawn = _stream(seed, step).integers(len(wordings), size=batch_size)
        worded = tuple(
            wordings[number].replace("{}", texts[index])
            if index < len(corpus.names)
            else texts[index]
            for index, number in zip(indices, drawn, strict=True)
        )
        return TextBatch(step=step, texts=worded, targets=torch.from_numpy(targets[indices]))

    return map(batch, itertools.count(first_step))


def text_loss(
    tower: TextTower,
    texts: Sequence[str],
    targets: Float[torch.Tensor, "n dim"],
    *,
    contrast: float = CONTRAST,
    logit_scale: float = LOGIT_SCALE,
) -> Float[torch.Tensor, ""]:
    """``mean(1 - cos)`` of rows and targets, and a share of the InfoNCE loss between them.

    The first says where each row belongs; the second keeps near neighbours apart, on which a
    cosine of 0.97 and one of 0.99 look alike.

    Args:
        tower: The student.
        texts: At least two.
        targets: Unit rows, one per text; no gradient goes into them.
        contrast: Weight of the second part; 0 leaves it out.
        logit_scale: Of the second part, above 0.

    Raises:
        InputError: If rows or targets are not finite.
    """
    fixed = targets.detach()
    rows = tower(tower.tokenise(texts).to(fixed.device))
    loss: torch.Tensor = 1.0 - (rows * fixed).sum(dim=1).mean()
    if contrast:
        loss = loss + contrast * info_nce_loss(rows @ fixed.T, logit_scale=logit_scale)
    return loss


def _stream(seed: int, step: int) -> np.random.Generator:
    # A longer key than that of any order or crop, so that no two draw from one stream.
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(step, 0, 0, 0)))
