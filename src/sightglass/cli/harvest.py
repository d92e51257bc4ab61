"""``sightglass harvest``: reference pictures from the person's own, unlabelled ones."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightglass.cli.classify_options import (
    BatchSize,
    Classes,
    MaxPixels,
    Model,
    Prompts,
    Sources,
    StorePath,
)

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Bool, Float

    from sightglass.encoders.contract import ImageEncoder
    from sightglass.generation.harvest_rule import Harvest
    from sightglass.generation.harvesting import AnsweredPicture, SeenPictures
    from sightglass.pipeline import ZeroShotClassifier
    from sightglass.reports.prediction import Prediction
    from sightglass.reports.work import Work

Out = Annotated[
    Path, typer.Option(help="Folder for one folder of copies per class, and references.json.")
]
PerClass = Annotated[int, typer.Option(min=1, help="Most pictures for each class.")]
VisionModel = Annotated[
    str,
    typer.Option(help="Encoder that says which pictures look alike: mini:vision, or as for model."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="List what would be copied, and write nothing.")
]


def harvest(
    images: Sources,
    classes: Classes,
    out: Out = Path("references"),
    per_class: PerClass = 16,
    model: Model = "mini",
    vision_model: VisionModel = "mini:vision",
    prompts: Prompts = "single",
    batch_size: BatchSize = 32,
    store: StorePath = None,
    max_pixels: MaxPixels = None,
    dry_run: DryRun = False,
) -> None:
    """Pick reference pictures for each class from unlabelled ones.

    Copies confident and diverse pictures to OUT/<class>/ and writes references.json, which says
    where each came from and why a class has none. An earlier harvest in OUT is replaced; a folder
    that holds anything else is refused. Exit code 0: done. 1: no class got a picture, or you
    stopped it; what was computed is kept. 2: wrong usage.
    """
    from sightglass.encoders.registry import load_encoder
    from sightglass.generation.harvest_rule import rule_in_words
    from sightglass.generation.harvested_folder import check_target, write_harvest
    from sightglass.generation.harvesting import choose_from
    from sightglass.inputs.discovery import find_pictures
    from sightglass.inputs.images import DEFAULT_MAX_PIXELS
    from sightglass.pipeline import ZeroShotClassifier
    from sightglass.reports.folder import without_own_files
    from sightglass.reports.work import Work
    from sightglass.store import DEFAULT_STORE

    classifier = ZeroShotClassifier(
        classes,
        model=model,
        prompts=prompts,
        batch_size=batch_size,
        store=DEFAULT_STORE if store is None else store,
        max_pixels=DEFAULT_MAX_PIXELS if max_pixels is None else max_pixels,
    )
    vision = load_encoder(vision_model)
    found = without_own_files(find_pictures(images, stdin=sys.stdin), out, classifier.store.path)
    check_target(out, images, found)
    work = Work()
    failed: list[tuple[str, str]] = []
    seen = _see(classifier, vision, found, work, failed)
    names, threshold = classifier.labels.names, classifier.rule.threshold
    chosen = choose_from(
        seen, n_classes=len(names), per_class=per_class, unknown_threshold=threshold
    )
    left_out = [(path, "changed while the run went on") for path in seen.lost]
    if chosen.found and not dry_run:
        written = write_harvest(
            out,
            chosen,
            seen.pictures,
            names,
            rule=rule_in_words(per_class, unknown_threshold=threshold),
            generator=f"{classifier.encoder.card.name} + {vision.card.name}",
        )
        left_out += written.left_out
    _print(chosen, names, work, failed=failed, left_out=left_out)
    _conclude(chosen, seen.pictures, names, out, dry_run=dry_run)


def _see(
    classifier: ZeroShotClassifier,
    vision: ImageEncoder,
    found: Sequence[str],
    work: Work,
    failed: list[tuple[str, str]],
) -> SeenPictures:
    """Show all files to both encoders; those that cannot be used are added to ``failed``."""
    from sightglass.cli.progress import progress_of
    from sightglass.generation.everyday_words import words_beside
    from sightglass.generation.harvesting import see_pictures
    from sightglass.text_side import texts_of

    words = texts_of(
        words_beside(classifier.labels),
        encoder=classifier.encoder,
        store=classifier.store,
        templates=classifier.templates,
    )

    def named(rows: Float[np.ndarray, "n dim"]) -> Bool[np.ndarray, " n"]:
        by_class, by_word = classifier.texts.cosines(rows), words.cosines(rows)
        fits: Bool[np.ndarray, " n"] = by_class.max(axis=1) >= by_word.max(axis=1)
        return fits

    try:
        with progress_of(len(found), work) as shown:
            return see_pictures(
                _answered(shown(classifier.stream(found, work)), failed),
                encoder=classifier.encoder,
                named=named,
                vision=vision,
                store=classifier.store,
                batch_size=classifier.batch_size,
                max_pixels=classifier.max_pixels,
            )
    except KeyboardInterrupt:
        typer.echo(
            f"Stopped after {work.found:,} of {len(found):,} files; nothing was copied. Nothing "
            f"computed is lost: run the same command to go on from there.",
            err=True,
        )
        raise typer.Exit(1) from None


def _answered(
    predictions: Iterable[Prediction], failed: list[tuple[str, str]]
) -> Iterator[AnsweredPicture]:
    """The pictures that could be used, with what text-image alignment said of them."""
    from sightglass.generation.harvesting import AnsweredPicture

    for prediction in predictions:
        if prediction.decision is None or prediction.sha256 is None:
            failed.append((prediction.path, prediction.outcome.detail))
        else:
            yield AnsweredPicture(
                path=prediction.path,
                content=bytes.fromhex(prediction.sha256),
                probabilities=prediction.decision.probabilities,
                unknown_score=prediction.decision.unknown_score,
            )


def _print(
    chosen: Harvest,
    names: Sequence[str],
    work: Work,
    *,
    failed: Sequence[tuple[str, str]],
    left_out: Sequence[tuple[str, str]],
) -> None:
    """A line per class, and what happened to the files. Pairs are of a path and a reason."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from sightglass.cli.printable import printable, show_line

    console = Console()
    table = Table("class", box=None, header_style="bold")
    table.add_column("pictures", justify="right")
    table.add_column("why not more")
    for name, rows, reason in zip(names, chosen.indices, chosen.reasons, strict=True):
        table.add_row(Text(printable(name)), str(len(rows)), Text(printable(reason)))
    console.print(table)
    lines = [
        f"{work.found:,} files; different pictures: {work.counts['ok']:,}, copies: "
        f"{work.counts['duplicate']:,}, not usable: {work.failed:,}."
    ]
    for paths, what in ((failed, "could not be used"), (left_out, "were left out")):
        if paths:
            path, why = paths[0]
            lines.append(f"{len(paths):,} {what}; the first is {path} ({why}).")
    for line in lines:
        show_line(console, line)


def _conclude(
    chosen: Harvest,
    pictures: Sequence[AnsweredPicture],
    names: Sequence[str],
    out: Path,
    *,
    dry_run: bool,
) -> None:
    from sightglass.cli.printable import printable
    from sightglass.errors import SightglassError

    if not chosen.found:
        raise SightglassError(
            "harvest: no class got a picture, and nothing was written; the table says why. Give "
            "more pictures, other names, or a larger model with --model."
        )
    if dry_run:
        for name, rows in zip(names, chosen.indices, strict=True):
            for row in rows:
                typer.echo(f"{printable(name)}\t{printable(pictures[row].path)}")
        typer.echo(
            printable(f"{chosen.found:,} pictures would be copied to {out}; nothing was written.")
        )
    else:
        typer.echo(printable(f"References: {out}; use them with --references {out}"))
