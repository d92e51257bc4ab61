"""``sightglass describe``: a class book."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightglass.cli.server_options import ApiKeyEnv, BaseUrl, DryRun

if TYPE_CHECKING:
    from sightglass.generation.outlook import Outlook
    from sightglass.generation.server_settings import ServerSettings
    from sightglass.inputs.class_book import ClassBook
    from sightglass.inputs.labels import LabelSet


def describe(
    classes: Annotated[
        str, typer.Option(help="Class names, a .txt file or a class book, as in classify.")
    ],
    out: Annotated[
        Path, typer.Option(help="The book: a .yaml, .yml or .json file. One there is set aside.")
    ] = Path("class_book.yaml"),
    llm_model: Annotated[
        str | None,
        typer.Option(help="Language model, as its server calls it; else SIGHTGLASS_LLM_MODEL."),
    ] = None,
    base_url: BaseUrl = None,
    api_key_env: ApiKeyEnv = None,
    budget: Annotated[
        int | None, typer.Option(min=0, help="Requests that may be sent, failed ones included.")
    ] = None,
    dry_run: DryRun = False,
    segment_size: Annotated[
        int,
        typer.Option(min=2, max=200, help="Longer lists are cut into parts of at most so many."),
    ] = 40,
    answers: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps the answers; by default one in your cache folder."),
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for an answer.")] = 300.0,
    offline: Annotated[
        bool, typer.Option("--offline", help="Use no language model, only embeddings.")
    ] = False,
    model: Annotated[str, typer.Option(help="Encoder for --offline, as in classify.")] = "mini",
    references: Annotated[
        Path | None,
        typer.Option(help="Folder with one folder of pictures per class, for --offline."),
    ] = None,
    store: Annotated[
        Path | None, typer.Option("--store", help="File that remembers embeddings.")
    ] = None,
) -> None:
    """Make a class book: what the classes look like and which are easily confused.

    A language model is asked; every answer is kept, so the same command goes on where it was cut
    off and pays for nothing twice. Without one the look-alikes come from embeddings. Exit code 0:
    done. 1: the server failed, the budget is reached, or you stopped. 2: wrong usage.
    """
    from sightglass.generation.language_model import named_model
    from sightglass.generation.server_settings import server_settings
    from sightglass.inputs.book_path import prepare_book_path
    from sightglass.inputs.labels import parse_classes

    labels = parse_classes(classes)
    if not dry_run:
        prepare_book_path(out)
    settings = None
    if not offline:
        name = named_model(llm_model, os.environ)
        settings = server_settings(
            base_url=base_url, api_key_env=api_key_env, environment=os.environ
        )
        _check_wishes(settings, named=llm_model, references=references)
    if settings is None:
        if not offline:
            _say(
                "Note: no language model is configured, so look-alikes come from embeddings. "
                "Configure one with --base-url, or with OPENAI_API_KEY; --offline says this is "
                "meant."
            )
        if dry_run:
            typer.echo("Without a language model there is nothing to ask: 0 requests.")
            return
        _write(out, _offline_book(labels, model=model, references=references, store=store))
        return
    if dry_run:
        _print_outlook(labels, name=name, answers=answers, segment_size=segment_size)
        return
    book, sent = _asked_book(
        labels,
        settings,
        name=name,
        answers=answers,
        budget=budget,
        timeout=timeout,
        segment_size=segment_size,
    )
    _write(out, book)
    _say(f"{_requests(sent)} sent.")


def _check_wishes(
    settings: ServerSettings | None, *, named: str | None, references: Path | None
) -> None:
    """Raise InputError where options contradict each other."""
    from sightglass.errors import InputError

    if settings is None and named is not None:
        raise InputError(
            f"describe: a server is needed to ask '{named}', none is configured. Name it with "
            f"--base-url, or set OPENAI_API_KEY."
        )
    if settings is not None and references is not None:
        raise InputError(
            "describe: --references is for books without a language model, but one is configured. "
            "Add --offline or leave --references out."
        )


def _asked_book(
    labels: LabelSet,
    settings: ServerSettings,
    *,
    name: str | None,
    answers: Path | None,
    budget: int | None,
    timeout: float,
    segment_size: int,
) -> tuple[ClassBook, int]:
    from sightglass.generation.budget import Budget
    from sightglass.generation.describe import describe_classes
    from sightglass.generation.language_model import open_conversation

    counted = Budget(budget)
    try:
        conversation = open_conversation(
            settings, model=name, answers=answers, budget=counted, timeout=timeout, said=_say
        )
        book = describe_classes(labels, conversation, segment_size=segment_size)
    except KeyboardInterrupt:
        _say(
            f"Stopped after {_requests(counted.spent)}. Nothing paid for is lost: run the same "
            f"command to go on from there."
        )
        raise typer.Exit(1) from None
    return book, counted.spent


def _offline_book(
    labels: LabelSet, *, model: str, references: Path | None, store: Path | None
) -> ClassBook:
    from sightglass.encoders.registry import load_dual_encoder
    from sightglass.generation.offline_book import describe_offline
    from sightglass.inputs.references import read_references
    from sightglass.store import DEFAULT_STORE, open_store

    shown = None if references is None else read_references(references, labels)
    return describe_offline(
        labels,
        encoder=load_dual_encoder(model),
        store=open_store(DEFAULT_STORE if store is None else store),
        references=shown,
    )


def _print_outlook(
    labels: LabelSet, *, name: str | None, answers: Path | None, segment_size: int
) -> None:
    from sightglass.cli.printable import printable
    from sightglass.errors import InputError
    from sightglass.generation.kept_answers import KeptAnswers
    from sightglass.generation.outlook import outlook

    if name is None:
        raise InputError(
            "describe: --dry-run needs the model's name, because it asks no server for it. Give "
            "--llm-model."
        )
    seen = outlook(labels, model=name, kept=KeptAnswers(answers), segment_size=segment_size)
    for number, question in enumerate(seen.certain, start=1):
        typer.echo(printable(f"Request {number}, {question.about}:"))
        for message in question.messages:
            typer.echo(_indented(f"[{message['role']}] {message['content']}"))
    typer.echo(_total(seen))


def _total(seen: Outlook) -> str:
    if not seen.certain:
        return "Every answer is kept: 0 requests."
    return (
        f"Certain now: {_requests(len(seen.certain))}. In all at least {seen.least:,} and, if "
        f"every answer is complete, at most {seen.most:,}; what is missing in an answer is asked "
        f"again up to twice. Nothing was sent."
    )


def _requests(count: int) -> str:
    return f"{count:,} request{'' if count == 1 else 's'}"


def _indented(text: str) -> str:
    from sightglass.cli.printable import printable

    return "\n".join(f"  {printable(line)}" for line in text.split("\n"))


def _write(out: Path, book: ClassBook) -> None:
    from sightglass.cli.printable import printable
    from sightglass.inputs.book_path import set_aside
    from sightglass.inputs.class_book import write_class_book

    for note in book.notes:
        _say(f"Note: {note}")
    before = set_aside(out, book)
    write_class_book(out, book)
    if before is not None:
        _say(f"Note: the book that was there is now {before}.")
    features = sum(bool(group.shared_features) for group in book.confusable)
    typer.echo(
        printable(
            f"{len(book.classes):,} classes, {len(book.confusable):,} pairs that look alike, "
            f"{features:,} of them with shared features."
        )
    )
    typer.echo(printable(f"Written: {out}"))


def _say(line: str) -> None:
    from sightglass.cli.printable import printable

    typer.echo(printable(line), err=True)
