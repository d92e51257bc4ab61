"""The command line: parse, call one library function, print. No numerics, no file formats.

Nothing heavy is imported before a command runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import io
import sys
import traceback
import warnings
from contextlib import suppress
from typing import Annotated, Any

import typer

from sightglass import __version__
from sightglass.cli.classify import classify
from sightglass.cli.convert import convert
from sightglass.cli.describe import describe
from sightglass.cli.distill import distill
from sightglass.cli.doctor import doctor
from sightglass.cli.embeddings import embeddings
from sightglass.cli.evaluate import evaluate
from sightglass.cli.export import export
from sightglass.cli.harvest import harvest
from sightglass.cli.imagine import imagine
from sightglass.cli.models import models
from sightglass.cli.printable import printable
from sightglass.cli.standard_streams import (
    failure_of_output,
    forget_what_waits,
    is_closed_pipe,
    make_usable,
)
from sightglass.errors import InputError, ShapeError, SightglassError, UnknownNameError

OK, FAILED, WRONG_USAGE = 0, 1, 2
_UsageError: Any = typer.BadParameter.__base__  # of the click that typer brings

app = typer.Typer(
    name="sightglass",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)
app.command()(classify)
app.command()(convert)
app.command()(embeddings)
app.command()(describe)
app.command()(imagine)
app.command()(harvest)
app.command()(evaluate)
app.add_typer(distill, name="distill")
app.command()(export)
app.command()(models)
app.command()(doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(printable(f"sightglass {__version__}"))
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where in the code an error arose.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Classify images by name alone.

    Pictures and class names in; a class, an honest confidence, "none of these", and the evidence
    out.
    """


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 done, 1 the work failed, 2 wrong usage.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    make_usable()
    with warnings.catch_warnings():
        warnings.showwarning = _show_plainly
        code, failure = _to_the_last_line(arguments)
    if failure is not None:
        code = FAILED
        if not is_closed_pipe(failure):
            _say(
                f"Error: standard output: cannot be written ({failure.strerror or failure}). Send "
                f"it elsewhere, or free some space: what was written to files is kept."
            )
    forget_what_waits()
    return code


def _say(text: object) -> None:
    # A log on a full disk is no reason to end a run, and there is nowhere else to say so.
    with suppress(OSError):
        typer.echo(printable(text), err=True)


def _show_plainly(message: Warning | str, *_: object, **__: object) -> None:
    """A warning is for the person: its sentence, not where in the code it arose."""
    _say(f"Note: {message}")


def _to_the_last_line(arguments: list[str]) -> tuple[int, OSError | None]:
    """The exit code, and why standard output did not take all that was printed, if so."""
    try:
        code = _run(arguments)
    except OSError:
        failure = failure_of_output(attempt="\n")
        if failure is None:
            raise  # it is of something else
        return FAILED, failure
    return code, failure_of_output()


def _run(arguments: list[str]) -> int:
    try:
        code = app(arguments, prog_name="sightglass", obj=arguments, standalone_mode=False)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else OK
    except typer.Abort:
        return FAILED
    except _UsageError as error:
        _show_usage(error)
        return WRONG_USAGE
    except SightglassError as error:
        if "--debug" in arguments:
            traceback.print_exc()
        _say(f"Error: {error}")
        usage = isinstance(error, InputError | ShapeError | UnknownNameError)
        return WRONG_USAGE if usage else FAILED
    return code if isinstance(code, int) else OK


def _show_usage(error: Any) -> None:
    """What was wrong with the options: a file whose name begins with ``-`` may be among them."""
    said = io.StringIO()
    error.show(said)
    for line in said.getvalue().splitlines():
        _say(line)
