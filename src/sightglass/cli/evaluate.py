"""``sightglass evaluate``: how often the answers are right on labelled pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    data: Annotated[
        Path,
        typer.Argument(
            help="Parquet file or folder as model hubs publish them, or one folder per class."
        ),
    ],
    model: Annotated[str, typer.Option(help="Encoder, as in classify.")] = "mini",
    classes: Annotated[
        str | None,
        typer.Option(
            help="Names to use in place of the data set's own, in its order; as in classify."
        ),
    ] = None,
    prompts: Annotated[str, typer.Option(help="Template set, as in classify.")] = "single",
    split: Annotated[
        str | None, typer.Option(help="Which split, where a folder holds several.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most this many pictures, evenly spread.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for metrics.json.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures per pass.")] = 32,
    store: Annotated[
        Path | None, typer.Option("--store", help="File that remembers embeddings.")
    ] = None,
) -> None:
    """Measure accuracy on labelled pictures.

    Top-1, top-3 and top-5, closed set: every picture's class is among the names.
    """
    import json

    from rich.console import Console
    from rich.table import Table

    from sightglass.evaluation.closed_set import evaluate_closed_set
    from sightglass.evaluation.datasets import class_labels, load_dataset
    from sightglass.inputs.labels import LabelSet, parse_classes
    from sightglass.pipeline import ZeroShotClassifier
    from sightglass.reports.folder import prepare_folder
    from sightglass.store import DEFAULT_STORE
    from sightglass.whole_files import replacing

    if out is not None:
        prepare_folder(out)
    labelled = load_dataset(data, split=split)
    classifier = ZeroShotClassifier(
        LabelSet.of(class_labels(labelled.class_names))
        if classes is None
        else parse_classes(classes),
        model=model,
        prompts=prompts,
        batch_size=batch_size,
        store=DEFAULT_STORE if store is None else store,
    )
    scores = evaluate_closed_set(classifier, labelled, limit=limit)
    rows = scores.as_rows(
        dataset=data.name, heads="text_image", encoders=model, prompts=classifier.prompts
    )
    table = Table("metric", "value", box=None, header_style="bold")
    for row in rows:
        table.add_row(row["metric"], f"{100 * row['value']:.2f} %")
    console = Console()
    console.print(table)
    console.print(
        f"{scores.n_images:,} pictures of {data.name}, {len(labelled.class_names):,} classes, "
        f"closed set, names only, model {model}, prompts {prompts}; {scores.n_failed:,} could not "
        f"be opened.",
        markup=False,
        highlight=False,
    )
    if classifier.encoder.card.notes:
        console.print(f"Mind: {classifier.encoder.card.notes}", markup=False, highlight=False)
    if out is not None:
        with replacing(out / "metrics.json") as stream:
            json.dump(rows, stream, indent=2)
            stream.write("\n")
        console.print(f"Written: {out / 'metrics.json'}", markup=False, highlight=False)
