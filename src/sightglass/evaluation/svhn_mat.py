"""SVHN's cropped digits as their authors publish them: one Matlab file per split."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightglass.errors import InputError, reason, unknown_name
from sightglass.evaluation.labelled_pictures import LabelledPictures
from sightglass.evaluation.mat_file import mat_arrays
from sightglass.evaluation.pixmaps import pixmap
from sightglass.evaluation.public_sources import PUBLIC_SOURCES

if TYPE_CHECKING:
    from jaxtyping import Int, UInt8

_SPLITS = ("test", "train", "extra")
_FILE = re.compile(rf"({'|'.join(_SPLITS)})_32x32\.mat")
_DIGITS = tuple("0123456789")


def is_svhn(folder: Path) -> bool:
    """Whether ``folder`` has a file of SVHN, by the files' names."""
    return any(_FILE.fullmatch(path.name) for path in folder.iterdir())


def read_svhn(folder: Path, *, split: str = "test") -> LabelledPictures:
    """The cropped digits of one split.

    Args:
        folder: Has ``test_32x32.mat``, or that of another split.
        split: ``"test"``, ``"train"`` or ``"extra"``.

    Raises:
        InputError: If the file is absent or damaged, or not what its authors published.
        UnknownNameError: If there is no such split.
    """
    if split not in _SPLITS:
        raise unknown_name(f"split of '{folder}'", split, _SPLITS)
    path = folder / f"{split}_32x32.mat"
    if not path.is_file():
        raise InputError(
            f"Data set: SVHN needs the file '{path}', which is not there. "
            f"{PUBLIC_SOURCES['svhn'].wanted}"
        )
    return read_svhn_file(path)


def read_svhn_file(path: Path) -> LabelledPictures:
    """The digits of one file; the authors' label 10 is the digit 0.

    All pictures of the file are in memory while they are read.

    Raises:
        InputError: As ``read_svhn``.
    """
    _, labels = _content(path)

    def read() -> Iterator[bytes]:
        pictures, _ = _content(path)
        for index in range(pictures.shape[3]):
            yield pixmap(pictures[..., index])

    return LabelledPictures(class_names=_DIGITS, labels=labels, read=read)


def _content(
    path: Path,
) -> tuple[UInt8[np.ndarray, "height width 3 n"], Int[np.ndarray, " n"]]:
    """Pictures, with their number as the last axis, and digits; checked."""
    try:
        content = mat_arrays(path, "X", "y")
    except (OSError, ValueError) as error:
        raise InputError(
            f"Data set: '{path}' must be a Matlab file of version 5, but cannot be read as one "
            f"({reason(error)}). Fetch it again."
        ) from error
    pictures, values = content.get("X"), content.get("y")
    if (
        pictures is None
        or values is None
        or pictures.ndim != 4
        or pictures.shape[2] != 3
        or 0 in pictures.shape
        or pictures.dtype != np.uint8
        or values.dtype.kind not in "iuf"
        or values.size != pictures.shape[3]
        or not np.isin(values, range(1, 11)).all()
    ):
        raise InputError(
            f"Data set: '{path}' needs pictures 'X' of shape (32, 32, 3, n), uint8, and n labels "
            f"'y' from 1 to 10, got something else. {PUBLIC_SOURCES['svhn'].wanted}"
        )
    return pictures, values.ravel().astype(np.int64) % 10
