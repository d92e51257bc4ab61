"""What a finished ``classify`` left in its folder, read one row at a time."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightglass.decisions.decide import UNKNOWN
from sightglass.errors import InputError
from sightglass.inputs.outcome import CLASSIFIED, STATUSES
from sightglass.inputs.remote import is_url, local_path
from sightglass.reports.folder import JSONL, RUN
from sightglass.reports.manifest import WORKING_FOLDER
from sightglass.reports.prediction import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """One run's results.

    Attributes:
        folder: Holds them.
        base: What relative paths in them are relative to.
        base_named: Whether a person said so; else the results do, or nobody.
        classes: Display names, in the order of the run.
        model: Name of the encoder.
        fingerprint: Of the encoder.
        created: When the run ended, ISO 8601.
        version: Of the Sightglass that ran.
        files: How many rows there are.
    """

    folder: Path
    base: Path
    base_named: bool
    classes: tuple[str, ...]
    model: str
    fingerprint: str
    created: str
    version: str
    files: int

    def rows(self) -> Iterator[Row]:
        """The lines of predictions.jsonl, in order.

        Raises:
            InputError: If a line is none of ours, or has a label that is no class of the run, or
                the file cannot be read.
        """
        path = self.folder / JSONL
        classes = frozenset(self.classes)
        labels = classes | {UNKNOWN}
        try:
            with path.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    row = _parsed(line, classes)
                    if row is None or (row["outcome"] in CLASSIFIED) != (row["label"] in labels):
                        raise InputError(
                            f"{path}: line {number:,} must be a row of the run that {RUN} beside "
                            f"it describes, and is none. Run classify again."
                        )
                    yield row
        except OSError as error:
            raise _unreadable(path, error) from error

    def place_of(self, row: Row) -> str:
        """The row's picture as an absolute path; a URL as it is."""
        source: str = row["path"]
        if is_url(source):
            return local_path(source) or source
        return os.path.abspath(os.path.join(self.base, source))  # noqa: PTH118 - a Path is slow

    def is_relative(self, row: Row) -> bool:
        """Whether the row's picture is found from ``base`` alone."""
        return not is_url(row["path"]) and not os.path.isabs(row["path"])  # noqa: PTH117

    @property
    def digest(self) -> str:
        """Hex digest of both files: equal for equal results only.

        Raises:
            InputError: If one of them cannot be read.
        """
        whole = hashlib.sha256()
        for path in (self.folder / RUN, self.folder / JSONL):
            try:
                with path.open("rb") as stream:
                    whole.update(hashlib.file_digest(stream, "sha256").digest())
            except OSError as error:
                raise _unreadable(path, error) from error
        return whole.hexdigest()


def read_run(folder: Path, *, base: Path | None = None) -> FinishedRun:
    """The run whose results lie in ``folder``.

    Args:
        folder: As ``classify --out`` named it.
        base: What relative paths in the results are relative to; None is the folder in which
            classify ran, or the current one where the results are too old to say.

    Raises:
        InputError: If a run's files are not there or are damaged.
    """
    missing = [name for name in (RUN, JSONL) if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"Results '{folder}': the folder of a finished classify is needed, {missing[0]} is not "
            f"there. Name the folder that classify --out wrote."
        )
    try:
        record = json.loads((folder / RUN).read_bytes())
        return FinishedRun(
            folder=folder,
            base=_recorded_folder(record) if base is None else base,
            base_named=base is not None,
            classes=tuple(_text(one["name"]) for one in record["classes"]),
            model=_text(record["model"]["name"]),
            fingerprint=_text(record["model"]["fingerprint"]),
            created=_text(record["created"]),
            version=_text(record["sightglass"]),
            files=sum(int(count) for count in record["counts"].values()),
        )
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise InputError(
            f"{folder / RUN}: the record of a classify run is needed, this is none. Run classify "
            f"again."
        ) from error
    except OSError as error:
        raise _unreadable(folder / RUN, error) from error


def _recorded_folder(record: Mapping[str, Any]) -> Path:
    folder = record.get(WORKING_FOLDER)
    return Path.cwd() if folder is None else Path(_text(folder))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _parsed(line: bytes, classes: Collection[str]) -> Row | None:
    """The row; None where the line lacks something that exports need."""
    try:
        row: Row = json.loads(line.decode("utf-8"))
        known = row["outcome"] in STATUSES and isinstance(row["path"], str)
        names = ("confidence", "unknown_score", "margin", "width", "height")
        numbered = all(row[name] is None or _is_number(row[name]) for name in names)
        ranked = all(
            one["label"] in classes and _is_number(one["probability"]) for one in row["top"]
        )
        answered = isinstance(row["label"], str) and isinstance(row["sha256"], str) and row["top"]
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return None
    return row if known and numbered and ranked and (answered or row["label"] is None) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: must be readable ({error.strerror}). Change its permissions.")
