"""A table of captions, CSV or TSV, beside a folder of pictures."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightglass.distillation.pairs.captions import clean_captions
from sightglass.distillation.pairs.class_labels import class_labels
from sightglass.distillation.pairs.packed_texts import PackedTexts
from sightglass.distillation.pairs.row import Row
from sightglass.distillation.pairs.some_pictures import hashes_of_some
from sightglass.distillation.pairs.table_columns import (
    caption_columns,
    label_column,
    picture_column,
)
from sightglass.distillation.pairs.table_file import table_rows
from sightglass.distillation.picture_order import epoch_order
from sightglass.errors import InputError
from sightglass.inputs.file_bytes import read_bytes

if TYPE_CHECKING:
    from jaxtyping import Int64

_BETWEEN = "\n"  # of a row's captions: none contains a line's end


class TableSource:
    """One row per picture that the table names; rows of one picture are one, with all captions.

    Only the table is read here. A picture that is not there is an error when it is read.

    Args:
        name: The table's path; the suffix says how its columns are divided.
        images: The folder that paths are relative to; by default the table's own.
        image_column: By default ``image`` or another usual name.
        caption_column: One or several; by default ``caption``, ``caption_1`` … or another usual
            name, or none.
        label_column: Class numbers or names; by default ``label`` or another usual name, or none.
        class_names: What class numbers mean, or which names may occur.

    Raises:
        InputError: If the table cannot be read, a column or a path is missing, a path leaves the
            folder, or a picture has two labels.
    """

    def __init__(
        self,
        name: str,
        *,
        images: str | None = None,
        image_column: str | None = None,
        caption_column: str | Sequence[str] | None = None,
        label_column: str | None = None,
        class_names: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.remarks: tuple[str, ...] = ()
        self._folder = Path(name).parent if images is None else Path(images)
        if not self._folder.is_dir():
            raise InputError(
                f"{self._folder}: the folder that {name} names pictures in does not exist. Check "
                f"the path."
            )
        data = _read(Path(name))
        self._table_hash = hashlib.sha256(data).digest()
        entries = self._entries(data, image_column, caption_column, label_column)
        captions, labels = _merged(entries, table=name)
        if not captions:
            raise InputError(f"{name}: at least one row is needed, got none. Check the table.")
        self._paths = PackedTexts(captions)
        self._captions = PackedTexts(_BETWEEN.join(said) for said in captions.values())
        self._labels, self.classes = class_labels(list(labels.values()), class_names, where=name)
        self.labelled = bool((self._labels >= 0).any())
        self.captioned = any(captions.values())

    @cached_property
    def digest(self) -> str:
        """Covers the table, and the bytes of 256 of its pictures, evenly spread."""
        total = hashlib.sha256(self._table_hash + self._paths.digest + self._captions.digest)
        total.update(self._labels.tobytes() + repr(self.classes).encode())
        total.update(hashes_of_some(len(self), self._path))
        return total.hexdigest()

    def __len__(self) -> int:
        """How many pictures the table names."""
        return len(self._paths)

    def epoch_order(self, seed: int, epoch: int) -> Int64[np.ndarray, " rows"]:
        """A plain shuffle."""
        return epoch_order(len(self), seed=seed, epoch=epoch)

    def where(self, index: int) -> str:
        """The picture's path."""
        return str(self._path(index))

    def captions(self, index: int) -> tuple[str, ...]:
        """The captions of one picture."""
        said = self._captions[index]
        return tuple(said.split(_BETWEEN)) if said else ()

    def read(self, index: int) -> Row:
        """One picture with its captions.

        Raises:
            PictureError: If the file cannot be read.
        """
        data, _ = read_bytes(self._path(index))
        return Row(
            index=index,
            image=data,
            captions=self.captions(index),
            label=int(self._labels[index]),
            where=self.where(index),
        )

    def _path(self, index: int) -> Path:
        return self._folder / self._paths[index]

    def _entries(
        self,
        data: bytes,
        image: str | None,
        caption: str | Sequence[str] | None,
        label: str | None,
    ) -> Iterator[tuple[int, str, tuple[str, ...], str | None]]:
        """Line, picture, captions and label of each row of the table."""
        rows = table_rows(Path(self.name), data)
        _, columns = next(rows, (0, []))
        at = columns.index(picture_column(image, columns, where=self.name))
        texts = caption_columns(caption, columns, where=self.name)
        captions = [columns.index(name) for name in texts]
        labels = label_column(label, columns, where=self.name)
        labelled = None if labels is None else columns.index(labels)
        for line, fields in rows:
            picture = _inside(fields[at], self._folder, where=f"{self.name}: line {line:,}")
            said = clean_captions(fields[each] for each in captions)
            yield line, picture, said, None if labelled is None else fields[labelled].strip()


def _merged(
    entries: Iterator[tuple[int, str, tuple[str, ...], str | None]], *, table: str
) -> tuple[dict[str, tuple[str, ...]], dict[str, str | None]]:
    """The captions and the label of each picture, in the order in which pictures come first."""
    captions: dict[str, tuple[str, ...]] = {}
    labels: dict[str, str | None] = {}
    for line, picture, said, label in entries:
        before = captions.get(picture)
        captions[picture] = said if before is None else tuple(dict.fromkeys((*before, *said)))
        first = labels.setdefault(picture, label)
        if first != label:
            raise InputError(
                f"{table}: line {line:,}: a picture can have one label, '{picture}' has "
                f"'{first}' and '{label}'. Remove one."
            )
    return captions, labels


def _inside(written: str, folder: Path, *, where: str) -> str:
    """The path relative to the folder, if it stays within it."""
    spelled = written.strip().replace("\\", "/") if os.sep == "\\" else written.strip()
    if not spelled:
        raise InputError(f"{where}: the path of a picture is needed, got none. Remove the line.")
    if "://" in spelled:
        raise InputError(
            f"{where}: the path of a picture is needed, got the web address '{spelled}'. Fetch "
            f"the pictures first and name their files."
        )
    # normpath, not resolve(): a link inside the folder is the person's own.
    path = os.path.normpath(spelled)
    if Path(path).is_absolute():
        path = os.path.relpath(path, os.path.abspath(folder))
    if path == os.pardir or path.startswith(os.pardir + os.sep) or "\0" in path:
        raise InputError(
            f"{where}: pictures must lie in '{folder}', '{spelled}' leaves it. Correct the path, "
            f"or give the folder that holds all pictures as images."
        )
    return path


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: a table that can be read is needed, but: {error.strerror or error}. Check "
            f"the path."
        ) from error
