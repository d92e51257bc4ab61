"""CIFAR-10 and CIFAR-100 as their author publishes them for Python: a folder of pickles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightglass.errors import InputError, unknown_name
from sightglass.evaluation.labelled_pictures import LabelledPictures
from sightglass.evaluation.pixmaps import pixmap
from sightglass.evaluation.public_sources import PUBLIC_SOURCES, PublicSource
from sightglass.evaluation.restricted_pickle import read_pickled_dict

if TYPE_CHECKING:
    from jaxtyping import Int, UInt8

_SIDE = 32
_PLANES = (3, _SIDE, _SIDE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Which files there are and what they call things."""

    source: PublicSource
    meta: str
    names: bytes
    labels: bytes
    splits: dict[str, tuple[str, ...]]


_CIFAR_10 = _Layout(
    source=PUBLIC_SOURCES["cifar10"],
    meta="batches.meta",
    names=b"label_names",
    labels=b"labels",
    splits={
        "test": ("test_batch",),
        "train": tuple(f"data_batch_{number}" for number in range(1, 6)),
    },
)
_CIFAR_100 = _Layout(
    source=PUBLIC_SOURCES["cifar100"],
    meta="meta",
    names=b"fine_label_names",
    labels=b"fine_labels",
    splits={"test": ("test",), "train": ("train",)},
)


def cifar_source(folder: Path) -> PublicSource | None:
    """Which of the two ``folder`` is, by its files' names; None if neither."""
    layout = _layout(folder)
    return None if layout is None else layout.source


def read_cifar(folder: Path, *, split: str = "test") -> LabelledPictures:
    """The pictures of one split; CIFAR-100 with its 100 fine classes.

    Class names are the author's: ``automobile``, ``aquarium_fish``. Only one file's pictures are
    in memory at a time.

    Args:
        folder: ``cifar-10-batches-py`` or ``cifar-100-python``.
        split: ``"test"`` or ``"train"``.

    Raises:
        InputError: If a file is absent, damaged, or not what its author published.
        UnknownNameError: If there is no such split.
    """
    layout = _layout(folder)
    if layout is None:
        raise InputError(
            f"Data set: '{folder}' needs the files of CIFAR-10 or CIFAR-100 for Python, has "
            f"neither. {PUBLIC_SOURCES['cifar10'].wanted}"
        )
    if split not in layout.splits:
        raise unknown_name(f"split of '{folder}'", split, layout.splits)
    paths = tuple(folder / name for name in layout.splits[split])
    for path in (folder / layout.meta, *paths):
        if not path.is_file():
            raise InputError(
                f"Data set: {layout.source.title} needs the file '{path}', which is not there. "
                f"{layout.source.wanted}"
            )
    names = _names(folder / layout.meta, layout)
    labels = [_batch(path, layout, n_classes=len(names))[1] for path in paths]

    def read() -> Iterator[bytes]:
        for path in paths:
            for planes in _batch(path, layout, n_classes=len(names))[0]:
                yield pixmap(planes.transpose(1, 2, 0))

    return LabelledPictures(class_names=names, labels=np.concatenate(labels), read=read)


def _layout(folder: Path) -> _Layout | None:
    for layout in (_CIFAR_10, _CIFAR_100):
        files = (layout.meta, *(name for names in layout.splits.values() for name in names))
        # "meta", "test" and "train" alone are names that anything can have.
        if sum((folder / name).is_file() for name in files) >= (1 if layout is _CIFAR_10 else 2):
            return layout
    return None


def _names(path: Path, layout: _Layout) -> tuple[str, ...]:
    names = read_pickled_dict(path).get(layout.names)
    if (
        not isinstance(names, list)
        or not names
        or not all(isinstance(name, bytes) for name in names)
    ):
        raise InputError(
            f"Data set: '{path}' needs the class names ('{layout.names.decode()}'), has none. "
            f"{layout.source.wanted}"
        )
    return tuple(name.decode("utf-8", "replace") for name in names)


def _batch(
    path: Path, layout: _Layout, *, n_classes: int
) -> tuple[UInt8[np.ndarray, "n 3 32 32"], Int[np.ndarray, " n"]]:
    """Pictures as planes of red, green and blue, and their labels; checked."""
    content = read_pickled_dict(path)
    data, values = content.get(b"data"), content.get(layout.labels)
    if (
        not isinstance(data, np.ndarray)
        or data.dtype != np.uint8
        or data.ndim != 2
        or data.shape[1] != np.prod(_PLANES)
        or not isinstance(values, list)
        or len(values) != len(data)
        or not all(type(value) is int and 0 <= value < n_classes for value in values)
    ):
        raise InputError(
            f"Data set: '{path}' needs 'data' with {np.prod(_PLANES)} bytes per picture and as "
            f"many '{layout.labels.decode()}' from 0 to {n_classes - 1}, got something else. "
            f"{layout.source.wanted}"
        )
    return data.reshape(-1, *_PLANES), np.array(values, dtype=np.int64)
