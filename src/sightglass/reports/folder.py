"""The folder of results: both tables, the report and run.json, each put in place whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sightglass.errors import InputError
from sightglass.inputs.remote import is_url
from sightglass.inputs.spooled_texts import SpooledTexts
from sightglass.reports.html import write_report
from sightglass.reports.manifest import write_run
from sightglass.reports.parquet_table import ParquetTable
from sightglass.reports.prediction import Row
from sightglass.reports.tables import PredictionTable, read_rows
from sightglass.reports.work import Work
from sightglass.whole_files import replacing

CSV, JSONL, REPORT, RUN = "predictions.csv", "predictions.jsonl", "report.html", "run.json"
OWN_FILES = (CSV, JSONL, REPORT, RUN)
PARQUET = "predictions.parquet"  # where it is asked for


def prepare_folder(folder: Path) -> None:
    """Make ``folder`` and see that it can be written, before hours of work.

    Raises:
        InputError: If it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f"{RUN}.part"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"{folder}: a folder that can be written is needed for the results ({error.strerror}). "
            f"Choose another with --out."
        ) from error


def without_own_files(
    paths: Sequence[str],
    folder: Path,
    store: Path | None,
    *,
    names: Sequence[str] = (*OWN_FILES, PARQUET),
) -> Sequence[str]:
    """``paths`` less the results in ``folder`` and the store: what we write are not pictures.

    Args:
        paths: What was found.
        folder: Where the results go.
        store: The store's file, if there is one.
        names: Of the results.

    Raises:
        InputError: If nothing is left.
    """
    own = [folder / (name + suffix) for name in names for suffix in ("", ".part")]
    if store is not None:
        own += [store.with_name(store.name + suffix) for suffix in ("", "-wal", "-shm", "-journal")]
    real = {os.path.realpath(path) for path in own}
    ours = {path for path in paths if not is_url(path) and _real(path) in real}
    left = SpooledTexts(path for path in paths if path not in ours) if ours else paths
    if not left:
        raise InputError(
            f"Pictures: some are needed, found only earlier results in {folder}. Name a folder "
            f"that holds pictures."
        )
    return left


def _real(path: str) -> str | None:
    """Where a path leads; None for what cannot be one, such as a name with a NUL character."""
    try:
        return os.path.realpath(path)
    except ValueError:
        return None


def write_results(
    folder: Path,
    rows: Iterable[Row],
    *,
    run: Callable[[], dict[str, Any]],
    thumbnails: Callable[[str], bytes | None],
    work: Work,
    parquet: bool = False,
) -> None:
    """Write all four files as rows come; memory does not grow with their number.

    Args:
        folder: See ``prepare_folder``.
        rows: Taken one by one.
        run: Called after the last one for what run.json says.
        thumbnails: JPEG bytes by sha256.
        work: The seconds that the report takes are added to it.
        parquet: Whether to write predictions.parquet too. An earlier run's is removed otherwise:
            what lies in the folder is of one run.

    Raises:
        ResultsError: If a file cannot be written.
    """
    with ExitStack() as files:
        tables: list[PredictionTable | ParquetTable] = [
            PredictionTable(files.enter_context(replacing(folder / CSV)), form="csv"),
            PredictionTable(files.enter_context(replacing(folder / JSONL)), form="jsonl"),
        ]
        if parquet:
            stream = files.enter_context(replacing(folder / PARQUET))
            tables.append(files.enter_context(ParquetTable(stream)))
        for row in rows:
            for table in tables:
                table.write(row)
    if not parquet:
        (folder / PARQUET).unlink(missing_ok=True)
    with work.timed("report"):
        write_report(
            folder / REPORT,
            rows=lambda: read_rows(folder / JSONL),
            run=run(),
            thumbnails=thumbnails,
        )
    write_run(folder / RUN, run())
