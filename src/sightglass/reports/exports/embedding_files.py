"""Embeddings in the form that the file's name asks for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sightglass.errors import InputError
from sightglass.inputs.remote import local_path
from sightglass.reports.exports.embedded_pictures import EmbeddedPicture, NamedRows
from sightglass.reports.exports.npy_rows import npy_files, npy_files_of_ours, write_npy
from sightglass.reports.exports.one_run import only_run_on
from sightglass.reports.exports.parquet_rows import (
    is_parquet_of_ours,
    parquet_files,
    require_parquet,
    write_parquet,
)
from sightglass.whole_files import require_writable


def prepare_embedding_files(out: Path, *, manifests: Iterable[str] = ()) -> tuple[Path, ...]:
    """See that ``out`` can be written, before hours of work.

    Args:
        out: Its name ends in ``.npy`` or ``.parquet``.
        manifests: Files that list the pictures; none of them may be among those to write.

    Returns:
        All files that will be.

    Raises:
        InputError: If the name's ending is of no form that we write, or its folder cannot be
            written, or a file that somebody else wrote would be lost.
        MissingExtraError: If the form needs a package that is not installed.
    """
    if out.suffix not in {".npy", ".parquet"} or out.is_dir():
        raise InputError(
            f"{out}: embeddings are written to a file whose name ends in .parquet or .npy. Name "
            f"one with --out."
        )
    if out.suffix == ".parquet":
        require_parquet()
    files = _replaceable(out)
    read = {os.path.realpath(local_path(manifest) or manifest) for manifest in manifests}
    for path in files:
        if os.path.realpath(path) in read:
            raise InputError(
                f"{path}: a manifest cannot be written over, and this file is both. Choose another "
                f"name with --out."
            )
    require_writable(
        out.parent,
        needed=f"{out}: a file that can be written is needed",
        advice="Choose another with --out.",
    )
    return files


def write_embeddings(
    out: Path,
    pictures: Iterable[EmbeddedPicture],
    *,
    dim: int,
    card: dict[str, Any],
    classes: NamedRows | None = None,
) -> None:
    """Write ``pictures`` as they come, and the rows of ``classes`` beside them.

    Args:
        out: See ``prepare_embedding_files``; nothing is there until all is written.
        pictures: Taken one by one.
        dim: Width of a row.
        card: From ``about``.
        classes: Made by the same encoder.

    Raises:
        InputError: If a file that somebody else wrote would be lost.
        ResultsError: If another run is writing ``out``, or something cannot be written.
    """
    write = write_npy if out.suffix == ".npy" else write_parquet
    with only_run_on(out):
        _replaceable(out)
        write(out, pictures, dim=dim, card=card, classes=classes)


def _replaceable(out: Path) -> tuple[Path, ...]:
    """The files of ``out``: none is there that we did not write."""
    files: tuple[Path, ...]
    if out.suffix == ".npy":
        files = npy_files(out)
        ours = npy_files_of_ours(out)
    else:
        files = parquet_files(out)
        ours = frozenset(filter(is_parquet_of_ours, files))
    for path in files:
        if os.path.lexists(path) and path not in ours:
            raise InputError(
                f"{path}: a new file or one that embeddings wrote is needed, this is another, "
                f"which would be lost. Move it away, or choose another name with --out."
            )
    return files
