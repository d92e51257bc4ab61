"""``sightglass imagine``: reference pictures from an image generator."""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightglass.cli.server_options import ApiKeyEnv, BaseUrl, DryRun

if TYPE_CHECKING:
    from sightglass.generation.budget import Budget
    from sightglass.generation.image_plan import ImagePlan
    from sightglass.generation.image_source import ImageSource
    from sightglass.generation.imagining import Imagined

MOST_CLASSES_SHOWN = 30


class Backend(StrEnum):
    """What makes the pictures."""

    openai = "openai"
    diffusers = "diffusers"


def imagine(
    book: Annotated[Path, typer.Argument(help="Class book: a .yaml, .yml or .json file.")],
    out: Annotated[Path, typer.Option(help="Folder for <class>/*.png and references.json.")] = Path(
        "references"
    ),
    per_class: Annotated[int, typer.Option(min=1, help="Pictures wanted of each class.")] = 2,
    backend: Annotated[
        Backend,
        typer.Option(help="An OpenAI-compatible server, or the diffusers library right here."),
    ] = Backend.openai,
    image_model: Annotated[
        str | None,
        typer.Option(help="Model, as the server calls it; for diffusers a folder or ORG/NAME."),
    ] = None,
    base_url: BaseUrl = None,
    api_key_env: ApiKeyEnv = None,
    seed: Annotated[int, typer.Option(help="Each picture's own follows from it.")] = 0,
    budget: Annotated[
        int | None,
        typer.Option(
            min=0, help="Requests that may be sent, failed ones included; or pictures made here."
        ),
    ] = None,
    dry_run: DryRun = False,
    size: Annotated[
        str, typer.Option(help="Such as 512x512; auto leaves it to the generator.")
    ] = "auto",
    steps: Annotated[
        int | None, typer.Option(min=1, help="Of the denoising, for diffusers.")
    ] = None,
    filter_model: Annotated[
        str, typer.Option(help="Encoder that judges the pictures, as in classify.")
    ] = "mini",
    attempts: Annotated[
        int, typer.Option(min=1, help="Pictures made for each wanted one at most.")
    ] = 3,
    licence: Annotated[
        str | None, typer.Option(help="Of the pictures, for references.json.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds to wait for a server's answer.")
    ] = 180.0,
) -> None:
    """Make reference pictures of a book's classes.

    Black, blank, damaged and repeated pictures and such that look like another class are rejected
    and made anew. Every picture is kept as it arrives, so the same command goes on where it was
    cut off. Exit code 0: done, classes with too few pictures are listed. 1: there is no picture at
    all, the generator failed, or you stopped. 2: wrong usage.
    """
    from sightglass.generation.budget import Budget
    from sightglass.generation.image_plan import ImagePlan
    from sightglass.generation.imagined_folder import ImaginedFolder
    from sightglass.inputs.class_book import read_class_book

    opened = read_class_book(book)
    pixels = _pixels(size)

    def plan() -> ImagePlan:
        return ImagePlan(
            opened,
            opened.labels(),
            ImaginedFolder(out),
            per_class=per_class,
            attempts=attempts,
            seed=seed,
        )

    if dry_run:
        _print_requests(plan(), seeded=backend is Backend.diffusers)
        return
    model = _named(image_model, backend)
    if backend is Backend.openai:
        source = _server(
            model,
            base_url=base_url,
            api_key_env=api_key_env,
            budget=Budget(budget, "requests"),
            size=pixels,
            licence=licence,
            timeout=timeout,
        )
    else:
        counted = Budget(budget, "pictures")
        source = _pipeline(model, budget=counted, size=pixels, steps=steps, licence=licence)
    done = _made(plan, source, out=out, filter_model=filter_model)
    _print_outcome(done, out)
    if not any(one.present for one in done.classes):
        raise typer.Exit(1)


def _pixels(size: str) -> tuple[int, int] | None:
    import re

    from sightglass.errors import InputError

    if size == "auto":
        return None
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", size)
    if found is None:
        raise InputError(
            f"imagine: --size must be auto or width and height in pixels, got '{size}'. Write, "
            f"for instance, 512x512."
        )
    return int(found[1]), int(found[2])


def _named(image_model: str | None, backend: Backend) -> str:
    from sightglass.errors import InputError

    if image_model:
        return image_model
    example = "as the server calls it" if backend is Backend.openai else "a folder or ORG/NAME"
    raise InputError(f"imagine: a model is needed, none was given. Add --image-model: {example}.")


