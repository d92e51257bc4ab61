"""Which of the literature's data sets lie in a folder, in whatever layout people have them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sightglass.errors import InputError
from sightglass.evaluation.cifar import cifar_source
from sightglass.evaluation.mnist_idx import mnist_split_of
from sightglass.evaluation.parquet import shards_by_split
from sightglass.evaluation.public_sources import PUBLIC_SOURCES, PublicSource, letters_of
from sightglass.evaluation.tiny_imagenet import is_tiny_imagenet

# What publishers call the labelled pictures that are not for training, in the order of choice.
_HELD_OUT = ("test", "validation", "valid", "val")
_FOLDERS = {
    "mnist": {"mnist"},
    "svhn": {"svhn"},
    "cifar10": {"cifar10", "cifar10batchespy", "cifar10python"},
    "cifar100": {"cifar100", "cifar100python"},
    "tinyimagenet": {"tinyimagenet", "tinyimagenet200"},
}
# Where torchvision and hubs put files inside a data set's folder.
_INNER_FOLDERS = {"raw", "data"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedDataset:
    """Where a data set is; or, where it is not, what is wanted.

    Attributes:
        source: Its name and where people get it.
        path: What ``load_dataset`` takes; None if the data set is absent.
        split: The split to give to ``load_dataset``; None if the path says it.
    """

    source: PublicSource
    path: Path | None = None
    split: str | None = None

    @property
    def wanted(self) -> str:
        """Which files are wanted and where people get them; a whole sentence."""
        return self.source.wanted


def find_datasets(folder: str | Path) -> dict[str, LocatedDataset]:
    """The test pictures of MNIST, SVHN, CIFAR-10, CIFAR-100 and TinyImageNet (validation).

    Each may be a parquet file (``cifar10_test.parquet``), the files that its authors publish, a
    folder of parquet shards, or ``<data set>/test/<class>/``; directly in ``folder`` or in a
    folder named after the data set. Training pictures and files with other names, such as
    references, are never taken.

    Args:
        folder: One folder for all of them.

    Returns:
        One entry for each of the five, by name, present or not.

    Raises:
        InputError: If there is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(
            f"Data sets: a folder is needed, '{root}' is none. Give the folder that holds them."
        )
    return {name: _locate(root, source) for name, source in PUBLIC_SOURCES.items()}


def _locate(root: Path, source: PublicSource) -> LocatedDataset:
    for place in (root, *_places(root, source.name)):
        file = _parquet_file(place, source.name) or _published(place, source.name)
        if file is not None:
            return LocatedDataset(source=source, path=file)
        found = None if place == root else _split_in(place)
        if found is not None:
            return LocatedDataset(source=source, path=found[0], split=found[1])
    return LocatedDataset(source=source)


def _split_in(place: Path) -> tuple[Path, str | None] | None:
    """Shards or class folders of held-out pictures in a folder named after its data set."""
    shards = shards_by_split(sorted(place.glob("*.parquet")))
    for split in _HELD_OUT:
        if split in shards:
            return place, split
        if any(child.is_dir() for child in (place / split).glob("*")):
            return place / split, None
    return None


def _places(root: Path, name: str) -> Iterator[Path]:
    """The folders below ``root`` that are named after the data set, and what they hold."""
    for child in _folders_in(root):
        if letters_of(child.name) in _FOLDERS[name]:
            yield child
            for inner in _folders_in(child):
                if letters_of(inner.name) in _FOLDERS[name] | _INNER_FOLDERS:
                    yield inner


def _folders_in(folder: Path) -> list[Path]:
    return sorted(child for child in folder.iterdir() if child.is_dir())


def _parquet_file(folder: Path, name: str) -> Path | None:
    """A file that holds the data set's test pictures, by its whole name."""
    held_out = "|".join(_HELD_OUT)
    wanted = re.compile(rf"{name}(200)?({held_out})?(00000of00001)?")
    files = sorted(folder.glob("*.parquet"))
    found = [file for file in files if wanted.fullmatch(letters_of(file.stem))]
    # "mnist.parquet" may be anything, "mnist_test.parquet" says what it is.
    return max(found, key=lambda file: len(file.stem), default=None)


def _published(place: Path, name: str) -> Path | None:
    """The test pictures as the data set's authors publish them, if they are in ``place``."""
    if name == "mnist":
        files = (file for file in sorted(place.iterdir()) if mnist_split_of(file) == "test")
        return next(files, None)
    if name == "svhn":
        file = place / "test_32x32.mat"
        return file if file.is_file() else None
    if name == "tinyimagenet":
        return place if is_tiny_imagenet(place) and (place / "val").is_dir() else None
    test = place / ("test_batch" if name == "cifar10" else "test")
    return place if cifar_source(place) is PUBLIC_SOURCES[name] and test.is_file() else None
