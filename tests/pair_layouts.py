"""Small data sets of pairs as people have them, written on the spot; and one that is in memory."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from sightglass.distillation.pairs.row import Row
from sightglass.errors import PictureError


def numbered_png(number: int, size: tuple[int, int] = (4, 4)) -> bytes:
    """A picture of one colour, which says its number: ``number_in`` reads it."""
    colour = (number % 256, number // 256 % 256, number // 65536)
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def number_in(pixels: np.ndarray) -> int:
    """Of ``numbered_png``."""
    red, green, blue = (int(value) for value in pixels[0, 0])
    return red + 256 * green + 65536 * blue


def numbered_view(image: Image.Image, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """The picture, and four draws: what it was, and which chance it was given."""
    return np.asarray(image), rng.integers(0, 256, (1, 4, 3), np.uint8)


def write_tar(path: Path, members: Sequence[tuple[str, bytes]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def write_parquet(
    path: Path,
    columns: Mapping[str, Any],
    *,
    names: Mapping[str, Sequence[str]] | None = None,
    rows: int = 1000,
) -> Path:
    """``names``: the class names of each label column; ``rows``: of a row group."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(dict(columns))
    if names:
        features = {
            column: {"names": list(of), "_type": "ClassLabel"} for column, of in names.items()
        }
        record = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": record})
    pq.write_table(table, path, row_group_size=rows)
    return path


def encoded(pictures: Sequence[bytes | None]) -> pa.Array:
    """A column as hubs have it."""
    return pa.array(
        [{"bytes": data, "path": f"{at}.png"} for at, data in enumerate(pictures)],
        pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    )


class MemorySource:
    """Rows in memory, numbered from ``first``; those in ``bad`` cannot be read or decoded."""

    def __init__(
        self,
        name: str,
        rows: int,
        *,
        first: int = 0,
        bad: Sequence[int] = (),
        captions: int = 0,
        labels: int = 0,
    ) -> None:
        self.name = name
        self.digest = f"{name}-{rows}"
        self.classes = tuple(f"class {number}" for number in range(labels))
        self.remarks: tuple[str, ...] = ()
        self.labelled, self.captioned = labels > 0, captions > 0
        self.bad = frozenset(bad)
        self.reads: list[int] = []
        self._rows, self._first, self._captions = rows, first, captions

    def __len__(self) -> int:
        return self._rows

    def epoch_order(self, seed: int, epoch: int) -> np.ndarray:
        return np.random.default_rng([seed, epoch]).permutation(self._rows)

    def where(self, index: int) -> str:
        return f"{self.name} row {index}"

    def captions(self, index: int) -> tuple[str, ...]:
        return tuple(f"{self.name} {index} caption {one}" for one in range(self._captions))

    def read(self, index: int) -> Row:
        self.reads.append(index)
        if index in self.bad and index % 2:
            raise PictureError("unreadable", "not found")
        return Row(
            index=index,
            image=b"words" if index in self.bad else numbered_png(self._first + index),
            captions=self.captions(index),
            label=index % len(self.classes) if self.classes else -1,
            where=self.where(index),
        )
