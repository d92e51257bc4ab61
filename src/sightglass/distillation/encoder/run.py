"""A whole training run: ready, trained, written, drawn."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from sightglass.distillation.encoder.course import EncoderCourse
from sightglass.distillation.encoder.curve import CURVE, draw_curve
from sightglass.distillation.encoder.picture_losses import ANCHORS
from sightglass.distillation.encoder.ready import Ready, check_processes, make_ready
from sightglass.distillation.encoder.recipe import Recipe, identity
from sightglass.distillation.encoder.step_log import LOG, StepLog
from sightglass.distillation.pairs.ledger import Ledger
from sightglass.distillation.parallel.global_batch_norm import convert
from sightglass.distillation.parallel.launch import launch
from sightglass.distillation.parallel.processes import Processes
from sightglass.distillation.trainer import Step, train
from sightglass.distillation.training_state import TrainingState
from sightglass.encoders.towers.convolutional import ConvolutionalTower
from sightglass.encoders.towers.learned_scale import LEAST, MOST
from sightglass.encoders.towers.student import DualStudent
from sightglass.encoders.towers.student_file import write_student
from sightglass.reports.manifest import write_run
from sightglass.store import open_store
from sightglass.whole_files import only_writer

CHECKPOINT = "checkpoint.safetensors"
RUN = "run.json"
LEFT_OUT = "left_out.jsonl"
Watch = Callable[[str, Step, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DistilledEncoder:
    """What a run made.

    Attributes:
        folder: The student's, for ``sightglass export``.
        losses: The mean loss of each phase.
        steps: That were taken, those before a cut included.
        seconds: That this call trained.
        left_out: Pictures that could not be used, and why, as text; empty if none.
        remarks: What a person should know of the result.
        was_finished: An earlier call had done all of it; this one has changed nothing.
    """

    folder: Path
    losses: tuple[float, ...]
    steps: int
    seconds: float
    left_out: str
    remarks: tuple[str, ...]
    was_finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """What does not decide the result."""

    store: str | Path | None
    board: bool
    command: tuple[str, ...]


def distil_encoder(
    recipe: Recipe,
    out: Path,
    *,
    processes: int = 1,
    store: str | Path | None = None,
    board: bool = False,
    command: Sequence[str] = (),
    watch: Watch | None = None,
) -> DistilledEncoder:
    """Train what ``recipe`` describes into the folder ``out``; go on where a run was cut off.

    Args:
        recipe: Everything that decides the run.
        out: Folder; made where it is not there.
        processes: That train together on this machine, each with its part of every batch.
        store: File for what teachers say of whole pictures.
        board: Write for TensorBoard too.
        command: The arguments of the command line; empty where Python called.
        watch: Called after every step with the part of the run ("words", "pictures"), the step and
            the number of steps of that part; in the first process only, which of several must be
            able to unpickle it.

    Raises:
        InputError: If parts of the recipe do not fit, or ``out`` holds another run's checkpoint.
        ResultsError: If another run is writing there, or the disk is full.
        ModelError: If a model cannot be loaded or a loss is not finite.
    """
    check_processes(recipe, processes)
    options = _Options(store=store, board=board, command=tuple(command))
    out.mkdir(parents=True, exist_ok=True)
    with only_writer(out):
        if processes == 1:
            return _run(Processes.alone(), recipe, out, options, watch)
        made = launch(processes, _run, recipe, out, options, watch)
        first: DistilledEncoder = made[0]
        return first


def _run(
    processes: Processes,
    recipe: Recipe,
    out: Path,
    options: _Options,
    watch: Watch | None = None,
) -> DistilledEncoder:
    began, writes = time.monotonic(), processes.rank == 0
    watch = watch if writes else None
    ready = make_ready(
        recipe,
        open_store(options.store),
        out=out,
        device=device(),
        watch=_for_part(watch, "words", recipe.words.steps if recipe.words else 0),
        writes=writes,
    )
    if processes.count > 1:
        convert(ready.student, processes)
        processes.broadcast(ready.student)
    ledger = Ledger(_ledger_file(out, processes.rank))
    course = EncoderCourse(
        recipe,
        ready.student,
        ready.mix,
        ready.teaching,
        ready.names,
        processes=processes,
        ledger=ledger,
    )
    log = StepLog(
        out,
        phases=[phase.name for phase in recipe.phases],
        losses=list(
            dict.fromkeys(name for phase in recipe.phases for name in phase.losses.weights)
        ),
        steps=course.steps,
        board=options.board and writes,
    )
    shown = _for_part(watch, "pictures", course.steps)

    was_finished = False

    def begin(state: TrainingState) -> None:
        nonlocal was_finished
        # The record is what a run writes last.
        was_finished = state.step == course.steps and (out / RUN).is_file()
        if writes and not was_finished:
            (out / RUN).unlink(missing_ok=True)
            log.begin(state.step)

    def note(step: Step) -> None:
        if writes:
            log.add(step)
        if shown is not None:
            shown(step)

    try:
        losses = train(
            course,
            checkpoint=out / CHECKPOINT,
            identity=ready.identity,
            clip=recipe.optimiser.clip,
            watch=note,
            resumed=begin,
            writes=writes,
        )
    finally:
        log.close()
    if writes:
        # Each process met the bad pictures of its own part, and before a cut there may have been
        # more of them; people look into one file.
        for other in sorted(out.glob(f"{LEFT_OUT}.*")):
            if other.suffix[1:].isdigit():
                ledger.add(Ledger(other).entries)
    student = course.module.finished()
    seconds = time.monotonic() - began
    made = DistilledEncoder(
        folder=out,
        losses=tuple(losses),
        steps=course.steps,
        seconds=seconds,
        left_out=ledger.told(),
        remarks=_remarks(ready.student),
        was_finished=was_finished,
    )
    if writes and not was_finished:
        _write(recipe, ready, student, course, made)
        write_run(out / RUN, _record(ready, course, made, options, ledger))
    return made


def _ledger_file(out: Path, rank: int) -> Path:
    return out / (f"{LEFT_OUT}.{rank}" if rank else LEFT_OUT)


def _write(
    recipe: Recipe,
    ready: Ready,
    student: DualStudent,
    course: EncoderCourse,
    made: DistilledEncoder,
) -> None:
    """The student, and the curve of how it learned."""
    finish(student, ready)
    learned = {
        "name": recipe.name,
        "recipe": identity(recipe),
        "pictures": course.pictures,
        "sources": {one.name: len(one) for one in ready.mix.sources},
    }
    out = made.folder
    write_student(out, student, logit_scale=ready.logit_scale, learned=learned)
    draw_curve(out / LOG, out / CURVE, title=f"{recipe.name}: {course.pictures:,} pictures")


def _remarks(student: DualStudent) -> tuple[str, ...]:
    """Scales that ended where they have no gradient any more; an average of them may not have."""
    told = []
    for name in ("contrastive", "distillation"):
        value = float(getattr(student, f"{name}_scale")().detach())
        if value in {LEAST, MOST}:
            told.append(
                f"The {name} scale ended at its limit of {value:g}, where it learns no more. Lower "
                f"the learning rate, or the share of wrong pairs."
            )
    return tuple(told)


def finish(student: DualStudent, ready: Ready) -> None:
    """Give the image tower the text rows of its logits' names, as the text tower has them now."""
    if ready.teaching.names_of_logits and isinstance(student.image, ConvolutionalTower):
        with torch.no_grad():
            student.image.set_anchors(ready.names.of(student, ANCHORS))


