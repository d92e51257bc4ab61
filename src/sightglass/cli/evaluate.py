"""``sightglass evaluate``: how often the answers are right on labelled pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightglass.cli.evaluate_data_efficient import run_data_efficient
from sightglass.cli.evaluate_suite import (
    KDPL,
    YIN_JIANG,
    Asked,
    check_suite_options,
    run_kdpl,
    run_yin_jiang,
    suite_folders,
)
from sightglass.errors import InputError


def evaluate(
    context: typer.Context,
    data: Annotated[
        str | None,
        typer.Argument(
            help="Parquet file or folder as model hubs publish them, hf:ORG/NAME, one folder per "
            "class, or the files of CIFAR, MNIST, SVHN or TinyImageNet as their authors publish "
            "them.",
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="Encoder, as in classify.")] = "mini",
    classes: Annotated[
        str | None,
        typer.Option(
            help="Names to use in place of the data set's own, in its order; as in classify."
        ),
    ] = None,
    prompts: Annotated[str, typer.Option(help="Template set, as in classify.")] = "single",
    split: Annotated[str | None, typer.Option(help="Which split, where there are several.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most this many pictures, evenly spread.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for metrics.json, table.csv, table.md, table.html, per_class.csv and "
            "confusion.csv; with --suite for every table, the figures and report.html."
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures per pass.")] = 32,
    store: Annotated[
        Path | None, typer.Option("--store", help="File that remembers embeddings.")
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option(
            help="Run a paper's whole evaluation instead: yin-jiang, kdpl or data-efficient. Needs "
            "--data and --out."
        ),
    ] = None,
    suite_data: Annotated[
        Path | None,
        typer.Option(
            "--data", help="Suite: folder that holds the data sets, as many as there are."
        ),
    ] = None,
    vision_model: Annotated[
        str | None,
        typer.Option(
            help="yin-jiang: encoder for pictures only, the third alignment; 'none' for none."
        ),
    ] = None,
    references: Annotated[
        Path | None,
        typer.Option(
            help="yin-jiang: reference pictures; a parquet file or a folder with one folder per "
            "class, or a folder of these named after the data sets."
        ),
    ] = None,
    harvest: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="yin-jiang: references per class to harvest from a data set's own unlabelled "
            "pictures where none are brought; 16 unless told, 0 for none.",
        ),
    ] = None,
    weighting: Annotated[
        str | None,
        typer.Option(help="yin-jiang: how alignments are weighed; inverse_entropy unless told."),
    ] = None,
    virtual_names: Annotated[
        Path | None,
        typer.Option(help="yin-jiang: file of guessed names of unknown classes, one per line."),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            help="yin-jiang: released_code adds a table made with the released scripts' formula, "
            "for regression only; paper_formula does not."
        ),
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(help="kdpl: encoder that the student --model follows; hf:ORG/NAME, mini."),
    ] = None,
    hosts: Annotated[
        str | None,
        typer.Option(
            help="kdpl: which hosts, with commas between; coop,cocoop,vpt,maple,promptsrc unless "
            "told."
        ),
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(help="kdpl: seeds, with commas between; 1,2,3 unless told.")
    ] = None,
    shots: Annotated[
        int | None,
        typer.Option(min=1, help="kdpl: pictures per class to learn from; 16 unless told."),
    ] = None,
    protocols: Annotated[
        str | None,
        typer.Option(
            help="kdpl: which of domain_generalisation,cross_dataset,base_to_novel; all unless "
            "told."
        ),
    ] = None,
    vocabulary: Annotated[
        str | None,
        typer.Option(
            help="kdpl: names for the class-agnostic variant: nouns, or a file with one per line."
        ),
    ] = None,
) -> None:
    """Measure accuracy on labelled pictures; with --suite, rerun a paper's evaluation.

    Top-1, top-3, top-5 and calibration error, closed set: every picture's class is among the
    names. low and high are a 95 % bootstrap interval over pictures.
    """
    import shlex

    from sightglass.store import DEFAULT_STORE

    command = shlex.join(["sightglass", *(context.obj or [])])
    options: dict[str, dict[str, object]] = {
        YIN_JIANG: {
            "--vision-model": vision_model,
            "--references": references,
            "--harvest": harvest,
            "--weighting": weighting,
            "--virtual-names": virtual_names,
            "--mode": mode,
        },
        KDPL: {
            "--teacher": teacher,
            "--hosts": hosts,
            "--seeds": seeds,
            "--shots": shots,
            "--protocols": protocols,
            "--vocabulary": vocabulary,
        },
    }
    if suite is not None and (data is not None or classes is not None or split is not None):
        given = "a data set" if data is not None else "--classes" if classes else "--split"
        raise InputError(
            f"evaluate: with --suite the data sets are those in --data, {given} has no place "
            f"there. Leave it out."
        )
    check_suite_options(suite, options, data=suite_data)
    kept = DEFAULT_STORE if store is None else store
    if suite is not None:
        asked = Asked(
            **suite_folders(suite, suite_data, out),
            model=model,
            prompts=prompts,
            limit=limit,
            batch_size=batch_size,
            store=kept,
            command=command,
        )
        if suite == YIN_JIANG:
            run_yin_jiang(
                asked,
                vision_model=vision_model,
                references=references,
                harvest=harvest,
                weighting=weighting,
                virtual_names=virtual_names,
                mode=mode,
            )
        elif suite == KDPL:
            run_kdpl(
                asked,
                teacher=teacher,
                hosts=hosts,
                seeds=seeds,
                shots=shots,
                protocols=protocols,
                vocabulary=vocabulary,
            )
        else:
            run_data_efficient(asked)
        return
    if data is None:
        raise InputError(
            "evaluate: a data set is needed, got none. Give its path, or --suite with --data."
        )

    from rich.console import Console

    from sightglass.cli.printable import show_line
    from sightglass.cli.result_table import print_table
    from sightglass.evaluation.closed_set import evaluate_closed_set
    from sightglass.evaluation.closed_set_tables import OWN_FILES, metric_table, write_closed_set
    from sightglass.evaluation.datasets import class_labels, load_dataset
    from sightglass.inputs.labels import LabelSet
    from sightglass.pipeline import ZeroShotClassifier
    from sightglass.reports.folder import prepare_folder, require_store_apart

    if out is not None:
        if store is not None:
            require_store_apart(store, [out / name for name in OWN_FILES])
        prepare_folder(out)
    labelled = load_dataset(data, split=split)
    classifier = ZeroShotClassifier(
        LabelSet.of(class_labels(labelled.class_names)) if classes is None else classes,
        model=model,
        prompts=prompts,
        batch_size=batch_size,
        store=kept,
    )
    scores = evaluate_closed_set(classifier, labelled, limit=limit)
    dataset = data if data.startswith("hf:") else Path(data).name or Path(data).resolve().name
    rows = scores.as_rows(dataset=dataset, heads="text_image", encoders=model)
    notes = classifier.encoder.card.notes
    table = metric_table(
        rows,
        title=f"{dataset}, closed set",
        note=f"{scores.n_images:,} pictures of {dataset}, {len(labelled.class_names):,} classes, "
        f"closed set, names only, model {model}, prompts {classifier.prompts}; "
        f"{scores.n_failed:,} could not be opened. Low and high: 95 % bootstrap interval over "
        f"pictures.{f' Mind: {notes}' if notes else ''}",
        command=command,
    )
    console = Console()
    print_table(console, table)
    if out is not None:
        write_closed_set(out, scores, classifier.labels.names, rows, table)
        show_line(console, f"Written: {out}")
