"""``sightglass classify``: the main job."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sightglass.reports.prediction import Row

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGES...",
        help="Folders (searched through), files, glob patterns, or - for paths on standard input.",
    ),
]
Classes = Annotated[
    str,
    typer.Option(
        help="Class names separated by commas, a .txt file with one per line, or a class book; "
        '"sofa|couch" gives one class two names.'
    ),
]
Out = Annotated[
    Path,
    typer.Option(help="Folder for predictions.csv, predictions.jsonl, report.html and run.json."),
]
Model = Annotated[
    str,
    typer.Option(
        help="Encoder: mini, onnx:FOLDER, hf:ORG/NAME, hf:FOLDER, prompts:FILE, synthetic:colours."
    ),
]
Prompts = Annotated[
    str, typer.Option(help="Template set, such as single or ensemble, or a .txt file of templates.")
]
References = Annotated[
    Path | None,
    typer.Option(
        help="Folder with one folder of reference pictures per class, as imagine and harvest make "
        "it: pictures are compared with these too."
    ),
]
VisionModel = Annotated[
    str,
    typer.Option(
        help="Encoder in whose space pictures are compared with references a second time, such as "
        "hf:facebook/dinov2-base; none for none."
    ),
]
Weighting = Annotated[
    str,
    typer.Option(
        help="How the opinions of names and references are fused: inverse_entropy (the "
        "paper's), stacked, exp_neg_entropy, max or fixed."
    ),
]
Unknown = Annotated[
    bool, typer.Option("--unknown/--no-unknown", help='Allow the answer "unknown".')
]
TopK = Annotated[int, typer.Option(min=1, help="Classes listed per picture.")]
BatchSize = Annotated[
    int, typer.Option(min=1, help="Pictures per pass of the network; changes speed, not results.")
]
StorePath = Annotated[
    Path | None,
    typer.Option(
        "--store", help="File that remembers embeddings; by default one in your cache folder."
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(min=1, help="Pictures that would decode to more are not decoded."),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Stop at the first file that cannot be used.")
]


def classify(
    context: typer.Context,
    images: Sources,
    classes: Classes,
    out: Out = Path("sightglass-results"),
    model: Model = "mini",
    prompts: Prompts = "single",
    references: References = None,
    vision_model: VisionModel = "mini:vision",
    weighting: Weighting = "inverse_entropy",
    unknown: Unknown = True,
    top_k: TopK = 3,
    batch_size: BatchSize = 32,
    store: StorePath = None,
    max_pixels: MaxPixels = None,
    strict: Strict = False,
) -> None:
    """Classify pictures by class names.

    Writes predictions.csv, predictions.jsonl, report.html and run.json. Exit code 0: done, files
    that could not be used are listed. 1: no file could be used, --strict stopped, or you did; what
    was computed is kept, and the same command goes on from there. 2: wrong usage.
    """
    from sightglass.cli.printable import printable
    from sightglass.cli.progress import progress_of
    from sightglass.cli.summary import print_summary
    from sightglass.inputs.discovery import find_pictures
    from sightglass.inputs.images import DEFAULT_MAX_PIXELS
    from sightglass.pipeline import ZeroShotClassifier
    from sightglass.reports.folder import (
        prepare_folder,
        without_own_files,
        write_results,
    )
    from sightglass.reports.work import Work
    from sightglass.store import DEFAULT_STORE
    from sightglass.whole_files import only_writer

    classifier = ZeroShotClassifier(
        classes,
        model=model,
        prompts=prompts,
        references=references,
        vision_model=None if vision_model == "none" else vision_model,
        weighting=weighting,
        unknown=unknown,
        top_k=top_k,
        batch_size=batch_size,
        store=DEFAULT_STORE if store is None else store,
        max_pixels=DEFAULT_MAX_PIXELS if max_pixels is None else max_pixels,
    )
    work = Work()
    with work.timed("find"):
        found = without_own_files(
            find_pictures(images, stdin=sys.stdin), out, classifier.store.path
        )
    prepare_folder(out)
    try:
        with only_writer(out), progress_of(len(found), work) as shown:
            classifier.calibrate(found, work)
            rows = (prediction.as_row() for prediction in shown(classifier.stream(found, work)))
            write_results(
                out,
                _until_failure(rows) if strict else rows,
                run=lambda: classifier.run_record(
                    work, command=["sightglass", *(context.obj or [])]
                ),
                thumbnails=classifier.thumbnail,
                work=work,
            )
    except KeyboardInterrupt:
        typer.echo(
            f"Stopped after {work.found:,} of {len(found):,} files. Nothing computed is lost: run "
            f"the same command to go on from there.",
            err=True,
        )
        raise typer.Exit(1) from None
    print_summary(out, work)
    for warning in (classifier.run_record(work)["fusion"] or {}).get("warnings", ()):
        typer.echo(printable(f"References: {warning}"))
    if work.failed == work.found:
        raise typer.Exit(1)


def _until_failure(rows: Iterable[Row]) -> Iterator[Row]:
    """Pass on, until the first file that could not be used; that stops the run."""
    from sightglass.errors import SightglassError
    from sightglass.inputs.outcome import CLASSIFIED

    for row in rows:
        if row["outcome"] not in CLASSIFIED:
            raise SightglassError(
                f"{row['path']}: {row['outcome']} ({row['detail']}). Stopped because of "
                f"--strict; without it such files are listed and the run goes on."
            )
        yield row
