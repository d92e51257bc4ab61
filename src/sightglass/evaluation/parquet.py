"""Parquet data sets as model hubs publish them: pictures and labels in columns.

One column holds the encoded picture, as ``struct{bytes, path}`` or as plain binary; one holds the
class index; the class names are in the schema metadata, in the JSON under the key ``huggingface``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightglass.checks import require_extra
from sightglass.errors import InputError, first_line, unknown_name
from sightglass.evaluation.labelled_pictures import LabelledPictures
from sightglass.inputs.parquet_layout import (
    LABEL_COLUMNS,
    PICTURE_COLUMNS,
    class_names,
    holds_bytes,
)

_ROWS_AT_ONCE = 64
_READ_BUFFER = 1 << 20
_SHARD = re.compile(r"(?P<split>.+?)-\d+-of-\d+(-[0-9a-f]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Where a file keeps what, equal for all shards of a data set."""

    pictures: str
    labels: str
    class_names: tuple[str, ...]


def find_shards(folder: Path, *, split: str | None) -> tuple[Path, ...]:
    """The parquet files of one split in ``folder`` or its ``data`` folder; empty if it has none.

    Raises:
        InputError: If ``split`` is None and the files' names show several splits.
        UnknownNameError: If there are splits, but not this one.
    """
    places = (folder, folder / "data")
    found = next((files for p in places if (files := sorted(p.glob("*.parquet")))), [])
    return choose_split(found, split=split, where=folder) if found else ()


def choose_split(
    files: Sequence[Path], *, split: str | None, where: str | Path
) -> tuple[Path, ...]:
    """Of the parquet files of a data set those of one split, in the order given.

    Raises:
        InputError: If ``split`` is None and the files' names show several splits.
        UnknownNameError: If there is no such split.
    """
    by_split = shards_by_split(files)
    if split is None and len(by_split) > 1:
        raise InputError(
            f"Data set: '{where}' holds several splits or data sets ({', '.join(by_split)}), and "
            "pictures that taught a model must not test it. Say which split, or give its file."
        )
    chosen = split if split is not None else next(iter(by_split))
    if chosen not in by_split:
        raise unknown_name(f"split of '{where}'", chosen, by_split)
    return by_split[chosen]


def shards_by_split(files: Sequence[Path]) -> dict[str, tuple[Path, ...]]:
    """The files of each split, by their names: ``test-00000-of-00002``, or the whole stem."""
    by_split: dict[str, tuple[Path, ...]] = {}
    for path in files:
        match = _SHARD.fullmatch(path.stem)
        split = match["split"] if match else path.stem
        by_split[split] = (*by_split.get(split, ()), path)
    return by_split


def read_parquet(paths: Sequence[Path]) -> LabelledPictures:
    """The labelled pictures of ``paths``, all of one data set, in their order.

    Labels are read at once, pictures in batches of ``_ROWS_AT_ONCE`` rows when iterated.

    Args:
        paths: At least one file.

    Raises:
        InputError: If a file is no parquet, has no pictures, labels or class names, names other
            classes than the first, or has a label that is absent or out of range.
        MissingExtraError: If pyarrow is not installed.
    """
    layouts = [_layout(path) for path in paths]
    for path, layout in zip(paths, layouts, strict=True):
        if layout.class_names != layouts[0].class_names:
            raise InputError(
                f"Data set: '{path}' names other classes than '{paths[0]}'. Give shards of one "
                "data set only."
            )
    labels = [_labels(path, layout) for path, layout in zip(paths, layouts, strict=True)]

    def read() -> Iterator[bytes]:
        for path, layout in zip(paths, layouts, strict=True):
            yield from _pictures(path, layout)

    return LabelledPictures(
        class_names=layouts[0].class_names, labels=np.concatenate(labels), read=read
    )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The file, read so that a row group is never in memory as a whole; damage as one sentence."""
    pyarrow = require_extra("pyarrow", extra="eval", purpose="Reading a parquet data set")
    parquet = require_extra("pyarrow.parquet", extra="eval", purpose="Reading a parquet data set")
    try:
        with parquet.ParquetFile(path, buffer_size=_READ_BUFFER, pre_buffer=False) as file:
            yield file
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(
            f"Data set: '{path}' must be a parquet file, but cannot be read as one "
            f"({first_line(error)}). Fetch it again."
        ) from error


def _layout(path: Path) -> _Layout:
    """The columns to read and the class names, from the file's schema alone."""
    with _opened(path) as file:
        schema = file.schema_arrow
    columns = ", ".join(schema.names)
    pictures = next((name for name in PICTURE_COLUMNS if name in schema.names), None)
    labels = next((name for name in LABEL_COLUMNS if name in schema.names), None)
    if pictures is None or not holds_bytes(schema.field(pictures).type):
        raise InputError(
            f"Data set: '{path}' needs a column 'image' with encoded pictures, got the columns "
            f"{columns}. Rename or convert the column."
        )
    if labels is None:
        raise InputError(
            f"Data set: '{path}' needs a column 'label' with class indices, got the columns "
            f"{columns}. Without labels there is nothing to compare with; use classify."
        )
    types = require_extra("pyarrow.types", extra="eval", purpose="Reading a parquet data set")
    if not types.is_integer(schema.field(labels).type):
        raise InputError(
            f"Data set: column '{labels}' of '{path}' must hold one integer per picture, got "
            f"{schema.field(labels).type}. Convert it to class indices."
        )
    return _Layout(pictures=pictures, labels=labels, class_names=_class_names(path, schema, labels))


def _class_names(path: Path, schema: Any, labels: str) -> tuple[str, ...]:
    """The names that the schema metadata gives to the label column's values."""
    names = class_names(schema.metadata, labels)
    if not names:
        raise InputError(
            f"Data set: '{path}' needs the class names of column '{labels}' in its metadata (key "
            "'huggingface'), got none. Save it again with a ClassLabel feature."
        )
    return names


def _labels(path: Path, layout: _Layout) -> np.ndarray:
    """All class indices of one file, checked."""
    with _opened(path) as file:
        column = file.read(columns=[layout.labels]).column(0)
    values: np.ndarray = column.cast("int64").fill_null(-1).to_numpy()
    wrong = (values < 0) | (values >= len(layout.class_names))
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(
            f"Data set: labels of '{path}' must be 0 to {len(layout.class_names) - 1}, got "
            f"{column[row].as_py()} in row {row + 1}. The labels of this split may be withheld; "
            "take another."
        )
    return values


def _pictures(path: Path, layout: _Layout) -> Iterator[bytes]:
    """The encoded pictures of one file, a batch of rows in memory at a time.

    A row without one gives no bytes, which are as little of a picture as damaged ones.
    """
    with _opened(path) as file:
        for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=[layout.pictures]):
            column = batch.column(0)
            encoded = column.field("bytes") if hasattr(column, "field") else column
            for value in encoded:
                yield value.as_py() or b""
