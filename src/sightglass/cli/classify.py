"""``sightglass classify``: the main job."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sightglass.cli import classify_options as options

if TYPE_CHECKING:
    from sightglass.reports.prediction import Row


def classify(
    context: typer.Context,
    classes: options.Classes,
    images: options.SourcesOrManifest = None,
    manifest: options.Manifests = None,
    manifest_column: options.ManifestColumn = None,
    out: options.Out = Path("sightglass-results"),
    parquet: options.Parquet = False,
    model: options.Model = "mini",
    prompts: options.Prompts = "single",
    references: options.References = None,
    vision_model: options.VisionModel = "mini:vision",
    weighting: options.Weighting = "inverse_entropy",
    unknown: options.Unknown = True,
    top_k: options.TopK = 3,
    batch_size: options.BatchSize = 32,
    store: options.StorePath = None,
    max_pixels: options.MaxPixels = None,
    strict: options.Strict = False,
    engine: options.EngineName = "local",
    address: options.Address = None,
    workers: options.Workers = None,
    shard_size: options.ShardSize = None,
) -> None:
    """Classify pictures by class names.

    Writes predictions.csv, predictions.jsonl, report.html and run.json. IMAGES, --manifest or both
    are needed. Exit code 0: done, files
    that could not be used are listed. 1: no file could be used, --strict stopped, or you did; what
    was computed is kept, and the same command goes on from there. 2: wrong usage.
    """
    from sightglass.cli.engines import engine_of
    from sightglass.cli.printable import printable
    from sightglass.cli.progress import progress_of
    from sightglass.cli.summary import print_summary
    from sightglass.errors import InputError
    from sightglass.inputs.discovery import find_pictures
    from sightglass.inputs.images import DEFAULT_MAX_PIXELS
    from sightglass.reports.folder import (
        OWN_FILES,
        PARQUET,
        prepare_folder,
        require_store_apart,
        without_own_files,
        write_results,
    )
    from sightglass.reports.parquet_table import require_parquet
    from sightglass.reports.work import Work
    from sightglass.scale.settings import ClassifierSettings
    from sightglass.store import DEFAULT_STORE
    from sightglass.whole_files import only_writer

    if manifest_column is not None and not manifest:
        raise InputError("--manifest-column: needs --manifest, got none. Name the manifest.")
    if parquet:
        require_parquet()
    if store is not None:
        require_store_apart(store, [out / name for name in (*OWN_FILES, PARQUET)])
    settings = ClassifierSettings(
        classes=classes,
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
    run = engine_of(
        engine,
        settings,
        address=address,
        workers=workers,
        shard_size=shard_size,
        out=out,
        work=work,
    )
    with work.timed("find"):
        found = find_pictures(
            images or (), stdin=sys.stdin, manifests=manifest or (), column=manifest_column
        )
        found = without_own_files(found, out, run.classifier.store.path)
    prepare_folder(out)
    try:
        with only_writer(out), progress_of(len(found), work) as shown:
            rows = shown(run.stream(found))
            write_results(
                out,
                _until_failure(rows) if strict else rows,
                run=lambda: run.record(command=["sightglass", *(context.obj or [])]),
                thumbnails=run.thumbnail,
                work=work,
                parquet=parquet,
            )
            run.finish()
    except KeyboardInterrupt:
        typer.echo(
            f"Stopped after {work.found:,} of {len(found):,} files. Nothing computed is lost: run "
            f"the same command to go on from there.",
            err=True,
        )
        raise typer.Exit(1) from None
    print_summary(out, work)
    for warning in (run.record()["fusion"] or {}).get("warnings", ()):
        typer.echo(printable(f"References: {warning}"))
    if damaged := run.classifier.store.damaged:
        typer.echo(f"Store: {damaged:,} damaged rows were met, and were made anew.")
    if work.failed == work.found:
        raise typer.Exit(1)


def _until_failure(rows: Iterable[Row]) -> Iterator[Row]:
    """Pass on, until the first file that could not be used; that stops the run."""
    from sightglass.errors import SightglassError
    from sightglass.inputs.outcome import CLASSIFIED
    from sightglass.inputs.url_secrets import without_secrets

    for row in rows:
        if row["outcome"] not in CLASSIFIED:
            path = without_secrets(row["path"])
            raise SightglassError(
                f"{path}: {row['outcome']} ({row['detail']}). Stopped because of "
                f"--strict; without it such files are listed and the run goes on."
            )
        yield row
