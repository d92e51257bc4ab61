"""MNIST as its authors publish it: pictures and labels in two files of the idx format."""

from __future__ import annotations

import gzip
import math
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from sightglass.errors import InputError, unknown_name
from sightglass.evaluation.labelled_pictures import LabelledPictures
from sightglass.evaluation.pixmaps import pixmap
from sightglass.evaluation.public_sources import PUBLIC_SOURCES

if TYPE_CHECKING:
    from jaxtyping import UInt8

_PREFIXES = {"test": "t10k", "train": "train"}
# The archive has a dash before "idx"; unpacked by some programs it is a dot.
_FILE = re.compile(r"(t10k|train)-(images|labels)[-.]idx[13]-ubyte(\.gz)?")
_UNSIGNED_BYTES = 8
_LARGEST = 1 << 31  # bytes; the largest set in this format has a quarter of it
_DIGITS = tuple("0123456789")


def is_mnist(folder: Path) -> bool:
    """Whether ``folder`` has a file of MNIST, by the files' names."""
    return any(_FILE.fullmatch(path.name) for path in folder.iterdir())


def mnist_split_of(path: Path) -> str | None:
    """Which split a file of MNIST belongs to, by its name; None for any other file."""
    match = _FILE.fullmatch(path.name)
    return next((s for s, prefix in _PREFIXES.items() if match and match[1] == prefix), None)


def read_mnist(folder: Path, *, split: str = "test") -> LabelledPictures:
    """The pictures of one split, grey, and the ten digits as class names.

    Sets that imitate the format (Fashion-MNIST, KMNIST) have the same file names and other
    classes: give those their names.

    Args:
        folder: Has ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte`` (``train-…`` for the
            training split), each plain or packed (``.gz``).
        split: ``"test"`` or ``"train"``.

    Raises:
        InputError: If a file is absent or damaged, or the two do not belong together.
        UnknownNameError: If there is no such split.
    """
    if split not in _PREFIXES:
        raise unknown_name(f"split of '{folder}'", split, _PREFIXES)
    pictures, numbers = (_find(folder, split, kind) for kind in ("images", "labels"))
    labels = read_idx(numbers, axes=1)
    n_pictures = len(read_idx(pictures, axes=3))
    if n_pictures != len(labels):
        raise InputError(
            f"Data set: '{pictures}' and '{numbers}' must have as many entries, got {n_pictures:,} "
            f"pictures and {len(labels):,} labels. Fetch both again."
        )
    if not n_pictures or labels.max() >= len(_DIGITS):
        raise InputError(
            f"Data set: '{numbers}' needs labels from 0 to 9, got "
            f"{f'up to {labels.max()}' if n_pictures else 'none'}. "
            f"{PUBLIC_SOURCES['mnist'].wanted}"
        )

    def read() -> Iterator[bytes]:
        return map(pixmap, read_idx(pictures, axes=3))

    return LabelledPictures(class_names=_DIGITS, labels=labels.astype(np.int64), read=read)


def read_idx(path: Path, *, axes: int) -> UInt8[np.ndarray, ...]:
    """The array of a file of the idx format, packed or not.

    Args:
        path: The file; packed if its name ends in ``.gz``.
        axes: How many axes the array must have.

    Raises:
        InputError: If the file is absent, damaged or cut off, or holds something else.

    Source:
        The page of MNIST, "file formats": two zero bytes, the type, the number of axes; each
        axis's length as a big-endian number of 4 bytes; the values, last axis fastest.
    """
    start = 4 + 4 * axes
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            data = _as_announced(stream, start)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"Data set: '{path}' must be a whole file, but cannot be read ({reason}). Fetch it "
            "again."
        ) from error
    if data[:4] != bytes((0, 0, _UNSIGNED_BYTES, axes)) or len(data) < start:
        raise InputError(
            f"Data set: '{path}' must be an idx file of bytes with {axes} "
            f"{'axis' if axes == 1 else 'axes'}, but begins with '{data[:4].hex(' ')}'. "
            f"{PUBLIC_SOURCES['mnist'].wanted}"
        )
    shape = [int.from_bytes(data[at : at + 4], "big") for at in range(4, start, 4)]
    size = start + math.prod(shape)
    if len(data) != size or 0 in shape[1:]:
        raise InputError(
            f"Data set: '{path}' announces {' x '.join(map(str, shape))} bytes and needs a length "
            f"of {size:,}, got {len(data):,}. Fetch it again."
        )
    if math.prod(shape[1:]) > sys.maxsize:  # possible in a file of no pictures
        raise InputError(
            f"Data set: '{path}' announces pictures of {' x '.join(map(str, shape[1:]))} bytes, "
            f"which no machine can hold. Fetch it again."
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _find(folder: Path, split: str, kind: str) -> Path:
    stem = f"{_PREFIXES[split]}-{kind}"
    axes = 3 if kind == "images" else 1
    names = [f"{stem}{dot}idx{axes}-ubyte{end}" for dot in "-." for end in ("", ".gz")]
    found = next((path for name in names if (path := folder / name).is_file()), None)
    if found is None:
        raise InputError(
            f"Data set: MNIST needs the file '{folder / names[0]}' or '{names[1]}', which is not "
            f"there. {PUBLIC_SOURCES['mnist'].wanted}"
        )
    return found


def _as_announced(stream: gzip.GzipFile | BinaryIO, start: int) -> bytes:
    """The header and what it announces, and a byte more where there is more.

    A packed file of a few kilobytes may unpack to gigabytes.
    """
    header = stream.read(start)
    shape = [int.from_bytes(header[at : at + 4], "big") for at in range(4, start, 4)]
    return header + stream.read(min(math.prod(shape), _LARGEST) + 1)
