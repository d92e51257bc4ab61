"""From a folder of unlabelled pictures to a file of prompts."""

from __future__ import annotations

import csv
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightglass.distillation.prompts.prepared import CHECKPOINT, LOG, RUN
from sightglass.distillation.prompts.prompt_run import PromptRun
from sightglass.distillation.prompts.schedule import warmup_cosine_lr
from sightglass.distillation.prompts.training import train_prompts
from sightglass.distillation.trainer import Step
from sightglass.encoders.prompted.class_tokens import PREFIX
from sightglass.encoders.prompted.prompt_file import FILE_NAME, PromptsAbout, write_prompts
from sightglass.reports.manifest import write_run
from sightglass.whole_files import only_writer, replacing

if TYPE_CHECKING:
    from sightglass.encoders.prompted.host import PromptHost


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DistilledPrompts:
    """What a run made.

    Attributes:
        path: The file of prompts, for ``--model prompts:FILE``.
        host: The same in memory.
        losses: The mean loss of each epoch.
        seconds: That this call trained; less than the whole where it went on from a checkpoint.
    """

    path: Path
    host: PromptHost
    losses: tuple[float, ...]
    seconds: float


def distil(
    run: PromptRun,
    out: Path,
    *,
    command: Sequence[str] = (),
    watch: Callable[[Step], None] | None = None,
) -> DistilledPrompts:
    """Train ``run`` and write prompts, log and record into ``out``; go on where one was cut off.

    Args:
        run: Ready.
        out: Folder; made where it is not there.
        command: The arguments of the command line; empty where Python called.
        watch: Called after every step.

    Raises:
        InputError: If ``out`` holds a checkpoint of another run.
        ResultsError: If another run is writing there, or the disk is full.
        ModelError: If the loss is not finite or the checkpoint is damaged.
    """
    out.mkdir(parents=True, exist_ok=True)
    with only_writer(out):
        began = time.monotonic()
        losses = train_prompts(
            run.host,
            run.student,
            run.pictures,
            run.objective,
            run.settings,
            checkpoint=out / CHECKPOINT,
            identity={
                "names": list(run.names) if len(run.names) <= 2_000 else _digest(run.names),
                "teacher": run.teacher.name if run.teacher else None,
                "teacher_digest": run.teacher.digest if run.teacher else None,
                "labels": list(run.labels) if run.labels else None,
            },
            watch=watch,
        )
        seconds = time.monotonic() - began
        about = _about(run)
        write_prompts(out / FILE_NAME, run.host, about=about)
        _write_log(out / LOG, run, losses)
        write_run(out / RUN, _record(run, about, losses, seconds, command))
    return DistilledPrompts(
        path=out / FILE_NAME, host=run.host, losses=tuple(losses), seconds=seconds
    )


def _digest(names: Sequence[str]) -> str:
    import hashlib

    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def _about(run: PromptRun) -> PromptsAbout:
    settings = run.settings
    return PromptsAbout.model_validate(
        {
            "host": settings.host,
            "depth": settings.depth,
            "prefix": PREFIX,
            "student": run.student.name,
            "student_fingerprint": run.student.card.fingerprint,
            "class_names": () if run.class_agnostic else run.names,
            "teacher": run.teacher.name if run.teacher is not None else "",
            "loss": settings.loss,
            "epochs": settings.epochs,
            "seed": settings.seed,
            "pictures": len(run.pictures),
            "note": "learned from a vocabulary" if run.class_agnostic else "",
        }
    )


def _write_log(path: Path, run: PromptRun, losses: Sequence[float]) -> None:
    settings = run.settings
    with replacing(path) as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(("epoch", "lr", "loss"))
        for epoch, loss in enumerate(losses):
            lr = warmup_cosine_lr(epoch, lr=settings.lr, epochs=settings.epochs)
            rows.writerow((epoch + 1, repr(lr), repr(loss)))


def _record(
    run: PromptRun,
    about: PromptsAbout,
    losses: Sequence[float],
    seconds: float,
    command: Sequence[str],
) -> dict[str, Any]:
    return {
        "sightglass": version("sightglass"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": list(command),
        "prompts": about.model_dump(mode="json"),
        "settings": run.settings.as_record(),
        "student": run.student.card.model_dump(mode="json"),
        "taught_by": dict(run.told),
        "trainable_parameters": run.trainable,
        "steps": run.steps,
        "class_agnostic": run.class_agnostic,
        "names": len(run.names),
        "pictures": {"used": len(run.pictures), "digest": run.pictures.digest},
        "left_out": [
            {"path": one.path, "outcome": one.status, "detail": one.detail} for one in run.left_out
        ],
        "losses": list(losses),
        "seconds": round(seconds, 2),
        "platform": {
            "python": sys.version.split()[0],
            "system": platform.platform(),
            "libraries": {name: version(name) for name in ("numpy", "torch", "transformers")},
        },
    }
