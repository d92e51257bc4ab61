"""``sightglass export``: a student as files that need no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sightglass.distillation.export.parity import Parity
    from sightglass.distillation.export.weights import ExportPrecision

Student = Annotated[
    str,
    typer.Argument(
        help="Folder that distill encoder wrote, or a hub model: hf:ORG/NAME or hf:FOLDER."
    ),
]
Out = Annotated[
    Path, typer.Option(help="Folder for the files: a new one, or an earlier export to replace.")
]
PrecisionName = Annotated[
    str | None,
    typer.Option(
        "--precision",
        help="Bits of the stored weights: fp32 (where left out), fp16 or int8. Sums are always "
        "taken in fp32.",
    ),
]
TextPrecision = Annotated[
    str | None,
    typer.Option(help="The same for the text side alone; as --precision."),
]
Pictures = Annotated[
    list[str] | None,
    typer.Option(
        help="Folder, file or pattern with pictures to compare on, several times if need be. "
        "Without it pictures are made."
    ),
]
Name = Annotated[str | None, typer.Option(help="Name on the card; the folder's name.")]
Licence = Annotated[str | None, typer.Option(help="Licence of the weights, for the card.")]
Source = Annotated[
    str | None, typer.Option("--source", help="Where the weights come from, for the card.")
]
Notes = Annotated[str, typer.Option(help="What a person should know of the model, for the card.")]
MinCosine = Annotated[
    float | None,
    typer.Option(
        min=-1.0,
        max=1.0,
        help="Least cosine of any row with the student's: 0.99999 for fp32, 0.999 for fp16, 0.97 "
        "for int8.",
    ),
]
MinTop1 = Annotated[
    float | None,
    typer.Option(
        "--min-top-1",
        min=0.0,
        max=1.0,
        help="Least share of pictures that keep their nearest name: 1 for fp32, 0.98 for fp16, "
        "0.95 for int8.",
    ),
]
VerifyOnly = Annotated[
    bool,
    typer.Option("--verify-only", help="Compare the export in --out again and write nothing."),
]


def export(
    student: Student,
    out: Out = Path("sightglass-model"),
    precision: PrecisionName = None,
    text_precision: TextPrecision = None,
    pictures: Pictures = None,
    name: Name = None,
    licence: Licence = None,
    source: Source = None,
    notes: Notes = "",
    min_cosine: MinCosine = None,
    min_top_1: MinTop1 = None,
    verify_only: VerifyOnly = False,
) -> None:
    """Write a student as ONNX files that need no torch.

    What is written is compared with the student first, on pictures and texts. Where the rows
    differ by more than the precision allows, nothing is left. Use what it writes with: classify
    --model onnx:OUT. Exit code 0: done. 1: it cannot be written, or gives other rows. 2: wrong
    usage.
    """
    from dataclasses import replace

    from sightglass.cli.printable import printable
    from sightglass.distillation.export.export import Label, recorded_precisions, verify
    from sightglass.distillation.export.export import export as write_export
    from sightglass.distillation.export.parity_limits import Precisions
    from sightglass.distillation.export.subject import UNSTATED

    before = recorded_precisions(out) if verify_only else Precisions()
    chosen = replace(
        before,
        image=_known(precision) or before.image,
        text=_known(text_precision) or _known(precision) or before.text,
        min_cosine=before.min_cosine if min_cosine is None else min_cosine,
        min_top_1=before.min_top_1 if min_top_1 is None else min_top_1,
    )
    tried = tuple(pictures or ())
    if verify_only:
        parity = verify(student, out, precisions=chosen, pictures=tried)
        _show(parity)
        if parity.failures:
            typer.echo(
                printable(
                    f"Error: {out}: an export must give the student's rows, this one does not: "
                    f"{'; '.join(parity.failures)}. Export it again."
                ),
                err=True,
            )
            raise typer.Exit(1)
        return
    label = Label(name=name, licence=licence, source=source, notes=notes)
    made = write_export(student, out, precisions=chosen, pictures=tried, label=label)
    _show(made.parity)
    typer.echo(
        printable(", ".join(f"{file} {size / 1e6:,.2f} MB" for file, size in made.sizes.items()))
    )
    if made.licence == UNSTATED:
        typer.echo("Note: the card says nothing of the licence; --licence puts one there.")
    typer.echo(printable(f"Use it with --model onnx:{out}"))


def _known(named: str | None) -> ExportPrecision | None:
    """The precision that a person named, if any."""
    from typing import get_args

    from sightglass.distillation.export.weights import ExportPrecision
    from sightglass.errors import unknown_name

    known: tuple[ExportPrecision, ...] = get_args(ExportPrecision)
    if named is not None and named not in known:
        raise unknown_name("precision", named, known)
    return next((precision for precision in known if precision == named), None)


def _show(parity: Parity) -> None:
    """The numbers of a comparison, a line per kind of row."""
    from sightglass.cli.printable import printable

    count = parity.kinds[0].rows
    of = "of yours" if parity.real_pictures else "made here; --pictures takes real ones"
    typer.echo(printable(f"Compared with the student in torch on {count:,} pictures ({of})."))
    if parity.left_out:
        typer.echo(f"{parity.left_out:,} files could not be read as pictures.")
    typer.echo("            rows  mean cosine  least cosine  largest difference")
    for kind in parity.kinds:
        cosines = f"{kind.mean_cosine:>11.7f}  {kind.min_cosine:>12.7f}"
        difference = f"{kind.max_difference:>18.1e}"
        typer.echo(printable(f"{kind.kind:<9} {kind.rows:>6,}  {cosines}  {difference}"))
    if parity.top_1 is not None:
        typer.echo(
            f"Nearest of {parity.names:,} names: the same for {parity.top_1:.1%} of the pictures, "
            f"{parity.ties:,} ties counted in."
        )
    typer.echo(f"A row alone and in a batch differ by at most {parity.neighbours:.1e}.")