def _record(
    ready: Ready,
    course: EncoderCourse,
    made: DistilledEncoder,
    options: _Options,
    ledger: Ledger,
) -> dict[str, Any]:
    student = ready.student
    return {
        "sightglass": version("sightglass"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": list(options.command),
        "identity": ready.identity,
        "steps": course.steps,
        "pictures": course.pictures,
        "sources": [
            {"name": one.name, "rows": len(one), "share": share, "remarks": list(one.remarks)}
            for one, share in zip(ready.mix.sources, ready.mix.shares, strict=True)
        ],
        "left_out": len(ledger.entries),
        "trainable_parameters": sum(one.numel() for one in student.parameters()),
        "losses": list(made.losses),
        "contrastive_scale": float(student.contrastive_scale().detach()),
        "distillation_scale": float(student.distillation_scale().detach()),
        "seconds": round(made.seconds, 2),
        "platform": {
            "python": sys.version.split()[0],
            "system": platform.platform(),
            "threads": torch.get_num_threads(),
            "libraries": {name: version(name) for name in ("numpy", "torch", "transformers")},
        },
    }


def device() -> torch.device:
    """A graphics card where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _for_part(watch: Watch | None, part: str, steps: int) -> Callable[[Step], None] | None:
    if watch is None:
        return None
    seen = watch
    return lambda step: seen(part, step, steps)
