"""``sightglass embeddings``: the rows of pictures as a file for other tools."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightglass.cli.classify_options import BatchSize, MaxPixels, StorePath

if TYPE_CHECKING:
    from sightglass.encoders.contract import DualEncoder, ImageEncoder
    from sightglass.reports.exports.embedded_pictures import NamedRows
    from sightglass.reports.work import Work
    from sightglass.store import Store

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[IMAGES]...",
        help="Folders (searched through), files, glob patterns, URLs, or - for paths on standard "
        "input.",
    ),
]
Out = Annotated[
    Path, typer.Option(help="File to write: its name ends in .parquet or .npy, which decides.")
]
Model = Annotated[
    str, typer.Option(help="Encoder, as in classify; one without a text side is enough.")
]
Classes = Annotated[
    str | None,
    typer.Option(help="Write the rows of these classes too, beside --out; as in classify."),
]
Prompts = Annotated[str, typer.Option(help="Templates for --classes; as in classify.")]
Manifest = Annotated[
    list[str] | None,
    typer.Option(help="File that lists pictures, as in classify; several times if need be."),
]
ManifestColumn = Annotated[
    str | None, typer.Option(help="Column of the manifests that holds the paths.")
]


def embeddings(
    out: Out,
    images: Sources = None,
    model: Model = "mini",
    classes: Classes = None,
    prompts: Prompts = "single",
    manifest: Manifest = None,
    manifest_column: ManifestColumn = None,
    batch_size: BatchSize = 32,
    store: StorePath = None,
    max_pixels: MaxPixels = None,
) -> None:
    """Write the pictures' embeddings for other tools.

    Unit rows in float32, one per picture that could be used, made as classify makes them: rows
    that the store knows are not made again, and a run that was stopped goes on. Exit code 0: done,
    files that could not be used are listed. 1: no file could be used, or you stopped. 2: wrong
    usage.
    """
    from sightglass.cli.progress import progress_of
    from sightglass.encoders.registry import load_dual_encoder, load_encoder
    from sightglass.inputs.discovery import find_pictures
    from sightglass.inputs.images import DEFAULT_MAX_PIXELS
    from sightglass.reports.exports.embedded_pictures import about, embedded_pictures
    from sightglass.reports.exports.embedding_files import (
        prepare_embedding_files,
        write_embeddings,
    )
    from sightglass.reports.exports.one_run import lock_of
    from sightglass.reports.folder import require_store_apart, without_own_files
    from sightglass.reports.work import Work
    from sightglass.store import DEFAULT_STORE, open_store

    own = prepare_embedding_files(out, manifests=manifest or ())
    if store is not None:
        require_store_apart(store, own)
    kept = open_store(DEFAULT_STORE if store is None else store)
    if classes is None:
        encoder, named = load_encoder(model), None
    else:
        encoder = dual = load_dual_encoder(model)
        named = _named_rows(classes, prompts, dual, kept)
    work = Work()
    with work.timed("find"):
        found = without_own_files(
            find_pictures(
                images or (), stdin=sys.stdin, manifests=manifest or (), column=manifest_column
            ),
            out.parent,
            kept.path,
            names=[*(path.name for path in own), lock_of(out).name],
        )
    try:
        with progress_of(len(found), work) as shown:
            pictures = embedded_pictures(
                found,
                encoder=encoder,
                store=kept,
                max_pixels=DEFAULT_MAX_PIXELS if max_pixels is None else max_pixels,
                batch_size=batch_size,
                work=work,
            )
            write_embeddings(
                out,
                shown(pictures),
                dim=encoder.card.dim,
                card=about(encoder),
                classes=named,
            )
    except KeyboardInterrupt:
        typer.echo(
            f"Stopped after {work.found:,} of {len(found):,} files. Nothing computed is lost: run "
            f"the same command to go on from there.",
            err=True,
        )
        raise typer.Exit(1) from None
    _show(work, encoder, own)
    if work.failed == work.found:
        raise typer.Exit(1)


def _named_rows(classes: str, prompts: str, encoder: DualEncoder, store: Store) -> NamedRows:
    """The rows that classify compares pictures with."""
    from sightglass.encoders.wording import require_fixed_texts, templates_for
    from sightglass.given import classes_of
    from sightglass.reports.exports.embedded_pictures import NamedRows
    from sightglass.text_side import FixedTexts, texts_of

    require_fixed_texts(encoder, where="embeddings --classes")
    labels, extra = classes_of(classes)
    texts = texts_of(
        labels,
        encoder=encoder,
        store=store,
        templates=templates_for(encoder.card, prompts),
        extra=() if encoder.card.own_context else extra,
    )
    assert isinstance(texts, FixedTexts)
    return NamedRows(names=labels.names, synonyms=labels.synonyms, embeddings=texts.embeddings)


def _show(work: Work, encoder: ImageEncoder, own: Sequence[Path]) -> None:
    """What was written, and what was not."""
    from sightglass.cli.printable import printable
    from sightglass.inputs.outcome import CLASSIFIED

    lines = [
        f"{work.found - work.failed:,} rows of {encoder.card.dim} by {encoder.card.name} "
        f"({encoder.fingerprint[:8]}); {work.encoded:,} encoded now.",
        f"Written: {', '.join(str(path) for path in own if path.exists())}",
    ]
    if work.failed:
        reasons = ", ".join(
            f"{count:,} {status}"
            for status, count in sorted(work.counts.items())
            if status not in CLASSIFIED
        )
        lines.append(f"{work.failed:,} of {work.found:,} files have no row: {reasons}.")
    for line in lines:
        typer.echo(printable(line))
