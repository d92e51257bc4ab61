"""From a recipe to everything that training needs: data, towers, teachers, rows of names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from sightglass.distillation.encoder.name_rows import NameRows
from sightglass.distillation.encoder.picture_losses import ANCHORS, NAMED
from sightglass.distillation.encoder.recipe import Recipe, identity
from sightglass.distillation.encoder.starting import Start, keep_whole, read_start
from sightglass.distillation.encoder.teaching import Teaching, check_widths
from sightglass.distillation.encoder.word_texts import gather_words
from sightglass.distillation.encoder.words import CHECKPOINT as WORDS
from sightglass.distillation.encoder.words import teach_words, text_tower
from sightglass.distillation.pairs.open_source import open_mix
from sightglass.distillation.parallel.global_batch_norm import batch_norms
from sightglass.encoders.towers.building import build_image_tower
from sightglass.encoders.towers.convolutional import ConvolutionalTower
from sightglass.encoders.towers.student import DualStudent
from sightglass.errors import InputError, first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sightglass.distillation.pairs.mix import Mix
    from sightglass.distillation.pairs.source import PairSource
    from sightglass.distillation.trainer import Step
    from sightglass.encoders.towers.contract import ImageTower
    from sightglass.store import Store


@dataclass(frozen=True, kw_only=True, eq=False)
class Ready:
    """What a run has before its first picture.

    Attributes:
        mix: Where rows come from.
        student: Towers as they begin; the text tower may have had its own lessons.
        teaching: Frozen teachers.
        names: Text rows of class names, of the student.
        identity: What makes the run another than others.
        logit_scale: Stated for the finished student; None for the learned one.
    """

    mix: Mix
    student: DualStudent
    teaching: Teaching
    names: NameRows
    identity: dict[str, Any]
    logit_scale: float | None


def make_ready(
    recipe: Recipe,
    store: Store,
    *,
    out: Path | None,
    device: torch.device,
    watch: Callable[[Step], None] | None = None,
    writes: bool = True,
) -> Ready:
    """Open the data, build the towers, load the teachers; let the text tower have its lessons.

    Args:
        recipe: What is asked for.
        store: Keeps what teachers say of whole pictures.
        out: Folder of the run, for the lessons' checkpoint; None for none.
        device: Where the student is to be.
        watch: Called after every step of the lessons.
        writes: Whether this process writes checkpoints.

    Raises:
        InputError: If parts of the recipe do not fit each other or the data.
        ModelError: If a model cannot be loaded, or the lessons fail.
    """
    mix = open_mix(recipe.data)
    check_data(recipe, mix.sources)
    teaching = Teaching(recipe, mix.sources, store, device)
    check_widths(teaching, recipe)
    torch.manual_seed(recipe.seed)
    who = identity(recipe) | {"data_digest": mix.digest} | teaching.digests
    start: Start | None = None
    if recipe.student.start is not None:
        start = read_start(recipe.student.start, out=out)
        who["start_digest"] = start.digest
        student = start.student.to(device)
        if not teaching.names_of_logits:
            keep_whole(student, recipe)
    else:
        student = _new_student(recipe, mix, teaching, out=out, watch=watch, writes=writes).to(
            device
        )
    check_towers(student, recipe, teaching)
    # Parts change rounding and the draws of dropout, no more, and whoever ran out of memory wants
    # smaller ones. Batch norms are the exception: each part has statistics of its own.
    if not batch_norms(student.train()):
        del who["part_size"]
    lists = {str(at): source.classes for at, source in enumerate(mix.sources) if source.classes}
    if teaching.names_of_logits:
        lists[ANCHORS] = teaching.names_of_logits
    if teaching.names:
        lists[NAMED] = teaching.names
    stated = recipe.student.logit_scale
    return Ready(
        mix=mix,
        student=student,
        teaching=teaching,
        names=NameRows(student, lists),
        identity=who,
        logit_scale=start.logit_scale if stated is None and start is not None else stated,
    )


def _new_student(
    recipe: Recipe,
    mix: Mix,
    teaching: Teaching,
    *,
    out: Path | None,
    watch: Callable[[Step], None] | None,
    writes: bool,
) -> DualStudent:
    """Towers as the recipe describes them; the text tower has had its own lessons."""
    image = build_image_tower(image_settings(recipe, teaching))
    text = None
    if recipe.student.text is not None:
        texts = None
        if recipe.words is not None or recipe.student.text.get("kind") == "word_table":
            texts = gather_words(recipe, mix.sources, teaching, folder=out, writes=writes)
        text = text_tower(recipe, None if texts is None else texts.vocabulary)
        if recipe.words is not None:
            assert texts is not None
            teach_words(
                text,
                recipe,
                texts,
                teachers=teaching.text_teachers,
                checkpoint=None if out is None else out / WORDS,
                watch=watch,
                writes=writes,
            )
    return DualStudent(image, text)


def image_settings(recipe: Recipe, teaching: Teaching) -> dict[str, Any]:
    """The image tower's settings; our own tower gets a logit for each of its teacher's."""
    settings = dict(recipe.student.image)
    settings.setdefault("dim", recipe.student.dim)
    widths = teaching.widths
    own = settings.get("kind") == "convolutional"
    if own and widths is not None and widths.logits is not None:
        settings.setdefault("n_logits", widths.logits.shape[1])
    return settings


def check_data(recipe: Recipe, sources: Sequence[PairSource]) -> None:
    """Refuse data without the captions or labels that a phase learns from, and too few of them.

    Raises:
        InputError: If there are none, or a batch would have the same pair twice.
    """
    rows = sum(len(source) for source in sources if source.captioned)
    for phase in recipe.phases:
        losses = phase.losses
        compared = losses.contrastive is not None or losses.soft is not None
        if compared and not any(source.captioned for source in sources):
            raise InputError(
                f"Phase '{phase.name}': its losses compare pictures with captions, the data have "
                f"none. Name their column, or word class names: captions: class."
            )
        if compared and rows < recipe.batch_size:
            # Of the same pair twice each would be the other's wrong answer.
            raise InputError(
                f"Phase '{phase.name}': pairs are compared with others of the batch, so a batch of "
                f"{recipe.batch_size} needs as many, the data have {rows}. Choose a smaller batch."
            )
        if losses.labels and not any(source.classes for source in sources):
            raise InputError(
                f"Phase '{phase.name}': the loss 'labels' needs class names, the data have none."
            )


def check_processes(recipe: Recipe, processes: int) -> None:
    """Refuse a batch that processes cannot share evenly.

    Raises:
        InputError: If its size is no multiple of their number.
    """
    if recipe.batch_size % processes:
        raise InputError(
            f"distill encoder: each process takes an equal part of a batch, {recipe.batch_size} "
            f"pictures cannot be shared by {processes} processes. Choose a multiple of {processes}."
        )


def check_towers(student: DualStudent, recipe: Recipe, teaching: Teaching) -> None:
    """Refuse losses that the towers and the image teacher cannot have.

    Raises:
        InputError: If widths or numbers of maps differ, or the tower has no stages.
    """
    widths, tower = teaching.widths, student.image
    for phase in recipe.phases:
        losses = phase.losses
        where = f"Phase '{phase.name}'"
        if losses.need_texts and student.text is None:
            raise InputError(
                f"{where}: its losses compare with texts, the student in {recipe.student.start} "
                f"has no text tower."
            )
        wants_maps = losses.maps or losses.last_map or phase.staged
        if (wants_maps or losses.logits) and not isinstance(tower, ConvolutionalTower):
            raise InputError(
                f"{where}: maps, logits and staged training need the convolutional image tower."
            )
        if widths is None:
            continue
        # Named logits become the second opinion of the finished tower: it needs one for each.
        of_use = losses.logits or teaching.names_of_logits
        if of_use and isinstance(tower, ConvolutionalTower) and widths.logits is not None:
            mine = int(tower.settings()["n_logits"])
            _check_equal(where, "logits", mine, widths.logits.shape[1])
        if losses.features and widths.features is not None:
            _check_equal(where, "feature", tower.feature_dim, widths.features.shape[1])
        if wants_maps:
            found = _map_widths(tower)
            _check_equal(where, "maps", found, list(teaching.map_widths))
    for size in dict.fromkeys(phase.size for phase in recipe.phases):
        _check_size(student, recipe, teaching, size)


@torch.no_grad()
def _check_size(student: DualStudent, recipe: Recipe, teaching: Teaching, size: int | None) -> None:
    """Let the towers look at a grey picture of a phase's size: a run must not end hours later."""
    height, width = (size, size) if size else student.image.image_input.size
    grey = torch.full((1, height, width, 3), 127, dtype=torch.uint8)
    modes = student.image.training
    try:
        pixels = torch.zeros(1, 3, height, width, device=next(student.parameters()).device)
        mine = [tuple(one.shape[1:]) for one in student.image.eval()(pixels).maps]
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"Recipe: the image tower cannot look at pictures of {height} x {width} "
            f"({first_line(error).rstrip('.')}). Choose another size for the phases."
        ) from error
    finally:
        student.image.train(modes)
    wants_maps = any(
        one.losses.maps or one.losses.last_map or one.staged
        for one in recipe.phases
        if one.size == size
    )
    if wants_maps:
        theirs = [tuple(one.shape[1:]) for one in teaching.image(grey).maps]
        _check_equal(f"Pictures of {height} x {width}", "maps", mine, theirs)


def _map_widths(tower: ImageTower) -> list[int]:
    assert isinstance(tower, ConvolutionalTower)
    widths = [int(stage[0]) for stage in tower.settings()["stages"]]
    return [*widths, tower.feature_dim]


def _check_equal(where: str, what: str, mine: object, theirs: object) -> None:
    if mine != theirs:
        raise InputError(
            f"{where}: student and image teacher need {what} of the same size, the student has "
            f"{mine}, the teacher {theirs}. Choose other tensors of the teacher, or other stages."
        )
