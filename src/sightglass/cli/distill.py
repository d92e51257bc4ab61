"""``sightglass distill``: a smaller model learns from a larger one, from unlabelled pictures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightglass.cli.classify_options import (
    MaxPixels,
    References,
    Sources,
    StorePath,
    VisionModel,
    Weighting,
)
from sightglass.cli.distill_encoder import encoder

if TYPE_CHECKING:
    from sightglass.distillation.prompts.distilled import DistilledPrompts
    from sightglass.distillation.prompts.prompt_run import PromptRun

distill = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Out = Annotated[
    Path, typer.Option(help="Folder for prompts.safetensors, log.csv, run.json and checkpoints.")
]
Classes = Annotated[
    str | None,
    typer.Option(
        help="Class names, as classify takes them; of several names for a class the first is "
        "learned. Leave out with --vocabulary."
    ),
]
StudentName = Annotated[
    str,
    typer.Option("--student", help="CLIP checkpoint that gets prompts: hf:ORG/NAME or hf:FOLDER."),
]
TeacherName = Annotated[
    str | None,
    typer.Option(
        "--teacher",
        help="Encoder that the student follows: hf:ORG/NAME, onnx:FOLDER, mini. With --references "
        "the student follows its fusion with them.",
    ),
]
Host = Annotated[
    str, typer.Option(help="How prompts go in: coop, cocoop, vpt, maple or promptsrc.")
]
Loss = Annotated[
    str,
    typer.Option(
        help="kdpl follows the teacher and reads no label; cross_entropy is the host's own, with "
        "the folders' names as labels."
    ),
]
Vocabulary = Annotated[
    str | None,
    typer.Option(
        help="Learn without knowing the classes: nouns, or a file with one name per line."
    ),
]
TopK = Annotated[
    int | None, typer.Option(min=2, help="Names of the vocabulary that a step keeps; 1000.")
]
TeacherTemplate = Annotated[
    str | None, typer.Option(help='How the teacher hears of a class; "a photo of a {}."')
]
Epochs = Annotated[int | None, typer.Option(min=1, help="Passes; the host's published number.")]
LearningRate = Annotated[
    float | None, typer.Option("--lr", help="After the warm-up; the host's published rate.")
]
StepSize = Annotated[
    int | None,
    typer.Option("--batch-size", min=1, help="Pictures per step; the host's published number."),
]
Depth = Annotated[
    int | None,
    typer.Option(min=1, help="Blocks with prompts of their own, for vpt, maple and promptsrc."),
]
Seed = Annotated[int, typer.Option(min=0, help="Everything random follows from it.")]
PrecisionName = Annotated[
    str, typer.Option("--precision", help="Of the student's towers: fp32, bf16 or auto.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and train nothing.")]


@distill.callback()
def _about() -> None:
    """Teach a small model with a large one: prompts of a CLIP, or a whole encoder."""


distill.command()(encoder)


@distill.command()
def prompts(
    context: typer.Context,
    images: Sources,
    student: StudentName,
    teacher: TeacherName = None,
    classes: Classes = None,
    out: Out = Path("sightglass-prompts"),
    host: Host = "coop",
    loss: Loss = "kdpl",
    vocabulary: Vocabulary = None,
    top_k: TopK = None,
    teacher_template: TeacherTemplate = None,
    references: References = None,
    vision_model: VisionModel = "mini:vision",
    weighting: Weighting = "inverse_entropy",
    epochs: Epochs = None,
    lr: LearningRate = None,
    batch_size: StepSize = None,
    depth: Depth = None,
    seed: Seed = 1,
    precision: PrecisionName = "fp32",
    store: StorePath = None,
    max_pixels: MaxPixels = None,
    dry_run: DryRun = False,
) -> None:
    """Learn prompts for a CLIP model from a larger one (KDPL), without labels.

    Use what it writes with: classify --model prompts:OUT/prompts.safetensors. The same command
    goes on where an earlier one was stopped or killed. Exit code 0: done. 1: training failed, or
    you stopped it. 2: wrong usage.
    """
    from sightglass.cli.printable import printable
    from sightglass.distillation.prompts.prepared import (
        OWN_FILES,
        PromptRequest,
        check_request,
        prepare_run,
    )
    from sightglass.distillation.prompts.settings import PromptSettings
    from sightglass.encoders.precision import choose_precision
    from sightglass.inputs.discovery import find_pictures
    from sightglass.inputs.images import DEFAULT_MAX_PIXELS
    from sightglass.reports.folder import prepare_folder, without_own_files
    from sightglass.store import DEFAULT_STORE, open_store

    settings = PromptSettings.of(
        host,
        loss=loss,
        lr=lr,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        top_k=top_k,
        depth=depth,
        precision=choose_precision("auto") if precision == "auto" else precision,
    )
    request = PromptRequest(
        student=student,
        teacher=teacher,
        classes=classes,
        vocabulary=vocabulary,
        teacher_template=teacher_template,
        references=references,
        vision_model=None if vision_model == "none" else vision_model,
        weighting=weighting,
        store=DEFAULT_STORE if store is None else store,
        max_pixels=DEFAULT_MAX_PIXELS if max_pixels is None else max_pixels,
    )
    store_path = open_store(request.store).path
    found = find_pictures(images, stdin=sys.stdin)
    found = without_own_files(found, out, store_path, names=OWN_FILES)
    check_request(request, settings)
    if not dry_run:
        prepare_folder(out)
    typer.echo(f"{len(found):,} files: looking at them, then loading the models.", err=True)
    try:
        run = prepare_run(request, settings, found, teach=not dry_run)
    except KeyboardInterrupt:
        typer.echo("Stopped before training began.", err=True)
        raise typer.Exit(1) from None
    if run.left_out:
        first = run.left_out[0]
        typer.echo(
            printable(
                f"{len(run.left_out):,} files were left out; the first is {first.path} "
                f"({first.detail})."
            ),
            err=True,
        )
    if dry_run:
        from sightglass.distillation.prompts.plan import plan_lines

        for line in plan_lines(run):
            typer.echo(printable(line))
        return
    if settings.epochs == 1:
        typer.echo("Note: the first epoch is the warm-up, at a rate of 0.00001; more are needed.")
    made = _train(run, out, list(context.obj or ()))
    typer.echo(
        printable(
            f"{run.steps:,} steps of {settings.host}; loss {made.losses[0]:.4f} in the first "
            f"epoch, {made.losses[-1]:.4f} in the last."
        )
    )
    typer.echo(printable(f"Prompts: {made.path}; use them with --model prompts:{made.path}"))


def _train(run: PromptRun, out: Path, command: list[str]) -> DistilledPrompts:
    from sightglass.cli.printable import printable
    from sightglass.cli.steps import steps_shown
    from sightglass.distillation.prompts.distilled import distil

    try:
        with steps_shown(run.steps) as watch:
            return distil(run, out, command=command, watch=watch)
    except KeyboardInterrupt:
        typer.echo(
            printable(
                f"Stopped. Nothing before the last checkpoint is lost: run the same command to go "
                f"on from there ({out})."
            ),
            err=True,
        )
        raise typer.Exit(1) from None
