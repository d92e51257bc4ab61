"""The folder of results: both tables, the report and run.json, put in place when all are whole."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from sightglass.errors import InputError, ResultsError
from sightglass.inputs.remote import is_url
from sightglass.inputs.spooled_texts import SpooledTexts
from sightglass.reports.html import render_report
from sightglass.reports.manifest import dump_run
from sightglass.reports.parquet_table import ParquetTable
from sightglass.reports.prediction import Row
from sightglass.reports.tables import PredictionTable, read_rows
from sightglass.reports.work import Work
from sightglass.whole_files import replacing, require_writable, written_to

CSV, JSONL, REPORT, RUN = "predictions.csv", "predictions.jsonl", "report.html", "run.json"
OWN_FILES = (CSV, JSONL, REPORT, RUN)
PARQUET = "predictions.parquet"  # where it is asked for
# Unfinished work of runs on many machines; each has a folder of its own in it.
SHARDS = "shards"
SHARD_RUN = re.compile("[0-9a-f]{16}")


def prepare_folder(folder: Path) -> None:
    """Make ``folder`` and see that it can be written, before hours of work.

    Raises:
        InputError: If it cannot, or a folder is where one of the files goes.
    """
    require_writable(
        folder,
        needed=f"{folder}: a folder that can be written is needed for the results",
        advice="Choose another with --out.",
    )
    for name in (*OWN_FILES, PARQUET):
        if (folder / name).is_dir():
            raise InputError(
                f"{folder / name}: results are written to a file of this name, this is a folder. "
                f"Move it away, or choose another folder with --out."
            )


def without_own_files(
    paths: Sequence[str],
    folder: Path,
    store: Path | None,
    *,
    names: Sequence[str] = (*OWN_FILES, PARQUET),
) -> Sequence[str]:
    """``paths`` less the results in ``folder`` and the store: what we write are not pictures.

    Unfinished work in ``folder``, and what was set aside of the store, is ours as well.

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
    shards = re.escape(os.path.realpath(folder / SHARDS) + os.sep) + SHARD_RUN.pattern
    kept = [shards + re.escape(os.sep)]
    if store is not None:
        kept.append(re.escape(os.path.realpath(store)) + r"\.damaged-")
    remains = re.compile("|".join(kept))

    def written_by_us(path: str) -> bool:
        place = None if is_url(path) else _real(path)
        return place is not None and (place in real or remains.match(place) is not None)

    ours = {path for path in paths if written_by_us(path)}
    left = SpooledTexts(path for path in paths if path not in ours) if ours else paths
    if not left:
        raise InputError(
            f"Pictures: some are needed, found only earlier results in {folder}. Name a folder "
            f"that holds pictures."
        )
    return left


def require_store_apart(store: Path, results: Iterable[Path]) -> None:
    """See that the store is none of the files that results are written to.

    Raises:
        InputError: If it is, by its name or by where a link leads.
    """
    places = {Path(os.path.realpath(store)), Path(os.path.realpath(store.parent), store.name)}
    for path in results:
        folder = Path(os.path.realpath(path.parent))
        for name in (path.name, path.name + ".part"):
            if folder / name in places:
                raise InputError(
                    f"Store {store}: a file of its own is needed, this one is for results "
                    f"({path}). Choose another file with --store."
                )


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

    What lies in the folder is of one run, whatever happens: an earlier run's files stay until all
    new ones are whole, are removed then, run.json first, and the new ones take their places,
    run.json last. Tables without run.json are those of a run that was killed in that moment.

    Args:
        folder: See ``prepare_folder``.
        rows: Taken one by one.
        run: Called after the last one for what run.json says.
        thumbnails: JPEG bytes by sha256.
        work: The seconds that the report takes are added to it.
        parquet: Whether to write predictions.parquet too. An earlier run's is removed either way.

    Raises:
        ResultsError: If a file cannot be written, or an earlier one not removed.
    """
    with ExitStack() as files:
        # What is begun last takes its place first: run.json comes when all others are there.
        names = (RUN, REPORT, CSV, JSONL, *((PARQUET,) if parquet else ()))
        streams = {name: files.enter_context(replacing(folder / name)) for name in names}
        tables: dict[str, PredictionTable | ParquetTable] = {
            CSV: PredictionTable(streams[CSV], form="csv"),
            JSONL: PredictionTable(streams[JSONL], form="jsonl"),
        }
        with ExitStack() as columns:
            if parquet:
                columns.enter_context(written_to(folder / PARQUET))
                tables[PARQUET] = columns.enter_context(ParquetTable(streams[PARQUET]))
            for row in rows:
                for name, table in tables.items():
                    with written_to(folder / name):
                        table.write(row)
        with written_to(folder / JSONL):
            streams[JSONL].flush()
        with work.timed("report"), written_to(folder / REPORT):
            rows_again = partial(read_rows, Path(streams[JSONL].name))
            render_report(rows_again, run(), thumbnails, streams[REPORT])
        with written_to(folder / RUN):
            dump_run(run(), streams[RUN])
        for name, stream in streams.items():
            with written_to(folder / name):
                stream.flush()  # a full disk is met here, with the earlier results still whole
        for name in (RUN, REPORT, PARQUET, CSV, JSONL):
            _remove(folder / name)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ResultsError(
            f"{path}: it is of an earlier run and cannot be removed ({error.strerror}). Remove it "
            f"and run again: nothing computed is lost."
        ) from error
