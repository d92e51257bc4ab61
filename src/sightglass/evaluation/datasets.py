"""Labelled data sets from disk or a hub, in the layouts in which people keep them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sightglass.errors import InputError
from sightglass.evaluation.cifar import cifar_source, read_cifar
from sightglass.evaluation.hub_dataset import fetch_hub_dataset
from sightglass.evaluation.image_folder import read_image_folder
from sightglass.evaluation.labelled_pictures import LabelledPictures
from sightglass.evaluation.local_datasets import LocatedDataset, find_datasets
from sightglass.evaluation.mnist_idx import is_mnist, mnist_split_of, read_mnist
from sightglass.evaluation.parquet import find_shards, read_parquet
from sightglass.evaluation.public_sources import source_of
from sightglass.evaluation.svhn_mat import is_svhn, read_svhn, read_svhn_file
from sightglass.evaluation.tiny_imagenet import is_tiny_imagenet, read_tiny_imagenet
from sightglass.inputs.absent_path import advice_on_absent

__all__ = [
    "LabelledPictures",
    "LocatedDataset",
    "class_labels",
    "find_datasets",
    "first_synonym",
    "load_dataset",
]

_HUB = "hf:"
_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz")
_PUBLISHED = (
    (cifar_source, read_cifar),
    (is_mnist, read_mnist),
    (is_svhn, read_svhn),
    (is_tiny_imagenet, read_tiny_imagenet),
)


def load_dataset(path: str | Path, *, split: str | None = None) -> LabelledPictures:
    """The labelled pictures at ``path``; which layout it is shows by itself.

    A label is an index into the set's own class names, whose order differs between layouts: a
    folder of classes is sorted by name, CIFAR is alphabetical, TinyImageNet in ascending WordNet
    id, parquet as its metadata says. Names are spelled as the set spells them, ``automobile`` and
    ``aquarium_fish`` included; whoever gives names of their own gives them in the set's order.

    Args:
        path: A parquet file; a folder with parquet shards; a folder with one folder of pictures
            per class; CIFAR's, MNIST's, SVHN's or TinyImageNet's files as their authors publish
            them (the folder, or an ``.mat`` or idx file of it); or ``hf:ORG/NAME``, a data set of
            a hub.
        split: Which split to take, e.g. ``"test"``, where there are several. The published files
            say themselves which is which, so there the default is the test split (TinyImageNet:
            validation).

    Raises:
        InputError: If there is nothing at ``path``, or it is no labelled data set.
        UnknownNameError: If there is no such split.
        MissingExtraError: If it needs an extra that is not installed.
    """
    if str(path).startswith(_HUB):
        return read_parquet(fetch_hub_dataset(str(path).removeprefix(_HUB), split=split))
    place = Path(path)
    if place.is_file():
        return _read_file(place)
    if not place.is_dir():
        raise _absent(place)
    shards = find_shards(place, split=split)
    if shards:
        return read_parquet(shards)
    for recognises, read in _PUBLISHED:
        if recognises(place):
            return read(place) if split is None else read(place, split=split)
    if split is not None:
        place = place / split
        if not place.is_dir():
            raise InputError(
                f"Data set: '{place.parent}' has neither parquet shards nor a folder of the split "
                f"'{split}'. Leave the split out, or give its folder."
            )
    try:
        return read_image_folder(place)
    except InputError as error:
        inner = _published_inside(place)
        if inner is None:
            raise
        raise InputError(
            f"Data set: '{place}' itself is none, but '{inner}' holds one. Give that folder."
        ) from error


def _published_inside(folder: Path) -> Path | None:
    """A folder of ``folder`` that holds a data set as its authors publish it."""
    children = sorted(child for child in folder.iterdir() if child.is_dir())
    return next((c for c in children if any(recognises(c) for recognises, _ in _PUBLISHED)), None)


def _read_file(file: Path) -> LabelledPictures:
    split = mnist_split_of(file)
    if split is not None:
        return read_mnist(file.parent, split=split)
    if file.suffix == ".mat":
        return read_svhn_file(file)
    if file.name.casefold().endswith(_ARCHIVES):
        raise InputError(
            f"Data set: a folder is needed, '{file}' is an archive. Unpack it and give the folder."
        )
    if cifar_source(file.parent) is not None and not file.suffix:
        raise InputError(
            f"Data set: the whole folder is needed, '{file}' is a part of it. Give "
            f"'{file.parent}', and the split."
        )
    return read_parquet((file,))


def _absent(place: Path) -> InputError:
    source = source_of(place.name)
    where = f" {source.wanted}" if source else ""
    return InputError(
        f"Data set: a file or folder is needed, '{place}' does not exist. "
        f"{advice_on_absent(place)}{where}"
    )


def first_synonym(name: str) -> str:
    """The first of a WordNet-style list: "goldfish, Carassius auratus" becomes "goldfish".

    ImageNet and its relatives name a class by all lemmas of its synset, the most usual one first,
    separated by commas. A name without comma stays as it is.
    """
    return name.split(",", maxsplit=1)[0].strip()


def class_labels(class_names: Sequence[str]) -> list[str]:
    """One distinct name per class of a data set: its first synonym.

    Where two classes share it (ImageNet has two maillots and two cranes), all their synonyms are
    kept; where even these are the same, a number tells them apart.
    """
    firsts = Counter(first_synonym(name).casefold() for name in class_names)
    seen: Counter[str] = Counter()
    labels = []
    for name in class_names:
        first = first_synonym(name)
        label = first if firsts[first.casefold()] == 1 else name
        seen[label.casefold()] += 1
        count = seen[label.casefold()]
        labels.append(label if count == 1 else f"{label} ({count})")
    return labels
