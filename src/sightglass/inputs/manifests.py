"""Manifests: files that list pictures by path or URL, read as a stream."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sightglass.errors import InputError, first_line, reason
from sightglass.inputs.absent_path import advice_on_absent
from sightglass.inputs.listed_paths import BLOCK, separated
from sightglass.inputs.manifest_parquet import parquet_cells
from sightglass.inputs.manifest_tables import csv_cells, jsonl_cells
from sightglass.inputs.remote import copied_here, is_url, local_path
from sightglass.inputs.signatures import looks_like, picture_kind
from sightglass.inputs.url_secrets import without_secrets

_HEAD = 4096
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_CONTROLS = bytes({*range(1, 32)} - {*b"\t\n\r"}) + b"\x7f"


def read_manifest(manifest: str, *, column: str | None = None) -> Iterator[str]:
    """The paths and URLs that a manifest lists, in its order; little of it is ever in memory.

    What it is, its first bytes and its name say: parquet; ``.csv`` and ``.tsv``, whose first line
    names the columns; ``.jsonl`` and ``.ndjson``, one object per line; any other text has one path
    per line, or several separated by NUL characters. All but parquet may be packed by gzip. Empty
    cells and blank lines are passed over. The tables of our own results (predictions.csv, .jsonl,
    .parquet) give back the paths that they were made from.

    Args:
        manifest: A path, or a URL; what is not on this machine is copied here first.
        column: Which column or key holds the paths; None for ``path``, ``url``, ``file``,
            ``filename`` or ``image``, in this order, or else the only one.

    Raises:
        InputError: If it does not exist, is damaged or no manifest, lists nothing, or has no such
            column.
        MissingExtraError: If it is parquet, or far away, and a package for that is not installed.
        ResultsError: If there is no room for the copy.
    """
    where = f"Manifest: '{without_secrets(manifest)}'"
    here = local_path(manifest) if is_url(manifest) else manifest
    if here is not None:
        yield from _some(_cells(Path(here), here, where, column), where)
        return
    with copied_here(manifest) as copy:
        yield from _some(_cells(copy, urlsplit(manifest).path, where, column), where)


def _some(cells: Iterable[str], where: str) -> Iterator[str]:
    empty = True
    for cell in cells:
        if cell:
            empty = False
            yield cell
    if empty:
        raise InputError(f"{where} lists no picture. Write one path or URL per line, or per row.")


def _cells(path: Path, name: str, where: str, column: str | None) -> Iterator[str]:
    with _opened(path, where) as file:
        name, start = name.lower(), file.peek(4)
        if start.startswith(_PARQUET):
            yield from parquet_cells(path, column=column, where=where)
            return
        if start.startswith(_GZIP):
            with gzip.open(file) as unpacked:
                stream = io.BufferedReader(unpacked)
                yield from _text_cells(stream, name.removesuffix(".gz"), where, column)
        else:
            yield from _text_cells(file, name, where, column)


def _text_cells(
    stream: io.BufferedReader[Any], name: str, where: str, column: str | None
) -> Iterator[str]:
    head = stream.peek(_HEAD)[:_HEAD]
    if head.startswith(_UTF_16):
        raise InputError(f"{where} must be UTF-8 text, got UTF-16. Save it as UTF-8.")
    if _is_binary(head):
        what = picture_kind(head)
        raise InputError(
            f"{where} must be text or parquet that lists pictures, got "
            f"{f'a picture ({what})' if what else looks_like(head)}. Name pictures without "
            f"--manifest."
        )
    table: Callable[..., Iterator[str]] | None = None
    if name.endswith((".csv", ".tsv")):
        table = partial(csv_cells, tabs=name.endswith(".tsv"))
    elif name.endswith((".jsonl", ".ndjson")):
        table = jsonl_cells
    if table is not None:
        # Names that are not UTF-8 are names all the same.
        text = io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")
        try:
            yield from table(text, column=column, where=where)
        finally:
            text.detach()  # the stream is closed by whoever opened it
        return
    if column is not None:
        raise InputError(
            f"{where} must have columns where one is named ('{column}'), got plain lines. Call it "
            f".csv or .jsonl if it is that."
        )
    yield from map(os.fsdecode, separated(iter(partial(stream.read1, BLOCK), b""), where=where))


@contextmanager
def _opened(path: Path, where: str) -> Iterator[io.BufferedReader[Any]]:
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise InputError(f"{where} does not exist. {advice_on_absent(path)}") from error
    except IsADirectoryError as error:
        raise InputError(
            f"{where} must be a file, got a folder. Name folders without --manifest."
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(f"{where} cannot be opened ({reason(error)}). Check the path.") from error
    with file:
        try:
            yield file
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InputError(
                f"{where} must be whole, but its gzip data are damaged ({first_line(error)}). "
                f"Fetch it again."
            ) from error
        except OSError as error:
            raise InputError(f"{where} cannot be read ({reason(error)}). Try again.") from error


def _is_binary(head: bytes) -> bool:
    """Whether this is no list, however odd its names: control characters, or another format."""
    if b"\0" not in head and _is_utf8(head):
        return False
    if picture_kind(head) or looks_like(head) not in ("text", "unknown data"):
        return True
    return len(head) - len(head.translate(None, _CONTROLS)) > len(head) / 50


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3  # a character that is cut where the head ends
    return True
