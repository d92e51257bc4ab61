"""What a recipe will do, said before it begins; teachers are named, not loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightglass.distillation.encoder.ready import check_data, check_processes
from sightglass.distillation.encoder.starting import read_start
from sightglass.distillation.encoder.words import text_tower
from sightglass.distillation.pairs.open_source import open_mix
from sightglass.distillation.parallel.global_batch_norm import batch_norms
from sightglass.distillation.words.word_piece_training import train_word_pieces
from sightglass.encoders.towers.building import build_image_tower

if TYPE_CHECKING:
    from torch import nn

    from sightglass.distillation.encoder.recipe import Phase, Recipe
    from sightglass.distillation.pairs.mix import Mix
    from sightglass.encoders.towers.contract import ImageTower, TextTower

_WHOSE = {"average": "taught by its own average", "pairs": "taught by the teachers of pairs"}
# Of a vocabulary that is made from them, so that a plan need not read all captions.
_STAND_IN = tuple("abcdefghijklmnopqrstuvwxyz")


def plan_lines(recipe: Recipe, *, processes: int) -> list[str]:
    """The plan as lines for a person.

    Args:
        recipe: What is asked for.
        processes: That would train together.

    Raises:
        InputError: If the data cannot be opened or parts do not fit.
        ModelError: If a tower cannot be built.
    """
    check_processes(recipe, processes)
    mix = open_mix(recipe.data)
    check_data(recipe, mix.sources)
    image, text = _towers(recipe)
    lines = [f"name            {recipe.name}, seed {recipe.seed}, {recipe.precision}"]
    for source, share in zip(mix.sources, mix.shares, strict=True):
        has = [f"{len(source):,} pictures"]
        has += [f"{share:.1%} of every batch"] if len(mix.sources) > 1 else []
        has += ["captions"] if source.captioned else []
        has += [f"{len(source.classes)} class names"] if source.classes else []
        lines.append(f"data            {source.name}: {', '.join(has)}")
        lines += [f"                {remark}" for remark in source.remarks]
    if recipe.student.start is not None:
        lines.append(f"begins from     {recipe.student.start}")
    lines.append(f"image tower     {image.settings()['kind']}, {_count(image)}")
    if text is not None:
        own = text.settings()["kind"] == "word_table"
        told = f"{_count(text, but='table.')}{' beside its table of words' if own else ''}"
        lines.append(f"text tower      {text.settings()['kind']}, {told}")
    lines += [f"teacher         {one}" for one in _teachers(recipe)]
    if recipe.words is not None:
        lines.append(f"words           {recipe.words.steps:,} steps of {recipe.words.batch_size}")
    lines += [f"phase           {_phase(phase, recipe, mix)}" for phase in recipe.phases]
    lines.append(_batch(recipe, processes))
    norms = batch_norms(image.train())
    if recipe.part_size is not None and recipe.part_size < recipe.batch_size and norms:
        lines.append(
            f"note            {len(norms)} batch norms take their statistics from each part of "
            f"{recipe.part_size}, not from the whole batch"
        )
    return lines


def _towers(recipe: Recipe) -> tuple[ImageTower, TextTower | None]:
    """As the run begins, but for the word pieces of a new text tower."""
    if recipe.student.start is not None:
        student = read_start(recipe.student.start, out=None).student
        return student.image, student.text
    image = build_image_tower({"dim": recipe.student.dim, **recipe.student.image})
    if recipe.student.text is None:
        return image, None
    return image, text_tower(recipe, train_word_pieces(_STAND_IN))


def _count(module: nn.Module, *, but: str = "-") -> str:
    counted = [one.numel() for name, one in module.named_parameters() if not name.startswith(but)]
    return f"{sum(counted):,} parameters"


def _teachers(recipe: Recipe) -> list[str]:
    teachers = recipe.teachers
    told = [] if teachers.image is None else [f"{teachers.image.model}: pictures"]
    told += [f"{one.model}: pairs, weight {one.weight:g}" for one in teachers.pairs]
    for one in teachers.named:
        with_references = f" and references in {one.references}" if one.references else ""
        told.append(f"{one.model}{with_references}: class names, weight {one.weight:g}")
    for taught in recipe.words.teachers if recipe.words else ():
        name = taught.model or ", ".join(table.path for table in taught.tables)
        told.append(f"{name}: texts, weight {taught.weight:g}")
    return told


def _phase(phase: Phase, recipe: Recipe, mix: Mix) -> str:
    soft, told = phase.losses.soft, []
    for name, weight in phase.losses.weights.items():
        whose = f" ({_WHOSE[soft.teacher]})" if soft is not None and name == soft.kind else ""
        told.append(f"{weight:g} {name}{whose}")
    steps = phase.steps(len(mix), recipe.batch_size)
    passes = steps * recipe.batch_size / len(mix)
    at = f" at {phase.size} pixels" if phase.size else ""
    staged = ", stage by stage" if phase.staged else ""
    frozen = f", {' and '.join(phase.freeze)} frozen" if phase.freeze else ""
    return (
        f"{phase.name}: {steps:,} steps, {passes:.3g} times the data{at}{staged}{frozen}; "
        f"loss: {' + '.join(told)}"
    )


def _batch(recipe: Recipe, processes: int) -> str:
    told = f"batch           {recipe.batch_size} pictures"
    if processes > 1:
        told += f" over {processes} processes"
    if recipe.part_size is not None:
        told += f", {recipe.part_size} at a time"
    settings = recipe.optimiser
    warm = f", {settings.warmup_steps} steps of warm-up" if settings.warmup_steps else ""
    return f"{told}; {settings.kind}, rate {settings.lr:g}, {settings.schedule}{warm}"
