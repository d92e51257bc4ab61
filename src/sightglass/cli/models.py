"""``sightglass models``: what is available, with size and licence."""

from __future__ import annotations

import typer


def models() -> None:
    """List encoders with size and licence."""
    from sightglass.cli.printable import printable
    from sightglass.encoders.catalogue import known_models

    for model in known_models():
        size = f"{model.megabytes:,.0f} MB" if model.megabytes else "no weights"
        here = "on this machine" if model.present else "not on this machine"
        typer.echo(printable(model.name))
        typer.echo(printable(f"    {model.sides}; {size}; {model.licence}; {here}"))
        typer.echo(printable(f"    {model.what}"))
    typer.echo(
        "Any other: hf:ORG/NAME or hf:FOLDER (CLIP, SigLIP, SigLIP2, DINOv2; needs "
        "pip install 'sightglass[hub]'), onnx:FOLDER with an encoder.json, prompts:FILE with what "
        "'sightglass distill prompts' learned."
    )
