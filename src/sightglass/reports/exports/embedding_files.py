"""Embeddings in the form that the file's name asks for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sightglass.errors import InputError
from sightglass.reports.exports.embedded_pictures import EmbeddedPicture, NamedRows
from sightglass.reports.exports.npy_rows import npy_files, write_npy
from sightglass.reports.exports.parquet_rows import parquet_files, require_parquet, write_parquet


def prepare_embedding_files(out: Path) -> tuple[Path, ...]:
    """See that ``out`` can be written, before hours of work.

    Returns:
        All files that will be.

    Raises:
        InputError: If the name's ending is of no form that we write, or its folder cannot be
            written.
        MissingExtraError: If the form needs a package that is not installed.
    """
    if out.suffix not in {".npy", ".parquet"} or out.is_dir():
        raise InputError(
            f"{out}: embeddings are written to a file whose name ends in .parquet or .npy. Name "
            f"one with --out."
        )
    if out.suffix == ".parquet":
        require_parquet()
    probe = out.with_name(out.name + ".part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"{out}: a file that can be written is needed ({error.strerror}). Choose another with "
            f"--out."
        ) from error
    return npy_files(out) if out.suffix == ".npy" else parquet_files(out)


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
        ResultsError: If something cannot be written.
    """
    write = write_npy if out.suffix == ".npy" else write_parquet
    write(out, pictures, dim=dim, card=card, classes=classes)
