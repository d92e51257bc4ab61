"""``sightglass distill encoder``: two towers learn from pairs and teachers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightglass.cli.classify_options import References, StorePath, VisionModel

if TYPE_CHECKING:
    from sightglass.distillation.encoder.recipe import Recipe
    from sightglass.distillation.encoder.run import DistilledEncoder

_BESIDE_A_RECIPE = ("recipe", "out", "processes", "store", "tensorboard", "dry_run")

Data = Annotated[
    list[str] | None,
    typer.Argument(
        help="Tables of pictures and captions (.csv, .tsv), tar shards, parquet files, folders. "
        "Leave out with --recipe."
    ),
]
Out = Annotated[
    Path,
    typer.Option(help="Folder for the student, log.csv, curve.png, run.json and checkpoints."),
]
RecipeFile = Annotated[
    Path | None,
    typer.Option(
        "--recipe",
        help="YAML file that says everything; see docs/encoder-recipes.md. Paths in it are "
        "relative to the current folder. Of the other options only those below may be given too.",
    ),
]
Loss = Annotated[
    str,
    typer.Option(
        help="infonce, smoothing, kd (self-distillation, or of --teacher), otter (optimal "
        "transport), named (class names as --teacher sees them)."
    ),
]
ImageTower = Annotated[
    str, typer.Option(help="convolutional: small, our own; or a checkpoint, hf:ORG/NAME.")
]
TextTower = Annotated[
    str, typer.Option(help="word_table: small, our own; or a checkpoint, hf:ORG/NAME.")
]
Teachers = Annotated[
    list[str] | None,
    typer.Option(
        "--teacher",
        help="Frozen encoder with a text side; may be given several times, with weights: "
        "hf:ORG/NAME=2.",
    ),
]
Classes = Annotated[
    str | None, typer.Option(help="With --loss named: names or a file, as classify takes them.")
]
Captions = Annotated[str | None, typer.Option(help="Column of the captions; by its usual name.")]
Images = Annotated[
    str | None, typer.Option(help="Folder that a table's paths start from; the table's own.")
]
Size = Annotated[
    int | None, typer.Option(min=32, help="Pixels per side of the convolutional tower; 128.")
]
Dim = Annotated[int, typer.Option(min=2, help="Width of the space that both towers end in.")]
Epochs = Annotated[float, typer.Option(help="Passes over the data.")]
BatchSize = Annotated[int, typer.Option(min=2, help="Pairs that are compared with each other.")]
PartSize = Annotated[
    int | None,
    typer.Option(min=1, help="Pairs at a time in memory; compared are those of a whole batch."),
]
LearningRate = Annotated[float, typer.Option("--lr", help="Highest learning rate.")]
Seed = Annotated[int, typer.Option(min=0, help="Everything random follows from it.")]
PrecisionName = Annotated[
    str, typer.Option("--precision", help="fp32, bf16, or auto: bf16 where the processor has it.")
]
ProcessCount = Annotated[
    int, typer.Option("--processes", min=1, help="That train together on this machine.")
]
Board = Annotated[bool, typer.Option("--tensorboard", help="Write for TensorBoard too.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and train nothing.")]


def encoder(
    context: typer.Context,
    data: Data = None,
    loss: Loss = "infonce",
    image_tower: ImageTower = "convolutional",
    text_tower: TextTower = "word_table",
    teacher: Teachers = None,
    classes: Classes = None,
    references: References = None,
    vision_model: VisionModel = "mini:vision",
    captions: Captions = None,
    images: Images = None,
    size: Size = None,
    dim: Dim = 256,
    epochs: Epochs = 10.0,
    batch_size: BatchSize = 256,
    part_size: PartSize = None,
    lr: LearningRate = 1e-3,
    seed: Seed = 1,
    precision: PrecisionName = "auto",
    recipe: RecipeFile = None,
    out: Out = Path("sightglass-encoder"),
    processes: ProcessCount = 1,
    store: StorePath = None,
    tensorboard: Board = False,
    dry_run: DryRun = False,
) -> None:
    """Train an encoder from pairs of pictures and texts, and from teachers, with soft labels.

    Make an encoder of what it writes with: sightglass export OUT --out FOLDER; then classify
    --model onnx:FOLDER. The same command goes on where an earlier one was stopped or killed. Exit
    code 0: done. 1: training failed, or you stopped it. 2: wrong usage.
    """
    from sightglass.checks import require_extra
    from sightglass.cli.printable import printable
    from sightglass.distillation.encoder.plan import plan_lines
    from sightglass.distillation.encoder.quick_recipe import quick_recipe
    from sightglass.distillation.encoder.recipe import read_recipe
    from sightglass.encoders.precision import choose_precision
    from sightglass.reports.folder import prepare_folder
    from sightglass.store import DEFAULT_STORE

    for module in ("torch", "transformers", "safetensors", "onnx", "matplotlib"):
        require_extra(module, extra="train", purpose="Training an encoder")
    if recipe is not None:
        _check_alone(context, recipe)
    asked = (
        read_recipe(recipe)
        if recipe is not None
        else quick_recipe(
            data or [],
            loss=loss,
            image_tower=image_tower,
            text_tower=text_tower,
            teachers=teacher or [],
            classes=classes,
            references=None if references is None else str(references),
            vision_model=None if vision_model == "none" else vision_model,
            captions=captions,
            images=images,
            size=size,
            dim=dim,
            epochs=epochs,
            batch_size=batch_size,
            part_size=part_size,
            lr=lr,
            seed=seed,
            precision=choose_precision("auto") if precision == "auto" else precision,
        )
    )
    kept = DEFAULT_STORE if store is None else store
    if dry_run:
        for line in plan_lines(asked, processes=processes):
            typer.echo(printable(line))
        return
    prepare_folder(out)
    typer.echo("Looking at the data, loading the models.", err=True)
    made = _train(
        asked,
        out,
        processes=processes,
        store=kept,
        board=tensorboard,
        command=list(context.obj or ()),
    )
    for line in made.left_out.splitlines():
        typer.echo(printable(line), err=True)
    if made.left_out:
        typer.echo(printable(f"All of them: {out / 'left_out.jsonl'}"), err=True)
    for line in made.remarks:
        typer.echo(printable(f"Note: {line}"), err=True)
    shown = ", ".join(
        f"{phase.name} {loss:.4f}" for phase, loss in zip(asked.phases, made.losses, strict=True)
    )
    if made.was_finished:
        typer.echo(printable(f"{out}: this run was finished already; nothing was changed."))
    typer.echo(printable(f"{made.steps:,} steps; mean loss: {shown}. Curve: {out / 'curve.png'}"))
    typer.echo(
        printable(f"Student: {out}. Make an encoder of it: sightglass export {out} --out FOLDER")
    )


def _check_alone(context: typer.Context, recipe: Path) -> None:
    """Refuse data and options that a recipe would silently outvote."""
    from sightglass.errors import InputError

    for name in context.params:
        source = context.get_parameter_source(name)
        if name in _BESIDE_A_RECIPE or source is None or source.name != "COMMANDLINE":
            continue
        given = "data" if name == "data" else f"--{name.replace('_', '-')}"
        raise InputError(
            f"distill encoder: a recipe says everything, got {recipe} and {given} too. Say it in "
            f"the recipe, or leave the recipe out."
        )


def _train(
    recipe: Recipe,
    out: Path,
    *,
    processes: int,
    store: str | Path,
    board: bool,
    command: list[str],
) -> DistilledEncoder:
    from sightglass.cli.printable import printable
    from sightglass.cli.steps import PartsShown
    from sightglass.distillation.encoder.run import distil_encoder

    began = time.monotonic()
    try:
        with PartsShown() as watch:
            return distil_encoder(
                recipe,
                out,
                processes=processes,
                store=store,
                board=board,
                command=command,
                watch=watch,
            )
    except KeyboardInterrupt:
        typer.echo(
            printable(
                f"Stopped after {time.monotonic() - began:,.0f} s. Nothing before the last "
                f"checkpoint is lost: run the same command to go on from there ({out})."
            ),
            err=True,
        )
        raise typer.Exit(1) from None
