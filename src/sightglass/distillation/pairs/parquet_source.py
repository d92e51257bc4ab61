"""Parquet data sets as model hubs publish them: pictures, captions and labels in columns."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightglass.distillation.pairs.captions import clean_captions
from sightglass.distillation.pairs.class_labels import check_range, class_labels
from sightglass.distillation.pairs.file_ends import digest_of_ends
from sightglass.distillation.pairs.group_cache import GroupCache
from sightglass.distillation.pairs.packed_texts import PackedTexts
from sightglass.distillation.pairs.parquet_columns import (
    ParquetColumns,
    holds_texts,
    parquet_columns,
)
from sightglass.distillation.pairs.parquet_file import ParquetFile
from sightglass.distillation.pairs.row import Row
from sightglass.distillation.pairs.shard_files import shard_files
from sightglass.distillation.pairs.windowed_order import windowed_order
from sightglass.errors import InputError, PictureError

if TYPE_CHECKING:
    from jaxtyping import Int64

# Of row groups that are kept. A window of the order takes half of it, so that its last rows and
# the first of the next, which threads read at one time, do not push each other out.
_ROOM = 256 << 20
_SPLIT = re.compile(r"(train|training|val|valid|validation|dev|test)(?![a-z])", re.IGNORECASE)
_BETWEEN = "\n"  # of a row's captions: none contains a line's end


class ParquetSource:
    """Rows of one or several parquet files.

    Args:
        name: A file, a folder, or a pattern such as ``data/train-*.parquet``.
        image_column: By default the one with encoded pictures.
        caption_column: One or several, of texts or lists; by default ``caption`` or another usual
            name, or none.
        label_column: Class numbers or names; by default ``label`` or another usual name, or none.
        class_names: What class numbers mean; by default what the file's metadata say.
        room: Bytes of row groups that are kept in memory, above the one that is being read; the
            order of an epoch depends on it.

    Raises:
        InputError: If a file cannot be read or differs from the first in its columns or classes,
            the files are of several splits, or a label is out of range.
        MissingExtraError: If pyarrow is not installed.
    """

    def __init__(
        self,
        name: str,
        *,
        image_column: str | None = None,
        caption_column: str | Sequence[str] | None = None,
        label_column: str | None = None,
        class_names: Sequence[str] = (),
        room: int = _ROOM,
    ) -> None:
        self.name = name
        self.remarks: tuple[str, ...] = ()
        paths = shard_files(name, suffix=".parquet")
        _check_split(name, paths)
        self._files = [ParquetFile(path) for path in paths]
        layouts = [
            parquet_columns(
                file.schema,
                image=image_column,
                caption=caption_column,
                label=label_column,
                where=str(file.path),
            )
            for file in self._files
        ]
        _check_alike(paths, layouts)
        self._layout = layouts[0]
        self._columns = [self._layout.picture, *self._layout.captions]
        self._groups = [(file, number) for file in self._files for number in range(len(file.rows))]
        self._rows = [rows for file in self._files for rows in file.rows]
        self._costs = [cost for file in self._files for cost in file.costs(self._columns)]
        self._starts = np.cumsum([0, *self._rows])
        self._file_starts = np.cumsum([0, *(sum(file.rows) for file in self._files)])
        if not len(self):
            raise InputError(f"{name}: at least one row is needed, got none. Check the files.")
        self._window = max(1, room // 2)
        self._labels, self.classes = self._read_labels(tuple(class_names) or self._layout.classes)
        self.labelled = bool((self._labels >= 0).any())
        self.captioned = bool(self._layout.captions)
        self._cache: GroupCache[Any] = GroupCache(
            room, lambda group: group.nbytes if hasattr(group, "nbytes") else 0
        )

    @cached_property
    def digest(self) -> str:
        """Covers labels, numbers of rows, and size and ends of every file, its footer with them."""
        total = hashlib.sha256(repr((self._columns, self.classes, self._rows)).encode())
        total.update(self._labels.tobytes() + self._window.to_bytes(8, "big"))
        for file in self._files:
            total.update(digest_of_ends(file.path))
        return total.hexdigest()

    def __len__(self) -> int:
        """How many rows."""
        return int(self._starts[-1])

    def epoch_order(self, seed: int, epoch: int) -> Int64[np.ndarray, " rows"]:
        """Row groups shuffled, then rows within as many of them as half the room holds."""
        return windowed_order(self._rows, self._costs, budget=self._window, seed=seed, epoch=epoch)

    def where(self, index: int) -> str:
        """File and row, from 1."""
        file = int(np.searchsorted(self._file_starts, index, side="right")) - 1
        return f"{self._files[file].path} row {index - int(self._file_starts[file]) + 1:,}"

    def captions(self, index: int) -> tuple[str, ...]:
        """The captions of one row; the first call reads those of all rows."""
        said = self._all_captions[index] if self._layout.captions else ""
        return tuple(said.split(_BETWEEN)) if said else ()

    def read(self, index: int) -> Row:
        """One row.

        Raises:
            PictureError: If the row has no picture, or its row group is damaged.
            InputError: If the file has gone or changed since it was opened.
        """
        number = int(np.searchsorted(self._starts, index, side="right")) - 1
        group = self._cache.get(number, lambda: self._load(number))
        if isinstance(group, str):
            raise PictureError("corrupt", f"its row group of the file is damaged: {group}")
        row = index - int(self._starts[number])
        value = group.column(self._layout.picture)[row].as_py()
        data = value["bytes"] if isinstance(value, dict) else value
        if data is None:
            raise PictureError("unreadable", "the row has no encoded picture")
        return Row(
            index=index,
            image=data,
            captions=_said(group.column(name)[row].as_py() for name in self._layout.captions),
            label=int(self._labels[index]),
            where=self.where(index),
        )

    def _load(self, number: int) -> Any:
        """The row group; or, to be kept like it, why it is damaged."""
        file, group = self._groups[number]
        try:
            return file.group(group, self._columns)
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            return str(error)

    @cached_property
    def _all_captions(self) -> PackedTexts:
        return PackedTexts(
            _BETWEEN.join(_said(row))
            for file in self._files
            for row in zip(
                *(file.column(name).to_pylist() for name in self._layout.captions), strict=True
            )
        )

    def _read_labels(
        self, names: tuple[str, ...]
    ) -> tuple[Int64[np.ndarray, " rows"], tuple[str, ...]]:
        column = self._layout.label
        if column is None:
            return np.full(len(self), -1), ()
        if holds_texts(self._files[0].schema.field(column).type):
            values = [value for file in self._files for value in file.column(column).to_pylist()]
            return class_labels(values, names, where=self.name)
        found = [file.column(column).cast("int64").fill_null(-1) for file in self._files]
        labels = np.concatenate([values.to_numpy() for values in found])
        return labels, check_range(labels, names, where=self.name)


def _said(values: Any) -> tuple[str, ...]:
    """The captions of a row, of columns that hold one each or a list."""
    return clean_captions(
        one for value in values for one in (value if isinstance(value, list) else [value])
    )


def _check_split(name: str, paths: Sequence[Path]) -> None:
    """Refuse files of several splits: pictures that taught a model must not test it."""
    splits = {match[0].casefold() for path in paths if (match := _SPLIT.match(path.name))}
    if len(splits) > 1:
        first = sorted(splits)[0]
        raise InputError(
            f"{name}: files of one split are needed, got {', '.join(sorted(splits))}: pictures "
            f"that taught a model must not test it. Give a pattern, such as "
            f"'{paths[0].parent / (first + '*.parquet')}'."
        )


def _check_alike(paths: Sequence[Path], layouts: Sequence[ParquetColumns]) -> None:
    for path, layout in zip(paths, layouts, strict=True):
        if layout != layouts[0]:
            raise InputError(
                f"{path}: needs the same columns and classes as '{paths[0]}', has others. Give "
                f"files of one data set only, and each data set as a source of its own."
            )
