"""``sightglass convert``: results in the forms that other tools read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sightglass.reports.exports.convert import Converted, Shown
    from sightglass.reports.exports.image_folder_tree import How

Results = Annotated[
    Path, typer.Argument(metavar="RESULTS", help="Folder that classify --out wrote.")
]
To = Annotated[
    str, typer.Option("--to", help="For which tool: imagefolder, label-studio, fiftyone or coco.")
]
Out = Annotated[
    Path, typer.Option(help="Folder for the export: a new one, or an earlier export to replace.")
]
MinConfidence = Annotated[
    float, typer.Option(help="Leave out pictures whose label is less probable than this.")
]
Unknown = Annotated[
    str, typer.Option(help='Pictures called "unknown": keep, as a class of that name, or drop.')
]
Duplicates = Annotated[
    str, typer.Option(help="Files with the bytes of an earlier one: keep or drop.")
]
Copy = Annotated[
    bool | None,
    typer.Option(
        "--copy/--link",
        help="imagefolder: copy pictures, or link to them (where neither is said): hard links, "
        "else symbolic links, else copies.",
    ),
]
Base = Annotated[
    Path | None,
    typer.Option(
        help="Folder that relative paths in the results are relative to, if the pictures were "
        "moved since. Else it is the one in which classify ran."
    ),
]
Root = Annotated[
    Path | None,
    typer.Option(
        help="label-studio, coco: the folder that paths are written relative to; for label-studio "
        "the one that it serves as local files."
    ),
]
Prefix = Annotated[
    str | None,
    typer.Option(
        help="label-studio: URL that serves the folder of --root, in place of local files."
    ),
]


def convert(
    results: Results,
    to: To,
    out: Out,
    min_confidence: MinConfidence = 0.0,
    unknown: Unknown = "keep",
    duplicates: Duplicates = "keep",
    copy: Copy = None,
    base: Base = None,
    root: Root = None,
    prefix: Prefix = None,
) -> None:
    """Export results for another tool.

    Takes what classify wrote and makes a folder that torchvision and Hugging Face datasets, Label
    Studio, FiftyOne or COCO's tools read. Files that could not be classified are left out and
    counted. The folder is put in place whole; a run that was stopped goes on where it was. Exit
    code 0: done. 1: it cannot be written, or you stopped. 2: wrong usage.
    """
    from sightglass.cli.progress import progress_of
    from sightglass.reports.exports.chosen_rows import Choice
    from sightglass.reports.exports.convert import Layout
    from sightglass.reports.exports.convert import convert as write_export
    from sightglass.reports.exports.finished_run import read_run
    from sightglass.reports.work import Work

    how: How | None = None if copy is None else "copy" if copy else "link"
    layout = Layout(to=to, how=how, root=root, prefix=prefix)
    choice = Choice(min_confidence=min_confidence, unknown=unknown, duplicates=duplicates)
    run = read_run(results, base=base)
    try:
        with progress_of(run.files, Work()) as shown:
            # The other targets go through the rows several times, and take no time.
            following: Shown = shown if to == "imagefolder" else iter
            made = write_export(run, out, layout, choice, shown=following)
    except KeyboardInterrupt:
        typer.echo(
            "Stopped. Nothing done is lost: run the same command to go on from there.", err=True
        )
        raise typer.Exit(1) from None
    _show(made, out)


def _show(made: Converted, out: Path) -> None:
    """What was made, and what was not."""
    from sightglass.cli.printable import printable

    files = made.record.get("files", {})
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(files.items()))
    lines = [f"{made.pictures:,} pictures{f' ({kinds})' if kinds else ''}: {out}"]
    if made.left_out:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in made.left_out.items())
        lines.append(f"Left out: {reasons}.")
    passed_over = made.record.get("passed_over", {})
    if passed_over:
        suffixes = ", ".join(f"{count:,} {suffix}" for suffix, count in passed_over.items())
        lines.append(f"Note: torchvision's ImageFolder passes over some formats here: {suffixes}.")
    renamed = [name for name, folder in made.record.get("folders", {}).items() if name != folder]
    if renamed:
        lines.append(
            f"Note: {len(renamed):,} class names are no folder names as they stand; the first, "
            f"'{renamed[0]}', became '{made.record['folders'][renamed[0]]}'."
        )
    for line in lines:
        typer.echo(printable(line))