def _server(
    model: str,
    *,
    base_url: str | None,
    api_key_env: str | None,
    budget: Budget,
    size: tuple[int, int] | None,
    licence: str | None,
    timeout: float,
) -> ImageSource:
    from sightglass.errors import InputError
    from sightglass.generation.openai_images import OpenAIImages
    from sightglass.generation.server_settings import server_settings

    settings = server_settings(base_url=base_url, api_key_env=api_key_env, environment=os.environ)
    if settings is None:
        raise InputError(
            f"imagine: a server is needed to ask '{model}', none is configured. Name it with "
            f"--base-url, set OPENAI_API_KEY, or add --backend diffusers."
        )
    return OpenAIImages(
        model=model, settings=settings, budget=budget, size=size, licence=licence, timeout=timeout
    )


def _pipeline(
    model: str,
    *,
    budget: Budget,
    size: tuple[int, int] | None,
    steps: int | None,
    licence: str | None,
) -> ImageSource:
    from sightglass.generation.diffusers_images import DiffusersImages

    return DiffusersImages(model=model, budget=budget, size=size, steps=steps, licence=licence)


def _made(
    plan: Callable[[], ImagePlan], source: ImageSource, *, out: Path, filter_model: str
) -> Imagined:
    from sightglass.encoders.registry import load_dual_encoder
    from sightglass.generation.image_gate import ImageGate
    from sightglass.generation.imagined_folder import make_folder
    from sightglass.generation.imagining import imagine as make
    from sightglass.whole_files import only_writer

    encoder = load_dual_encoder(filter_model)
    make_folder(out)
    try:
        with only_writer(out):
            # Not before: what another run has just written into the folder must be seen.
            planned = plan()
            gate = ImageGate(encoder, planned.labels, size=source.size)
            return make(planned, source, gate, said=_say)
    except KeyboardInterrupt:
        _say(
            f"Stopped. No picture that arrived is lost: run the same command to go on. The "
            f"pictures so far are in {out}."
        )
        raise typer.Exit(1) from None


def _print_requests(plan: ImagePlan, *, seeded: bool) -> None:
    from sightglass.cli.printable import printable

    wishes = [wish for wish in plan.wishes() if not plan.has_arrived(wish)]
    for number, wish in enumerate(wishes, start=1):
        asked = plan.request(wish, generator="", licence=None, seeded=seeded)
        about = f"seed {asked.seed}; " if seeded else ""
        typer.echo(printable(f"{number}. {wish.class_name}: {about}{asked.prompt}"))
    typer.echo(
        f"{len(wishes):,} pictures are wanted and not there. At most {plan.most_requests():,} "
        f"would be made, should the filter reject many; nothing was sent."
    )


def _print_outcome(done: Imagined, out: Path) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from sightglass.cli.printable import printable, show_line

    short = [one for one in done.classes if one.present < one.wanted]
    few = len(done.classes) <= MOST_CLASSES_SHOWN
    table = Table("class", "wanted", "there", "rejected now", box=None, header_style="bold")
    for one in done.classes if few else short[:MOST_CLASSES_SHOWN]:
        cells = (f"{one.wanted:,}", f"{one.present:,}", f"{one.rejected:,}")
        table.add_row(Text(printable(one.name)), *cells)
    console = Console()

    def say(text: str) -> None:
        show_line(console, text)

    if table.row_count:
        console.print(table)
    for one in short[:MOST_CLASSES_SHOWN]:
        say(f"{one.name}: {one.wanted - one.present} missing, {one.reason}")
    if len(short) > MOST_CLASSES_SHOWN:
        say(f"… and {len(short) - MOST_CLASSES_SHOWN:,} more classes with too few.")
    if done.stopped:
        say(done.stopped)
    there, wanted = (
        sum(getattr(one, key) for one in done.classes) for key in ("present", "wanted")
    )
    rejected = sum(one.rejected for one in done.classes)
    say(
        f"{there:,} of {wanted:,} pictures of {len(done.classes):,} classes; {rejected:,} rejected "
        f"now; {len(short):,} classes have too few. Written: {out / 'references.json'}"
    )


def _say(text: str) -> None:
    from sightglass.cli.printable import printable

    typer.echo(printable(text), err=True)
