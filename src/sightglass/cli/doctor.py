"""``sightglass doctor``: is this installation giving the right vectors?"""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(
    model: Annotated[str, typer.Option(help="Encoder to check, as in classify.")] = "mini",
) -> None:
    """Check that this installation gives the right vectors.

    Recomputes the golden vectors that come with a model, and says what this machine can do. Exit
    code 1 where a vector is wrong.
    """
    import platform
    from importlib.metadata import PackageNotFoundError, version
    from importlib.util import find_spec

    from PIL import features

    from sightglass import __version__
    from sightglass.checks import usable_processors
    from sightglass.cli.printable import printable
    from sightglass.encoders.golden import check_golden
    from sightglass.encoders.graphics_card import has_cuda
    from sightglass.encoders.precision import choose_precision, processor_features
    from sightglass.encoders.registry import load_encoder
    from sightglass.store import default_store_path

    typer.echo(printable(f"sightglass {__version__}, Python {platform.python_version()}"))
    for library in ("numpy", "pillow", "onnxruntime", "tokenizers", "torch", "transformers"):
        try:
            typer.echo(printable(f"  {library} {version(library)}"))
        except PackageNotFoundError:
            typer.echo(printable(f"  {library} not installed"))
    instructions = ", ".join(sorted(processor_features())) or "none found"
    typer.echo(printable(f"processors: {usable_processors()}, with {instructions}"))
    place = "a graphics card" if has_cuda() else "the processor"
    typer.echo(printable(f"precision chosen for hf: encoders: {choose_precision()}, on {place}"))
    avif = "yes" if features.check("avif") else "no"
    heic = "yes" if find_spec("pillow_heif") else "no, pip install 'sightglass[heif]' adds it"
    typer.echo(printable(f"AVIF pictures: {avif}; HEIC pictures: {heic}"))
    typer.echo(printable(f"store: {default_store_path()}"))

    encoder = load_encoder(model)
    checks = check_golden(encoder)
    about = f"{encoder.card.name}: {encoder.card.precision}"
    typer.echo(printable(f"{about}, {len(checks)} golden vectors"))
    for check in checks:
        word = "ok" if check.passed else "WRONG"
        typer.echo(
            printable(
                f"  {word}: {check.what}: differs by {check.difference:.1e}, "
                f"allowed {check.tolerance:.0e}"
            )
        )
    if not checks:
        typer.echo("  This model's card has none; nothing could be compared.")
    if all(check.passed for check in checks):
        return
    typer.echo(
        "This installation does not give the right vectors: do not trust its answers. "
        "Reinstall onnxruntime and numpy, and run doctor again.",
        err=True,
    )
    raise typer.Exit(1)
