"""Tar shards as WebDataset has them: the members of one name are one sample."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightglass.distillation.pairs.captions import captions_in_json, captions_in_text
from sightglass.distillation.pairs.file_ends import digest_of_ends
from sightglass.distillation.pairs.packed_texts import PackedTexts
from sightglass.distillation.pairs.row import Row
from sightglass.distillation.pairs.shard_files import shard_files
from sightglass.distillation.pairs.tar_index import Sample, index_shard
from sightglass.distillation.pairs.windowed_order import windowed_order
from sightglass.errors import InputError, PictureError
from sightglass.inputs.file_bytes import DEFAULT_MAX_BYTES

if TYPE_CHECKING:
    from jaxtyping import Int64

_WINDOW = 16  # shards that an order has open at a time
_TEXT, _RECORD, _LABEL = 1, 2, 3  # behind the picture


class WebdatasetSource:
    """Samples in one or many tar shards, read by their place.

    The shards' headers are read once, here; a sample costs 64 bytes and its key from then on.

    Args:
        name: A file, a folder, or a pattern such as ``cc-{000..011}.tar`` or ``cc-*.tar``.
        class_names: What the numbers in ``.cls`` members mean, where that is known.

    Raises:
        InputError: If a shard is absent or cannot be read, or there is no sample with a picture.
    """

    def __init__(self, name: str, *, class_names: Sequence[str] = ()) -> None:
        self.name = name
        self.classes = tuple(class_names)
        self._files = shard_files(name, suffix=".tar")
        keys: list[PackedTexts] = []
        extents: list[np.ndarray] = []
        remarks: list[str] = []
        for path in self._files:
            samples, told = _index(path)
            remarks.extend(told)
            keys.append(PackedTexts(sample.key for sample in samples))
            places = [(one.image, one.text, one.record, one.label) for one in samples]
            extents.append(np.array(places, np.int64).reshape(-1, 4, 2))
        self.remarks = tuple(remarks)
        self._keys = keys
        self._extents = np.concatenate(extents)
        present = self._extents[:, :, 1] >= 0
        self.captioned = bool(present[:, [_TEXT, _RECORD]].any())
        self.labelled = bool(present[:, _LABEL].any())
        self._starts = np.cumsum([0, *map(len, keys)])
        self._sizes = [path.stat().st_size for path in self._files]
        if not len(self):
            told = [f" {remark}." for remark in remarks[:1]]
            raise InputError(
                f"{name}: at least one sample with a picture is needed (a member such as "
                f"'000.jpg'), found none.{''.join(told)} Check the path."
            )

    @cached_property
    def digest(self) -> str:
        """Covers every member's name, place and length, and the ends of every shard."""
        total = hashlib.sha256(repr(self.classes).encode())
        total.update(self._extents.tobytes())
        for path, keys in zip(self._files, self._keys, strict=True):
            total.update(digest_of_ends(path) + keys.digest)
        return total.hexdigest()

    def __len__(self) -> int:
        """How many samples have a picture."""
        return len(self._extents)

    def epoch_order(self, seed: int, epoch: int) -> Int64[np.ndarray, " rows"]:
        """Shards shuffled, then samples within every 16 of them."""
        rows = [len(keys) for keys in self._keys]
        return windowed_order(rows, [1] * len(rows), budget=_WINDOW, seed=seed, epoch=epoch)

    def where(self, index: int) -> str:
        """Shard and key."""
        shard = self._shard(index)
        return f"{self._files[shard]}: {self._keys[shard][index - int(self._starts[shard])]}"

    def captions(self, index: int) -> tuple[str, ...]:
        """The captions of one sample."""
        shard = self._shard(index)
        return _captions(*self._members(shard, self._extents[index, [_TEXT, _RECORD]]))

    def read(self, index: int) -> Row:
        """One sample.

        Raises:
            PictureError: If a member makes no sense.
            InputError: If the shard has gone or changed since its headers were read.
        """
        shard = self._shard(index)
        image, text, record, label = self._members(shard, self._extents[index])
        return Row(
            index=index,
            image=image or b"",
            captions=_captions(text, record),
            label=-1 if label is None else self._number(label),
            where=self.where(index),
        )

    def _shard(self, index: int) -> int:
        return int(np.searchsorted(self._starts, index, side="right")) - 1

    def _members(self, shard: int, extents: Int64[np.ndarray, "n 2"]) -> list[bytes | None]:
        """The bytes at these places; None for what the sample has not."""
        path = self._files[shard]
        if (largest := extents[:, 1].max()) > DEFAULT_MAX_BYTES:
            raise PictureError(
                "too_large", f"{largest:,} bytes; the limit is {DEFAULT_MAX_BYTES:,}"
            )
        try:
            # Opened for each sample: a place in a file that threads share would be one for all.
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_size != self._sizes[shard]:
                    raise InputError(
                        f"{path}: a run needs the same shards from its first step to its last, "
                        f"this one has changed meanwhile. Put the old one back and run the same "
                        f"command to go on, or begin anew with another --out."
                    )
                found: list[bytes | None] = []
                for at, length in extents.tolist():
                    file.seek(at)
                    found.append(file.read(length) if length >= 0 else None)
                return found
        except OSError as error:
            raise InputError(
                f"{path}: could be read when training began and cannot be now "
                f"({error.strerror or error}). Put it back and run the same command to go on."
            ) from error

    def _number(self, data: bytes) -> int:
        try:
            number = int(data)
        except ValueError as error:
            raise PictureError("corrupt", "its .cls member is no whole number") from error
        if number < -1 or (self.classes and number >= len(self.classes)):
            raise PictureError(
                "corrupt", f"its .cls member says {number}, of {len(self.classes):,} classes"
            )
        return number


def _captions(text: bytes | None, record: bytes | None) -> tuple[str, ...]:
    said = () if text is None else captions_in_text(text)
    return captions_in_json(record) if record is not None and not said else said


def _index(path: Path) -> tuple[list[Sample], list[str]]:
    try:
        return index_shard(path)
    except OSError as error:
        raise InputError(
            f"{path}: a tar shard that can be read is needed, but: {error.strerror or error}. "
            f"Check its permissions."
        ) from error
